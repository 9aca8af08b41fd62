"""Readings by hand: durable before 201, landed like any other, wrong ones refused with their index, nothing lost."""

import json
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from analytics.accounts import Accounts
from energy import manual
from energy.access import Role, Scope
from energy.books import registry
from energy.books import tables as t
from energy.books.open import look
from energy.broker.port import Delivery
from energy.errors import InputError, OutsideError
from energy.journal import START, Journal, JournalReader
from energy.registry import Meter
from energy.store.port import Point, Series
from energy.window import QUARTER, to_text
from ingest.landings import Landings
from tests.api.served import FIRST, Served
from tests.ingest.ground import FaultyStore
from tests.shape.conftest import AsRole

PATH = "/api/v1/manual-readings"
ZONE = "Asia/Shanghai"
DAY = 96 * QUARTER
SERIES = Series("meter", "steel-1", "by-hand")


def body(*times: int, value: float = 5.0, **more: Any) -> dict[str, Any]:
    readings = [{"time": to_text(time, ZONE), "values": {"e_kwh": value + n}} for n, time in enumerate(times)]
    return {"site": "steel-1", "meter": "by-hand", "reason": "no power at the gateway", "readings": readings, **more}


def folder(one: Served) -> Path:
    assert one.context.journal is not None
    return one.context.journal


def landings(one: Served, store: Any = None) -> Landings:
    return Landings(one.context.books, store or one.context.readings, folder(one), ("w1", manual.WORKER))


def land(one: Served) -> None:
    them = landings(one)
    while them.step():
        pass


def ledger(one: Served) -> dict[str, int]:
    for item in one.get("/gateways", site="steel-1")["items"]:
        if item["gateway"] == "manual":
            return {name: count for name, count in item["ledger"].items() if count}
    return {}


def table(one: Served, what: Any) -> list[dict[str, Any]]:
    with look(one.context.books) as db:
        return [dict(row) for row in db.execute(select(what)).mappings()]


@pytest.fixture(autouse=True)
def meter(request: pytest.FixtureRequest) -> None:
    """The meter that these tests write."""
    for name in ("fresh", "one"):
        if name in request.fixturenames:
            served: Served = request.getfixturevalue(name)
            with served.context.books.begin() as db:
                registry.put_meter(db, Meter("steel-1", "by-hand", "手抄", "By hand"), "tests", FIRST)


def test_a_hole_is_filled_and_becomes_estimated_energy(fresh: Served) -> None:
    context = fresh.context
    context.readings.write([Point(SERIES, FIRST + n * QUARTER, {"e_kwh": 2.0 * n, "quality": 0.0}) for n in range(97)])
    with context.books.begin() as db:
        db.execute(t.touched.insert().values(site="steel-1", meter="by-hand", first=FIRST, last=FIRST + 3 * DAY))
    accounts = Accounts(context.books, context.readings, context.accounts)
    accounts.step()
    ask: dict[str, object] = {"site": "steel-1", "meter": "by-hand", "from": "2018-01-01", "to": "2018-01-04"}
    before = fresh.get("/energy", **ask)["total"]
    assert (before["kwh"], before["measured"], before["missing"]) == (192.0, 96, 192)
    hole = range(97, 3 * 96 + 1)
    readings = [{"time": to_text(FIRST + n * QUARTER, ZONE), "values": {"e_kwh": 2.0 * n + 0.5}} for n in hole]
    done = fresh.http.post(PATH, json=body(readings=readings))
    assert done.status_code == 201, done.text
    said = done.json()
    assert said["journal"] == {"worker": "manual", "day": said["journal"]["day"], "row": 1}
    assert (said["author"], said["readings"], said["values"]) == ("admin key", 192, 192)
    land(fresh)
    accounts.step()
    after = fresh.get("/energy", **ask)
    assert after["total"] == {
        "kwh": 576.5, "amount": 576.5, "intervals": 288, "missing": 0, "measured": 96, "estimated": 192,
    }  # fmt: skip
    assert [(one["kwh"], one["estimated"]) for one in after["items"]] == [(192.0, 0), (192.5, 96), (192.0, 96)]
    span = {"from": "2018-01-02T00:15", "to": "2018-01-02T00:30"}
    (shown,) = fresh.get("/readings", site="steel-1", meter="by-hand", **span)["items"]
    assert (shown["quality"], shown["values"]) == ("estimated", {"e_kwh": 194.5})
    assert ledger(fresh) == {"messages": 1, "received": 192, "landed": 192}


def test_author_and_reason_are_in_the_journal_and_on_record(fresh: Served) -> None:
    done = fresh.http.post(PATH, json=body(FIRST, FIRST + QUARTER)).json()
    (record,) = JournalReader(folder(fresh), manual.WORKER).all_after(START)
    assert record.topic == "ecm/v1/steel-1/manual/entry"
    entry = json.loads(record.payload)
    assert (entry["author"], entry["reason"], entry["meter"]) == ("admin key", "no power at the gateway", "by-hand")
    assert [one["quality"] for one in entry["readings"]] == ["estimated", "estimated"]
    row = [row for row in table(fresh, t.audit) if row["action"] == "readings.enter"][-1]
    assert (row["actor"], row["site"], row["target"]) == ("admin key", "steel-1", "meter/steel-1/by-hand")
    assert row["after"]["reason"] == "no power at the gateway"
    assert row["after"]["journal"] == done["journal"]


