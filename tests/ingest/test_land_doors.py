"""Landing lets in who is registered for a site, and refuses the others with a reason; other sites are as they were."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.books import doors, registry
from energy.books import tables as t
from energy.registry import Meter
from energy.store.port import Series
from tests.ingest.ground import NOW, Ground, message, reading, stored


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    made = Ground(tmp_path, "m-1")
    with made.books.begin() as db:
        registry.put_meter(db, Meter("paper-1", "m-1", "m", "m"), "test", NOW)
    yield made
    made.close()


def put(ground: Ground, gateway: str, *, enabled: bool = True) -> None:
    with ground.books.begin() as db:
        doors.put(db, "steel-1", gateway, enabled=enabled, credential="", actor="test", now=NOW)


def send(ground: Ground, number: int, gateway: str, site: str = "steel-1") -> None:
    payload = message(reading(ts=NOW + number, p_kw=float(number)), seq=number, boot=gateway)
    ground.receive(payload, topic=f"ecm/v1/{site}/{gateway}/telemetry")


def test_as_soon_as_one_is_registered_the_others_are_refused_and_it_is_noticed_while_landing(ground: Ground) -> None:
    landing = ground.landing()

    def land() -> None:
        while landing.step():
            pass

    send(ground, 1, "gw-2")
    land()
    put(ground, "gw-1")
    send(ground, 2, "gw-2")
    send(ground, 3, "gw-1")
    send(ground, 4, "gw-2", "paper-1")
    land()
    put(ground, "gw-1", enabled=False)
    send(ground, 5, "gw-1")
    land()
    put(ground, "gw-1")
    send(ground, 6, "gw-1")
    land()
    assert list(ground.stored()) == [NOW + 1, NOW + 3, NOW + 6]
    assert list(stored(ground.store, Series("meter", "paper-1", "m-1"))) == [NOW + 4]
    refused = ground.rows(t.quarantine)
    assert [(row["gateway"], row["reason"], row["row"], row["item"]) for row in refused] == [
        ("gw-2", "gateway_not_let_in", 2, -1), ("gw-1", "gateway_not_let_in", 5, -1)
    ]  # fmt: skip
    counted = ground.ledger()
    assert (counted["messages"], counted["undecodable"], counted["landed"]) == (6, 2, 4)
    assert [row["seen"] for row in ground.rows(t.gateway) if row["boot"] == "gw-2" and row["site"] == "steel-1"] == [
        [[1, 2]]
    ], "a refused message did arrive"
