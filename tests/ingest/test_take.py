"""Taking a batch: the usual way and the general way say the same, and so does the journal once more."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy.journal import Position, Record
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from ingest.again import placed_again
from ingest.arrival import Origin
from ingest.decode import json_v1
from ingest.decode.memory import Memory
from ingest.decode.message import Entries
from ingest.plan import Plan
from ingest.sift import Sieve
from ingest.take import Take
from tests.ingest.ground import DAY, NOW, TOPIC, message

KNOWN = {"steel-1": {meter: Series("meter", "steel-1", meter) for meter in ("m-1", "m-2")}}
END = Position(DAY, 99)


@pytest.fixture(name="store")
def _store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "readings.db")
    yield one
    one.close()


def records(payloads: list[bytes]) -> list[Record]:
    return [Record(Position(DAY, row), NOW, TOPIC, payload) for row, payload in enumerate(payloads, start=1)]


def taken(store: SqliteStore, payloads: list[bytes], *, usual: bool, sieve: Sieve | None = None) -> tuple[Plan, Take]:
    plan = Plan(until=END, at=NOW)
    take = Take(plan, KNOWN, sieve or Sieve(store))
    for record in records(payloads):
        origin = Origin("steel-1", "gw-1", NOW, "w1", record.position)
        decoded = json_v1.decode(record.payload)
        tally = plan.tally(origin.account)
        if usual and isinstance(decoded, Entries):
            take.entries(origin, tally, decoded, TOPIC, len(record.payload))
        else:
            take.items(origin, tally, decoded.items, TOPIC, len(record.payload))
    take.settle()
    return plan, take


def keyed(points: list[Point]) -> list[tuple[Any, ...]]:
    return sorted((point.series, point.time, sorted(point.fields.items())) for point in points)


values = st.sampled_from([0, 1.5, -0.0, 2, 1e300, 5e6 + 1, "n/a", True, None, 7e-3])
entries = st.fixed_dictionaries(
    {"meter": st.sampled_from(["m-1", "m-2", "m-9", 5, ""]),
     "ts": st.sampled_from([NOW, NOW - 1, NOW + 1, NOW + 0.5, NOW + 2.0, NOW + 10**7, 7, "2026-11-22T08:15:00+08:00"])},
    optional={"p_kw": values, "e_kwh": values, "pf": values, "other": values,
              "q": st.sampled_from(["measured", "estimated", "bad", 5])},
)  # fmt: skip
batches = st.lists(st.lists(entries, max_size=4).map(lambda rows: message(*rows, seq=1)), max_size=5)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=150)
@given(batches)
def test_the_usual_way_says_what_the_general_way_says_and_the_journal_again(
    tmp_path_factory: pytest.TempPathFactory, payloads: list[bytes]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("take") / "readings.db")
    store.write([Point(KNOWN["steel-1"]["m-1"], NOW, {"p_kw": 1.5, "quality": 0.0})])
    usual, general = taken(store, payloads, usual=True), taken(store, payloads, usual=False)
    assert usual[0] == general[0]
    assert keyed(usual[1].points) == keyed(general[1].points)
    assert usual[1].newest.get("steel-1", {}) == general[1].newest.get("steel-1", {})
    again = placed_again(records(payloads), usual[0], Memory(), "w1")
    assert keyed([one.point for one in again]) == keyed(usual[1].points)
    store.close()


def test_what_is_newer_than_all_known_is_not_looked_up(store: SqliteStore, monkeypatch: pytest.MonkeyPatch) -> None:
    sieve = Sieve(store)
    plan, take = taken(store, [message({"meter": "m-1", "ts": NOW, "p_kw": 1.0})], usual=True, sieve=sieve)
    store.write(take.points)
    sieve.newest.update(take.newest)
    asked: list[Any] = []

    def ask(*what: Any) -> dict[Any, Any]:
        asked.append(what)
        return {}

    monkeypatch.setattr(store, "at", ask)
    monkeypatch.setattr(store, "before", ask)
    later = [message(*({"meter": "m-1", "ts": NOW + n, "p_kw": 2.0} for n in (1, 2)))]
    plan, take = taken(store, later, usual=True, sieve=sieve)
    assert (plan.ledger[f"steel-1/gw-1/{DAY}"].landed, asked) == (2, [])
    plan, take = taken(store, [message({"meter": "m-1", "ts": NOW, "p_kw": 1.0})], usual=True, sieve=sieve)
    assert asked == [([(KNOWN["steel-1"]["m-1"], NOW)],)]


def test_what_is_touched_and_heard_spans_a_meters_readings(store: SqliteStore) -> None:
    rows = [{"meter": meter, "ts": NOW + n, "p_kw": 1.0} for meter in ("m-1", "m-2") for n in (5, 1, 9)]
    plan, _ = taken(store, [message(*rows)], usual=True)
    spans = [{"site": "steel-1", "meter": meter, "first": NOW + 1, "last": NOW + 9} for meter in ("m-1", "m-2")]
    assert plan.touched == spans
    assert plan.heard == [
        {"site": "steel-1", "meter": meter, "received_at": NOW, "time": NOW + 9} for meter in ("m-1", "m-2")
    ]