def test_sent_twice_it_is_there_once_and_another_value_is_a_visible_conflict(fresh: Served) -> None:
    for value in (5.0, 5.0, 6.0):
        assert fresh.http.post(PATH, json=body(FIRST, value=value)).status_code == 201
    land(fresh)
    land(fresh)
    assert fresh.context.readings.at([(SERIES, FIRST)]) == {(SERIES, FIRST): {"e_kwh": 5.0, "quality": 1.0}}
    assert ledger(fresh) == {"messages": 3, "received": 3, "landed": 1, "duplicate": 1, "conflict": 1}
    (clash,) = table(fresh, t.conflict)
    assert (clash["kept"], clash["refused"], clash["worker"], clash["row"]) == (5.0, 6.0, "manual", 3)
    assert fresh.get("/quarantine", site="steel-1")["conflicts"] == 1


@pytest.mark.parametrize("first", ["gateway", "hand"])
def test_one_owner_decides_for_both_journals(fresh: Served, first: str) -> None:
    """Each lands in one batch of a running process, so that neither can have seen the other in the store before."""
    them = landings(fresh)
    them.step()

    def by_gateway() -> None:
        reading = {"meter": "by-hand", "ts": FIRST, "e_kwh": 7.0}
        journal = Journal(folder(fresh), "w1")
        payload = json.dumps({"readings": [reading]}).encode()
        journal.append([Delivery("ecm/v1/steel-1/gw-1/telemetry", payload, fresh.context.now(), None)])
        journal.close()

    def by_hand() -> None:
        assert fresh.http.post(PATH, json=body(FIRST)).status_code == 201

    for enter in (by_gateway, by_hand) if first == "gateway" else (by_hand, by_gateway):
        enter()
        them.step()
    kept = {"gateway": (7.0, 5.0), "hand": (5.0, 7.0)}[first]
    (clash,) = table(fresh, t.conflict)
    assert (clash["kept"], clash["refused"]) == kept


def test_what_one_journal_decided_is_carried_out_before_another_decides(fresh: Served) -> None:
    """A store that fails between the two, and a process that dies there: the first decision stands."""
    reading = {"meter": "by-hand", "ts": FIRST, "e_kwh": 7.0}
    journal = Journal(folder(fresh), "w1")
    payload = json.dumps({"readings": [reading]}).encode()
    journal.append([Delivery("ecm/v1/steel-1/gw-1/telemetry", payload, fresh.context.now(), None)])
    journal.close()
    assert fresh.http.post(PATH, json=body(FIRST)).status_code == 201
    store = FaultyStore(fresh.context.readings)
    store.before_write = [OutsideError("away"), OutsideError("away")]
    for _ in range(2):
        with pytest.raises(OutsideError):
            landings(fresh, store).step()
    land(fresh)
    (clash,) = table(fresh, t.conflict)
    assert (clash["kept"], clash["refused"], clash["worker"]) == (7.0, 5.0, "manual")
    assert fresh.context.readings.at([(SERIES, FIRST)])[SERIES, FIRST]["e_kwh"] == 7.0


@pytest.mark.parametrize("when", ["before the plan", "after the plan", "after the write"])
def test_killed_between_journal_and_landing_nothing_is_lost_or_doubled(fresh: Served, when: str) -> None:
    assert fresh.http.post(PATH, json=body(FIRST, FIRST + QUARTER)).status_code == 201
    store = FaultyStore(fresh.context.readings)
    if when == "after the plan":
        store.before_write = [RuntimeError("killed")]
    elif when == "after the write":
        store.after_write = [RuntimeError("killed")]
    if when != "before the plan":
        with pytest.raises(RuntimeError):
            landings(fresh, store).step()
    land(fresh)
    assert ledger(fresh) == {"messages": 1, "received": 2, "landed": 2}
    assert len(fresh.context.readings.read(SERIES, ["e_kwh"], FIRST, FIRST + DAY)) == 2


def test_an_entry_is_no_sign_of_life_of_the_meter(fresh: Served) -> None:
    assert fresh.http.post(PATH, json=body(FIRST)).status_code == 201
    land(fresh)
    assert all(row["meter"] != "by-hand" for row in table(fresh, t.last_heard))


