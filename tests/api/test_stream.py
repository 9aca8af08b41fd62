"""The live stream: readings, changed alerts and health arrive, and a server that stops ends it."""

import json
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import insert, select, update

from energy.books import parts
from energy.books import tables as t
from energy.store.port import Point, Series
from tests.api.served import Served

Event = tuple[str, Any]


def events(answer: httpx.Response) -> Iterator[Event]:
    """The events as they come; ("alive", None) for each sign of life."""
    name = ""
    for line in answer.iter_lines():
        if line.startswith("event: "):
            name = line.removeprefix("event: ")
        elif line.startswith("data: "):
            yield name, json.loads(line.removeprefix("data: "))
        elif line.startswith(":"):
            yield "alive", None


def until(stream: Iterator[Event], wanted: Callable[[Event], bool], turns: int = 4) -> list[Event]:
    """What came up to the wanted event; AssertionError when it does not come in some turns of the stream."""
    seen: list[Event] = []
    for event in stream:
        seen.append(event)
        if wanted(event):
            return seen
        turns -= event[0] == "alive"
        assert turns, seen
    raise AssertionError("the stream has ended")


def raise_alert(one: Served, updated_at: int) -> int:
    with one.context.books.begin() as db:
        row = dict(db.execute(select(t.alert).where(t.alert.c.id == 1)).mappings().one())
        del row["id"]
        new = insert(t.alert).values({**row, "updated_at": updated_at}).returning(t.alert.c.id)
        return int(db.execute(new).scalar_one())


@pytest.mark.usefixtures("quick_stream")
def test_a_client_hears_of_health_readings_and_alerts(fresh: Served) -> None:
    now = fresh.context.now()
    with fresh.http.stream("GET", "/api/v1/stream") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        stream = events(answer)
        first = until(stream, lambda event: event[0] == "alive")
        assert [name for name, _ in first] == ["health", "alive"]
        assert first[0][1]["status"] == "ok"
        fresh.context.readings.write(
            [Point(Series("meter", "steel-1", "incomer"), now, {"p_kw": 411.5, "quality": 1.0})]
        )
        [reading] = until(stream, lambda event: event[0] == "readings")[-1][1]
        assert (reading["site"], reading["meter"], reading["values"]) == ("steel-1", "incomer", {"p_kw": 411.5})
        assert reading["quality"] == "estimated"
        late = raise_alert(fresh, now - 60_000)
        assert until(stream, lambda event: event[0] == "alert")[-1][1]["id"] == late
        fresh.http.post(f"/api/v1/alerts/{late}/acknowledge", json={"note": "seen"})
        _, alert = until(stream, lambda event: event[0] == "alert")[-1]
        assert alert == fresh.get(f"/alerts/{late}")
        with fresh.context.books.begin() as db:
            db.execute(update(t.part).values(ok=False))
        _, state = until(stream, lambda event: event[0] == "health")[-1]
        assert state["status"] == "degraded"
        quiet = [next(stream), next(stream)]
        assert [name for name, _ in quiet if name != "alive"] == []


def test_the_stream_needs_a_key_like_all_else(known: Served) -> None:
    assert known.bare.get("/api/v1/stream").status_code == 401


def test_a_server_that_stops_ends_its_streams(fresh: Served) -> None:
    with fresh.http.stream("GET", "/api/v1/stream") as answer:
        stream = events(answer)
        next(stream)
        fresh.app.state.stopping.set()
        assert all(name in ("health", "readings", "alive") for name, _ in stream)


def test_health_is_503_with_reasons_when_a_part_is_silent(fresh: Served) -> None:
    assert fresh.bare.get("/api/v1/health").status_code == 200
    with fresh.context.books.begin() as db:
        parts.say(db, "ingest", ok=True, detail={}, now=fresh.context.now() - 60_000)
    answer = fresh.bare.get("/api/v1/health")
    assert (answer.status_code, answer.json()["status"]) == (503, "degraded")
    [ingest] = [part for part in answer.json()["parts"] if part["name"] == "ingest"]
    assert (ingest["ok"], ingest["detail"]) == (False, {"reason": "has not reported"})
    with fresh.context.books.begin() as db:
        parts.forget(db)
    [ingest] = [part for part in fresh.bare.get("/api/v1/health").json()["parts"] if part["name"] == "ingest"]
    assert ingest["detail"] == {"reason": "has not started yet"}
