"""A stream that was broken goes on where it was: no alert is missed, and the ids say nothing but a time."""

import re
from collections.abc import Iterator
from typing import Any, NamedTuple

import httpx
import pytest
from sqlalchemy import insert, select, update

from energy.access import Role, Scope
from energy.books import people
from energy.books import tables as t
from energy.store.port import Point, Series
from tests.api.served import Served

DAY = 24 * 3600 * 1000


class Event(NamedTuple):
    """One event; "" for a sign of life."""

    id: str
    name: str
    data: Any


def events(answer: httpx.Response) -> Iterator[Event]:
    fields: dict[str, str] = {}
    for line in answer.iter_lines():
        name, _, value = line.partition(": ")
        if line:
            fields[name] = value
        elif "event" in fields:
            yield Event(fields.get("id", ""), fields["event"], httpx.Response(200, text=fields["data"]).json())
            fields = {}
        else:
            yield Event("", "", None)
            fields = {}


def turn(one: Served, last: str | None = None, key: dict[str, str] | None = None, **params: str) -> list[Event]:
    """The events of a new stream's first turn; AssertionError unless it is a stream."""
    headers = (key or {"Authorization": one.http.headers["Authorization"]}) | (
        {} if last is None else {"Last-Event-ID": last}
    )
    with one.bare.stream("GET", "/api/v1/stream", headers=headers, params=params) as answer:
        assert answer.status_code == 200
        found: list[Event] = []
        for event in events(answer):
            if not event.name:
                return found
            found.append(event)
    raise AssertionError("the stream has ended")


def last_id(found: list[Event]) -> str:
    return [event.id for event in found if event.id][-1]


def alerts(found: list[Event]) -> list[int]:
    return [event.data["id"] for event in found if event.name == "alert"]


def change(one: Served, ident: int, at: int, **values: Any) -> None:
    with one.context.books.begin() as db:
        db.execute(update(t.alert).where(t.alert.c.id == ident).values(updated_at=at, **values))


def write(one: Served, at: int, meter: str = "incomer", site: str = "steel-1") -> None:
    one.context.readings.write([Point(Series("meter", site, meter), at, {"p_kw": 1.0, "quality": 0.0})])


def test_what_changed_in_between_comes_when_the_stream_goes_on(fresh: Served) -> None:
    began = turn(fresh)
    assert alerts(began) == [], "a client reads /alerts before it listens"
    mark = last_id(began)
    now = fresh.context.now()
    fresh.http.post("/api/v1/alerts/2/acknowledge", json={"note": "while nobody listened"})
    change(fresh, 5, now - 30 * 60 * 1000)  # judged, and written only now
    write(fresh, now - 3 * 3600 * 1000)  # came late, from a gateway that was cut off
    found = turn(fresh, mark)
    assert alerts(found) == [2, 5]
    told = {event.data["id"]: event.data for event in found if event.name == "alert"}
    assert told[2]["steps"][-1]["note"] == "while nobody listened"
    [readings] = [event.data for event in found if event.name == "readings"]
    assert [(each["site"], each["meter"]) for each in readings] == [("steel-1", "incomer")]
    assert found[0].name == "health"


def test_going_on_from_the_newest_id_leaves_nothing_out_again_and_again(fresh: Served) -> None:
    mark = last_id(turn(fresh))
    for ident in range(1, 8):
        change(fresh, ident, fresh.context.now())
        found = turn(fresh, mark)
        assert ident in alerts(found)
        mark = last_id(found)


def test_an_id_stands_for_all_that_was_sent_before_it_and_for_no_more(fresh: Served) -> None:
    mark = last_id(turn(fresh))
    now = fresh.context.now()
    for ident in (1, 2, 3):
        change(fresh, ident, now)
    found = turn(fresh, mark)
    assert len(found) >= 4
    assert {event.id for event in found[:-1]} == {mark}, "a line that breaks in the middle must not skip the rest"
    assert int(found[-1].id) > int(mark)


def test_more_than_is_told_at_once_is_all_told(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.stream._ALERTS_AT_ONCE", 4)
    mark = last_id(turn(fresh))
    for ident in range(1, 12):
        change(fresh, ident, fresh.context.now())
    headers = {"Last-Event-ID": mark}
    told: list[Event] = []
    with fresh.http.stream("GET", "/api/v1/stream", headers=headers) as answer:
        for event in events(answer):
            told += [event] if event.name == "alert" else []
            if len(told) == 11:
                break
    assert alerts(told) == list(range(1, 12))
    assert {event.id for event in told[:-1]} == {mark}
    assert int(told[-1].id) > int(mark)


def test_an_id_that_is_none_of_ours_begins_anew(fresh: Served) -> None:
    now = fresh.context.now()
    write(fresh, now - 1000)
    change(fresh, 3, now)
    old, future = str(now - 8 * DAY), str(now + DAY)
    for bad in ("", "x", "-1", "0", "1", "9" * 15, "9" * 400, "1e12", "1 2", "'; DROP TABLE alert; --", old, future):
        assert [event.name for event in turn(fresh, bad)] == ["health", "readings"], bad
    assert [event.name for event in turn(fresh, after="\u0661\u0662\u0663")] == ["health", "readings"]


def test_a_client_that_cannot_send_the_header_says_it_in_the_query(fresh: Served) -> None:
    mark = last_id(turn(fresh))
    change(fresh, 4, fresh.context.now())
    assert alerts(turn(fresh, after=mark)) == [4]


def test_an_id_opens_nothing_and_tells_nothing(fresh: Served) -> None:
    """Somebody bound to one site, with an id from far back, gets that site's alerts; ids are the server's clock."""
    now = fresh.context.now()
    with fresh.context.books.begin() as db:
        _, secret = people.add_key(
            db, "dc", Role.PLANT_OPERATOR, Scope(sites=frozenset({"dc-1"})), now + DAY, "tests", now
        )
        everything = [row.id for row in db.execute(select(t.alert.c.id).where(t.alert.c.site == "dc-1"))]
    key = {"Authorization": f"Bearer {secret}"}
    for ident in range(1, 12):
        change(fresh, ident, now)
    write(fresh, now, "facility", "dc-1")
    write(fresh, now)
    before = fresh.context.now()
    found = turn(fresh, str(now - DAY), key)
    assert alerts(found) == everything
    assert "steel-1" not in str(found)
    assert all(re.fullmatch(r"\d{13}", event.id) for event in found)
    assert before <= int(last_id(found)) <= fresh.context.now()
    with fresh.context.books.begin() as db:
        row = dict(db.execute(select(t.alert).where(t.alert.c.id == 1)).mappings().one())
        del row["id"]
        db.execute(insert(t.alert), [row] * 50)
    assert abs(int(last_id(turn(fresh, None, key))) - fresh.context.now()) < 5000, "no count of others' things is in it"


def test_old_alerts_do_not_come_again(fresh: Served) -> None:
    mark = last_id(turn(fresh))
    assert fresh.get("/alerts/1")["updated_at"].startswith("2018-01-01")
    assert alerts(turn(fresh, mark)) == []
