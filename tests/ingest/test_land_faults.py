"""Landing under faults: neighbours that are away or say no, faults of ours, and messages made to hurt."""

import gzip
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from energy.books import tables as t
from energy.books.open import open_books
from energy.errors import OutsideError
from energy.store.port import Point, Series, TooOldError
from ingest import finish as books_part
from ingest import land as module
from ingest.decode import json_v1
from ingest.take import Take
from tests.ingest.ground import HOUR, NOW, TOPIC, FaultyStore, Ground, drain, message, reading
from tests.where_books import books_url


def test_held_values_land_in_batches_and_through_an_outage(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 2)
    ground.receive(*(message(reading("m-9", NOW + n, p_kw=float(n))) for n in range(7)))
    store = FaultyStore(ground.store)
    landing = ground.landing(store)
    drain(landing)
    ground.register("m-9")
    store.before_write = [None, OutsideError("away"), OutsideError("away"), None, OutsideError("away")]
    for _ in range(3):
        with pytest.raises(OutsideError):
            landing.step()
    assert landing.step() == 0
    assert len(ground.stored("m-9")) == 7
    assert ground.ledger() == Counter(messages=7, received=7, landed=7)


def test_a_store_that_does_not_answer_a_question_holds_nothing_back(ground: Ground) -> None:
    """The registry is learned once; what it set free must still land when the store is back."""
    ground.receive(message(reading("m-9", p_kw=1.0)))
    landing = ground.landing()
    drain(landing)
    ground.register("m-9")
    real, ground.store.at = ground.store.at, _away  # type: ignore[method-assign, assignment]
    with pytest.raises(OutsideError):
        landing.step()
    ground.store.at = real  # type: ignore[method-assign]
    landing.step()
    assert ground.stored("m-9") == {NOW: {"p_kw": 1.0}}
    assert ground.ledger() == Counter(messages=1, received=1, landed=1)


def _away(*_: Any) -> Any:
    raise OutsideError("away")


@pytest.mark.parametrize("restart", [False, True])
def test_a_store_outage_ends_without_loss(ground: Ground, restart: bool) -> None:
    ground.receive(*(message(reading(ts=NOW + n, p_kw=float(n)), seq=n + 1) for n in range(10)))
    store = FaultyStore(ground.store)
    store.before_write = [OutsideError("away")] * 3
    landing = ground.landing(store)
    for n in range(3):
        with pytest.raises(OutsideError):
            landing.step()
        ground.receive(message(reading(ts=NOW + 10 + n, p_kw=float(10 + n)), seq=11 + n))
    assert ground.ledger() == Counter()
    drain(ground.landing(store) if restart else landing)
    assert ground.stored() == {NOW + n: {"p_kw": float(n)} for n in range(13)}
    assert ground.ledger() == Counter(messages=13, received=13, landed=13)


@pytest.mark.parametrize("held", [False, True])
@pytest.mark.parametrize("restart", [False, True])
def test_what_the_store_will_never_take_is_refused(ground: Ground, held: bool, restart: bool) -> None:
    def dropped(time: int, meter: str = "m-1") -> TooOldError:
        return TooOldError("bucket", [Point(Series("meter", "steel-1", meter), time, {"p_kw": 0.0})])

    meter = "m-9" if held else "m-1"
    old = NOW - 1000 * HOUR
    ground.receive(
        message(reading(meter, old, p_kw=1.0, e_kwh=2.0), reading(meter, p_kw=3.0)),
        message(reading(meter, old, pf=0.5)),
    )
    store = FaultyStore(ground.store)
    landing = ground.landing(store)
    if held:
        drain(landing)
        ground.register("m-9")
    store.written = 0
    store.before_write = [dropped(old, meter)]
    if restart:  # the books fail after the store said no: the plan is made good from what was kept
        _break_finish(ground)
        with pytest.raises(IntegrityError):
            landing.step()
        _mend_finish(ground)
        store.before_write = [dropped(old, meter)]
        landing = ground.landing(store)
    drain(landing)
    assert ground.ledger() == Counter(messages=2, received=4, landed=1, refused=3)
    rows = [(q["reason"], q["row"], q["item"], q["count"]) for q in ground.rows(t.quarantine)]
    assert rows == [("too_old", 1, 0, 2), ("too_old", 2, 0, 1)]


_BREAK = {
    "sqlite": "CREATE TRIGGER broken BEFORE UPDATE ON cursor WHEN new.plan IS NULL "
              "BEGIN SELECT raise(ABORT, 'books away'); END",
    "postgresql": "CREATE FUNCTION away() RETURNS trigger LANGUAGE plpgsql AS "
                  "$$ BEGIN RAISE integrity_constraint_violation; END $$;"
                  "CREATE TRIGGER broken BEFORE UPDATE ON cursor FOR EACH ROW WHEN (new.plan IS NULL) "
                  "EXECUTE FUNCTION away()",
}  # fmt: skip
_MEND = {"sqlite": "DROP TRIGGER broken", "postgresql": "DROP FUNCTION away CASCADE"}


def _break_finish(ground: Ground) -> None:
    with ground.books.begin() as db:
        db.execute(text(_BREAK[db.dialect.name]))


def _mend_finish(ground: Ground) -> None:
    with ground.books.begin() as db:
        db.execute(text(_MEND[db.dialect.name]))


