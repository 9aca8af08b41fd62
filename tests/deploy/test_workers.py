"""`carbonwatch ingest --workers 2` on a real Mosquitto: what one worker makes of a feed, also when one dies or goes."""

import json
import os
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Engine, select

from energy.books import registry
from energy.books import tables as t
from energy.books.open import look, open_books
from energy.broker.paho import PahoBroker
from energy.journal import START, JournalReader
from energy.registry import Meter
from energy.store.port import Series
from energy.store.sqlite import SqliteStore
from tests.contract.brokers import Inbox, Place, running, wait
from tests.where_books import books_environment, books_url

pytestmark = pytest.mark.needs("mosquitto")

NOW = 1_795_306_500_000
SITES = ("steel-1", "paper-1")  # of two parts one each
METERS = ("m-1", "m-2")
CLASSES = ("received", "landed", "duplicate", "conflict", "held", "refused", "messages", "undecodable")
Feed = list[tuple[str, bytes]]


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    with running("mosquitto", tmp_path / "broker") as one:
        yield one


class Plant:
    """A data directory with registered meters, the processes that ingest into it, and who sends to it."""

    def __init__(self, folder: Path, place: Place) -> None:
        folder.mkdir()
        self.data, self.place = folder, place
        self.books: Engine = open_books(books_url(folder))
        self.store = SqliteStore(folder / "readings.db")
        with self.books.begin() as db:
            for site in SITES:
                for meter in METERS:
                    registry.put_meter(db, Meter(site, meter, meter, meter), "test", NOW)
        self.receipts = Inbox()
        self.peer = place.client(f"peer-{folder.name}", self.receipts, "ecm/v1/+/+/receipt", clean=True)

    @contextmanager
    def ingest(self, *options: str) -> Iterator[subprocess.Popen[bytes]]:
        """A running `carbonwatch ingest`; it must end well."""
        command = [sys.executable, "-P", "-m", "deploy", "ingest", "--data", str(self.data), "--mqtt", self.place.url]
        environment = {**os.environ, **books_environment(self.data)}
        with (
            (self.data / "ingest.log").open("ab") as log,
            subprocess.Popen([*command, *options], stdout=log, stderr=log, env=environment) as process,
        ):
            try:
                yield process
                process.terminate()
                assert process.wait(30) == 0
            finally:
                process.kill()

    def send(self, feed: Feed) -> None:
        for topic, payload in feed:
            wait(lambda topic=topic, payload=payload: self.peer.publish(topic, payload))  # type: ignore[misc]

    def ledger(self) -> Counter[str]:
        with look(self.books) as db:
            rows = db.execute(select(t.ledger)).mappings().all()
        for row in rows:
            assert row["received"] == sum(row[name] for name in CLASSES[1:6])
        return Counter({name: sum(row[name] for row in rows) for name in CLASSES})

    def rows(self, table: Any, *columns: str) -> Counter[tuple[Any, ...]]:
        with look(self.books) as db:
            return Counter(tuple(row) for row in db.execute(select(*(table.c[name] for name in columns))))

    def journal(self, worker: str) -> int:
        return sum(1 for _ in JournalReader(self.data / "journal", worker).all_after(START))

    def beat(self) -> dict[str, Any]:
        with look(self.books) as db:
            row = db.execute(select(t.part).where(t.part.c.name == "ingest")).mappings().first()
        return {**row["detail"], "ok": row["ok"]} if row else {}

    def state(self) -> dict[str, Any]:
        """What must be the same, by however many it was received and landed."""
        hull: dict[tuple[str, str], tuple[int, int]] = {}
        for site, meter, first, last in self.rows(t.touched, "site", "meter", "first", "last"):
            low, high = hull.get((site, meter), (first, last))
            hull[site, meter] = min(first, low), max(last, high)
        stored = {}
        for site in SITES:
            for meter in METERS:
                frame = self.store.read(Series("meter", site, meter), ["p_kw", "e_kwh"], 0, 2**60)
                stored[site, meter] = (list(frame.times), {key: list(row) for key, row in frame.values.items()})
        return {
            "stored": repr(stored), "touched": hull, "heard": self.rows(t.last_heard, "site", "meter", "time"),
            "conflict": self.rows(t.conflict, "site", "meter", "quantity", "time", "kept", "refused"),
            "held": self.rows(t.held, "site", "gateway", "meter", "time"),
            "refused": self.rows(t.quarantine, "site", "gateway", "reason", "count"),
            "sequences": [json.dumps(one) for one in self.rows_of_gateways()],
        }  # fmt: skip

    def rows_of_gateways(self) -> list[Any]:
        with look(self.books) as db:
            g = t.gateway.c
            query = select(g.site, g.gateway, g.boot, g.seen, g.last_seq).order_by(g.site, g.gateway, g.boot)
            return [list(row) for row in db.execute(query)]

    def close(self) -> None:
        self.store.close()
        self.books.dispose()


@pytest.fixture
def plant(place: Place, tmp_path: Path) -> Iterator[Callable[[str], Plant]]:
    made: list[Plant] = []

    def one(name: str) -> Plant:
        made.append(Plant(tmp_path / name, place))
        return made[-1]

    yield one
    for plant in made:
        plant.close()


