"""Ingest's word about itself: rates between heartbeats, the age of what waits, and the limit that is passed."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from deploy.pulse import Pulse
from energy import manual
from energy.broker.paho import PahoBroker
from energy.settings import Settings
from ingest.landings import Landings
from tests.contract.brokers import Inbox, Place, running
from tests.ingest.ground import NOW, Ground, message, reading


@dataclass(slots=True)
class Counts:
    """What receiver and lander say; the loops that count are tested in the real process."""

    journaled: int = 0
    messages: int = 0
    store_errors: int = 0
    books_errors: int = 0
    trouble: str = ""


class Clock:
    """A clock that stands where it is put, in seconds."""

    now = NOW / 1000

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path, "m-1")
    yield made
    made.close()


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with running("iotcore", tmp_path / "broker") as one:
        yield one


def pulse(ground: Ground, broker: PahoBroker, counts: Counts, clock: Clock, **limits: float) -> tuple[Pulse, Landings]:
    landings = Landings(ground.books, ground.store, ground.folder / "journal", ("w1", manual.WORKER))
    settings = Settings(data=ground.folder, **{"disk_free_bytes": 1, **limits})  # type: ignore[arg-type]
    return Pulse(settings, broker, counts, counts, landings, clock), landings


def test_lag_is_the_age_of_the_oldest_that_waits_and_ends_when_it_has_landed(ground: Ground, place: Place) -> None:
    clock, counts = Clock(), Counts()
    watched, landings = pulse(ground, place.client("p", Inbox()), counts, clock, lag_seconds=60)
    assert watched.state()[1]["lag_s"] == watched.state()[1]["lag_messages"] == 0
    for n in range(3):
        ground.receive(message(reading(ts=NOW + n, p_kw=1.0), seq=n + 1), at=NOW + 10_000 * n)
    clock.now += 60
    well, detail = watched.state()
    assert (well, detail["lag_s"], detail["lag_messages"]) == (True, 60.0, 3)
    assert detail["journal_bytes"] > 0
    assert detail["disk_free_bytes"] > 0
    clock.now += 1
    well, detail = watched.state()
    assert not well
    assert detail["reason"] == "landing is behind: a message has waited 61 s, the limit is 60 s"
    while landings.step():
        pass
    well, detail = watched.state()
    assert (well, detail["lag_s"], detail["lag_messages"]) == (True, 0.0, 0)


def test_too_many_that_wait_are_too_many_however_young(ground: Ground, place: Place) -> None:
    watched, _ = pulse(ground, place.client("p", Inbox()), Counts(), Clock(), lag_messages=2)
    ground.receive(*[message(reading(p_kw=1.0), seq=n + 1) for n in range(2)])
    assert watched.state()[0]
    ground.receive(message(reading(p_kw=1.0), seq=3))
    assert watched.state()[1]["reason"] == "landing is behind: 3 messages wait, the limit is 2"


@pytest.mark.parametrize(("limit", "what"), [("journal_bytes", "the journals"), ("wal_bytes", "the WAL files")])
def test_journal_and_wal_may_grow_up_to_a_limit(ground: Ground, place: Place, limit: str, what: str) -> None:
    ground.receive(message(reading(p_kw=1.0), seq=1))
    broker = place.client("p", Inbox())
    size = int(str(pulse(ground, broker, Counts(), Clock())[0].state()[1][limit]))
    assert size > 0
    assert pulse(ground, broker, Counts(), Clock(), **{limit: size})[0].state()[0]
    well, detail = pulse(ground, broker, Counts(), Clock(), **{limit: size - 1})[0].state()
    assert (well, detail["reason"]) == (False, f"{what} have {size:,} bytes, the limit is {size - 1:,}")


def test_rates_are_of_the_time_between_two_heartbeats(ground: Ground, place: Place) -> None:
    clock, counts = Clock(), Counts()
    watched, _ = pulse(ground, place.client("p", Inbox()), counts, clock)
    counts.journaled, counts.messages, clock.now = 100, 60, clock.now + 4
    detail = watched.state()[1]
    assert (detail["received_per_s"], detail["landed_per_s"]) == (25.0, 15.0)
    counts.journaled, counts.messages, clock.now = 150, 160, clock.now + 2
    detail = watched.state()[1]
    assert (detail["received_per_s"], detail["landed_per_s"]) == (25.0, 50.0)


def test_the_first_trouble_is_the_reason(ground: Ground, place: Place) -> None:
    broker, counts = place.client("p", Inbox()), Counts()
    watched, _ = pulse(ground, broker, counts, Clock())
    broker.stop()
    assert str(watched.state()[1]["reason"]).startswith("no connection to the broker")
    counts.trouble = "journal of 2026-11-22: disk I/O error"
    well, detail = watched.state()
    assert (well, detail["reason"]) == (False, counts.trouble)