def test_locked_books_are_waited_for(ground: Ground) -> None:
    ground.receive(*(message(reading(ts=NOW + n, p_kw=1.0), seq=n + 1) for n in range(5)))
    landing = ground.landing()
    sqlite = ground.books.dialect.name == "sqlite"
    with ground.books.connect() as db:
        db.exec_driver_sql("PRAGMA busy_timeout = 50" if sqlite else "SET lock_timeout = '50ms'")
        db.commit()
    other = open_books(books_url(ground.folder))
    with other.begin() as locker:
        locker.execute(text("SELECT 1" if sqlite else "LOCK TABLE cursor IN EXCLUSIVE MODE"))
        for _ in range(3):
            with pytest.raises(OperationalError, match="lock"):
                landing.step()
    other.dispose()
    drain(landing)
    assert ground.ledger() == Counter(messages=5, received=5, landed=5)


def test_a_commit_that_happened_without_an_answer_counts_once(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    ground.receive(message(reading(p_kw=1.0), reading(ts=0, p_kw=1.0), reading("m-9", p_kw=1.0)))
    landing = ground.landing()

    def finish(*args: Any) -> None:
        books_part.finish(*args)
        args[0].commit()
        raise OutsideError("the connection is gone")

    monkeypatch.setattr(module, "finish", finish)
    with pytest.raises(OutsideError):
        landing.step()
    monkeypatch.undo()
    drain(landing)
    assert ground.ledger() == Counter(messages=1, received=3, landed=1, refused=1, held=1)
    assert len(ground.rows(t.quarantine)) == 1


def test_a_message_that_we_have_no_answer_to_is_refused_alone(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    real = json_v1.decode

    def decode(payload: bytes) -> Any:
        if b"poison" in payload:
            raise ZeroDivisionError("a fault of ours")
        return real(payload)

    monkeypatch.setattr(json_v1, "decode", decode)
    payloads = [message(reading(ts=NOW + n, p_kw=float(n)), seq=n + 1) for n in range(20)]
    ground.receive(*payloads[:7], b"poison", *payloads[7:15], b'{"poison"', *payloads[15:])
    landing = ground.landing()
    assert drain(landing) == 22
    assert ground.stored() == {NOW + n: {"p_kw": float(n)} for n in range(20)}
    assert ground.ledger() == Counter(messages=22, undecodable=2, received=20, landed=20)
    rows = [(q["reason"], q["row"], q["item"], q["excerpt"], q["topic"]) for q in ground.rows(t.quarantine)]
    assert rows == [("internal", 8, -1, "poison", TOPIC), ("internal", 17, -1, '{"poison"', TOPIC)]


@pytest.mark.parametrize("again", [False, True])
def test_a_fault_of_ours_does_not_wedge_landing(ground: Ground, monkeypatch: pytest.MonkeyPatch, again: bool) -> None:
    real = Take.entries

    def entries(self: Any, origin: Any, tally: Any, message: Any, *rest: Any) -> None:
        real(self, origin, tally, message, *rest)
        if message.entries[0]["p_kw"] == 13.0:
            raise KeyError("a fault of ours")

    monkeypatch.setattr(Take, "entries", entries)
    ground.receive(*(message(reading(ts=NOW + n, p_kw=float(n)), seq=n + 1) for n in range(20)))
    if again:  # and the plan that refuses it is carried out by another process
        monkeypatch.setattr(module, "finish", _away)
        with pytest.raises(OutsideError):
            ground.landing().step()
        monkeypatch.setattr(module, "finish", books_part.finish)
    ground.land()
    assert ground.stored().keys() == {NOW + n for n in range(20) if n != 13}
    assert ground.ledger() == Counter(messages=20, undecodable=1, received=19, landed=19)
    assert [row["seen"] for row in ground.rows(t.gateway)] == [[[1, 20]]]  # it was receipted, so it did arrive
    assert [(row["site"], row["gateway"]) for row in ground.rows(t.quarantine)] == [("steel-1", "gw-1")]


def test_a_message_refused_in_thousands_of_places_makes_few_rows(ground: Ground) -> None:
    body = b'{"boot":"b","seq":1,"readings":[' + b"{}," * 9_000 + b'{"meter":"m-1","ts":1,"p_kw":1,"pf":1},' * 900
    ground.receive(gzip.compress(body + b'{"meter":"m-1","ts":%d,"p_kw":1}]}' % NOW))
    ground.land()
    rows = ground.rows(t.quarantine)
    assert len(rows) == 102
    assert sum(row["count"] for row in rows) == 9_000 + 1_800
    assert "and 8899 more items after it" in rows[100]["detail"]
    assert (rows[101]["reason"], rows[101]["item"], rows[101]["count"]) == ("too_old", 9_000, 1_800)
    assert ground.ledger() == Counter(messages=1, received=10_801, landed=1, refused=10_800)


def test_a_batch_is_bounded_by_its_readings(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_READINGS", 10)
    ground.receive(*(message(*(reading(ts=NOW + 4 * n + k, p_kw=1.0) for k in range(4))) for n in range(8)))
    landing = ground.landing()
    assert [landing.step() for _ in range(4)] == [3, 3, 2, 0]
    assert ground.ledger() == Counter(messages=8, received=32, landed=32)