def test_a_broker_gets_no_entry_in(fresh: Served) -> None:
    entry = manual.encode(manual.Entry("eve", "x", "by-hand", [manual.Entered(FIRST, {"e_kwh": 1.0}, "measured")]))
    telemetry = json.dumps({"readings": [{"meter": "by-hand", "ts": FIRST, "e_kwh": 1.0}]}).encode()
    journal = Journal(folder(fresh), "w1")
    now = fresh.context.now()
    journal.append([
        Delivery("ecm/v1/steel-1/manual/entry", entry, now, None),
        Delivery("ecm/v1/steel-1/manual/telemetry", telemetry, now, None),
        Delivery("ecm/v1/steel-1/gw-1/entry", entry, now, None),
    ])  # fmt: skip
    journal.close()
    land(fresh)
    mine = [row for row in table(fresh, t.quarantine) if row["day"] > "2018-01-01"]
    assert [(row["reason"], row["worker"], row["row"]) for row in mine] == [("bad_topic", "w1", n) for n in (1, 2, 3)]
    assert ledger(fresh) == {}
    assert fresh.context.readings.at([(SERIES, FIRST)]) == {}


WRONG: list[tuple[Any, int, str]] = [
    ({"site": "nowhere"}, 404, "nowhere"),
    ({"meter": "nowhere"}, 404, "nowhere"),
    ({"reason": "  "}, 422, "reason"),
    ({"reason": "a\x00b"}, 422, "reason"),
    ({"reason": None}, 422, "reason"),
    ({"readings": []}, 422, "readings"),
    ({"author": "somebody else"}, 422, "author"),
    ([{"values": {"x_kw": 1.0}}], 422, "readings.1: 'x_kw' is no quantity"),
    ([{"values": {"steam_t": 1.0}}], 422, "readings.1: steam_t is not this meter's register"),
    ([{"values": {"e_kwh": -1.0}}], 422, "readings.1: e_kwh -1.0 is not within"),
    ([{"values": {"e_kwh": "5"}}], 422, "readings.1.values.e_kwh"),
    ([{"values": {"e_kwh": True}}], 422, "readings.1.values.e_kwh"),
    ([{"values": {"e_kwh": float("nan")}}], 422, "readings.1.values.e_kwh"),
    ([{"values": {"e_kwh": float("inf")}}], 422, "readings.1.values.e_kwh"),
    ([{"values": {"e_kwh": 10**400}}], 422, "readings.1.values.e_kwh"),
    ([{"values": {}}], 422, "readings.1.values"),
    ([{"time": "2999-01-01"}], 422, "readings.1"),
    ([{"time": "2199-01-01"}], 422, "readings.1: the time '2199-01-01' is in the future"),
    ([{"time": "2009-12-31"}], 422, "readings.1: the time is before 2010"),
    ([{"time": "yesterday"}], 422, "readings.1: 'yesterday' is not a date"),
    ([{"time": "2018-01-01"}], 422, "readings.1: the same time as readings.0"),
    ([{"quality": "missing"}], 422, "readings.1.quality"),
]


@pytest.mark.parametrize(("change", "status", "said"), WRONG)
def test_what_is_wrong_is_named_and_nothing_is_entered(one: Served, change: Any, status: int, said: str) -> None:
    sent = body(FIRST, FIRST + QUARTER)
    if isinstance(change, list):
        sent["readings"][1] |= change[0]
    else:
        sent |= change
    answer = one.http.post(PATH, content=json.dumps(sent), headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    assert said in answer.json()["detail"]
    assert list(JournalReader(folder(one), manual.WORKER).all_after(START)) == []


def test_ten_thousand_at_once_and_no_more(fresh: Served) -> None:
    times = [FIRST + n * 60_000 for n in range(10_000)]
    assert fresh.http.post(PATH, json=body(*times)).status_code == 201
    assert fresh.http.post(PATH, json=body(*times, FIRST - QUARTER)).status_code == 422
    land(fresh)
    assert ledger(fresh) == {"messages": 1, "received": 10_000, "landed": 10_000}


def test_only_who_may_enter_and_only_where(one: Served, as_role: AsRole) -> None:
    sent = body(FIRST, readings=[{"time": "2999-01-01", "values": {"e_kwh": 1.0}}])
    here, there = Scope(sites=frozenset({"steel-1"})), Scope(sites=frozenset({"dc-1"}))
    assert as_role(Role.PLANT_OPERATOR, here).post(PATH, json=sent).status_code == 422
    assert as_role(Role.PLANT_OPERATOR, there).post(PATH, json=sent).status_code == 404
    everything = Scope(everything=True)
    region = Scope(regions=frozenset({"default"}))
    for role, scope in ((Role.OFFICER, region), (Role.AUDITOR, everything),
                        (Role.DEVELOPER, Scope(units=frozenset({"default"})))):  # fmt: skip
        assert as_role(role, scope).post(PATH, json=sent).status_code == 403
    assert one.bare.post(PATH, json=sent).status_code == 401


@pytest.mark.parametrize("payload", [b"", b"{}", b"[]", b"\xff", b'{"author":1}'])
def test_what_is_no_entry_is_refused_by_the_decoder(payload: bytes) -> None:
    with pytest.raises(InputError):
        manual.decode(payload)