def message(seq: int, *readings: dict[str, Any]) -> bytes:
    return json.dumps({"boot": "b", "seq": seq, "readings": readings}).encode()


def first_half(messages: int) -> Feed:
    """Two sites, two gateways each, that report the site's two meters one each."""
    return [
        (f"ecm/v1/{site}/gw-{number}/telemetry",
         message(seq, {"meter": f"m-{number}", "ts": NOW + seq * 1000, "p_kw": float(seq), "e_kwh": seq * 2.0}))
        for seq in range(1, messages + 1) for site in SITES for number in (1, 2)
    ]  # fmt: skip


def second_half(messages: int) -> Feed:
    """Gateway 2 reports meter 1 too: half of it the same, half in conflict; with unknown meters and refused values."""
    feed = []
    for seq in range(1, messages + 1):
        other = float(seq) if seq % 2 else -1.0
        for site in SITES:
            first = {"meter": "m-1", "ts": NOW + seq * 1000, "p_kw": other}
            unknown = {"meter": "m-9", "ts": NOW + seq, "p_kw": 1.0}
            feed.append((f"ecm/v1/{site}/gw-2/telemetry",
                         message(messages + seq, first, unknown, {"meter": "m-2", "ts": 1, "p_kw": 1.0})))  # fmt: skip
    return feed


def receipted(plant: Plant, site: str, gateway: str) -> int:
    """The highest receipt that a gateway was given."""
    said = [json.loads(one.payload)["seq"] for one in plant.receipts.tokens
            if one.topic == f"ecm/v1/{site}/{gateway}/receipt"]  # fmt: skip
    return max(said, default=0)


def subscribed(plant: Plant) -> None:
    """Wait until all sessions are there, or what is sent would be nobody's."""
    wait(lambda: plant.beat().get("broker") is True)


def whole(plant: Plant, messages: int, options: tuple[str, ...]) -> dict[str, Any]:
    with plant.ingest(*options):
        subscribed(plant)
        plant.send(first_half(messages))
        wait(lambda: plant.ledger()["messages"] == 4 * messages)
        plant.send(second_half(messages))
        wait(lambda: plant.ledger()["messages"] == 6 * messages)
        wait(lambda: receipted(plant, "paper-1", "gw-2") == 2 * messages)
        wait(lambda: (plant.beat()["journaled"], plant.beat()["lag_messages"]) == (6 * messages, 0))
        assert plant.beat()["ok"], plant.beat()
    return {**plant.state(), "ledger": plant.ledger()}


def test_two_workers_and_two_landers_make_what_one_makes(plant: Callable[[str], Plant]) -> None:
    messages = 150
    one, two = plant("one"), plant("two")
    alone = whole(one, messages, ())
    together = whole(two, messages, ("--workers", "2", "--landers", "2"))
    assert together == alone
    assert alone["ledger"]["conflict"] == messages  # in one place, though two gateways say it
    assert alone["ledger"]["held"] == 2 * messages
    assert min(two.journal("w1"), two.journal("w2")) > messages
    assert len(two.rows(t.cursor, "worker")) >= 6


def child(process: subprocess.Popen[bytes], role: str) -> int:
    """The process of a role among the children."""
    for pid in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        if role.encode() in Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0"):
            return int(pid)
    return 0


def test_one_worker_killed_and_one_removed_in_mid_run(plant: Callable[[str], Plant]) -> None:
    messages = 300
    one, two = plant("one"), plant("two")
    alone = whole(one, messages, ())
    feed = first_half(messages)
    with two.ingest("--workers", "2", "--landers", "2") as process:
        subscribed(two)
        two.send(feed[: 2 * messages])
        os.kill(child(process, "receive:w2"), signal.SIGKILL)
        two.send(feed[2 * messages :])
        wait(lambda: two.ledger()["landed"] == 8 * messages)
        wait(lambda: child(process, "receive:w2") != 0)
        os.kill(child(process, "land:1/2"), signal.SIGKILL)
        feed = second_half(messages)
        two.send(feed[:messages])
    two.send(feed[messages:])  # the sessions of both hold a share of it now
    with two.ingest():
        wait(lambda: two.ledger()["conflict"] == messages)
        wait(lambda: two.ledger()["held"] == 2 * messages)
        wait(lambda: two.beat().get("lag_messages") == 0)
        wait(lambda: receipted(two, "steel-1", "gw-2") == receipted(two, "paper-1", "gw-2") == 2 * messages)
    after, ledger = two.state(), two.ledger()
    for name in ("stored", "touched", "heard", "sequences"):
        assert after[name] == alone[name], name
    for name in ("conflict", "held", "refused"):  # what was not acknowledged came again, and so again in conflict
        assert after[name].keys() == alone[name].keys(), name
    assert ledger["landed"] == alone["ledger"]["landed"]
    assert json.loads((two.data / "sessions.json").read_bytes()) == {"workers": ["w1"], "shared": True}
    assert {name for (name,) in two.rows(t.cursor, "worker")} >= {"w1", "w2", "manual"}
    old = Inbox()
    client = PahoBroker(two.place.url, "carbonwatch-ingest-w2")
    client.start((), old.append)  # type: ignore[arg-type]
    two.send(first_half(5))
    wait(lambda: client.connected)
    client.stop()
    assert old == []  # nobody's share is kept for it any more
