"""A plan that is kept: killed at every single step of landing, and all is exact after the next start."""

import traceback
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import pytest
from sqlalchemy import delete, event

from energy.books import registry
from energy.books import tables as t
from energy.store.port import Point, Series, TooOldError
from ingest import land as module
from ingest.plan import Placed, Plan, Tally
from tests.ingest.ground import DAY, HOUR, NOW, FaultyStore, Ground, drain, message, reading

OLD = NOW - 1000 * HOUR


class Killed(BaseException):
    """The process ends here."""


class Clockwork:
    """Counts every step that landing takes on store and books, and kills it at one of them."""

    def __init__(self, fatal: int | None = None) -> None:
        self.fatal = fatal
        self.steps = 0

    def tick(self, *_: Any) -> None:
        """One step; Killed when it is the fatal one."""
        self.steps += 1
        if self.steps == self.fatal:
            raise Killed

    @contextmanager
    def ticking(self, ground: Ground) -> Iterator[FaultyStore]:
        """A store on which, as on the books, each step counts; it drops what is as old as OLD."""
        clock = self

        class Store(FaultyStore):
            def write(self, points: Any) -> None:
                clock.tick()
                points = list(points)
                young = [point for point in points if point.time > OLD]
                super().write(young)
                clock.tick()
                if len(young) < len(points):
                    raise TooOldError("store", [point for point in points if point.time <= OLD])

        for name in ("before_cursor_execute", "commit"):
            event.listen(ground.books, name, self.tick)
        try:
            yield Store(ground.store)
        finally:
            for name in ("before_cursor_execute", "commit"):
                event.remove(ground.books, name, self.tick)


def fill(ground: Ground) -> None:
    """Messages of every fate, some of an unknown meter."""
    ground.receive(
        message(reading(p_kw=1.0, e_kwh=5.0), reading("m-9", p_kw=1.0), seq=1),
        message(reading(p_kw=1.0, e_kwh=6.0), reading(ts=NOW + 1, p_kw=2.0, pf=9.0), seq=2),
        b"nothing",
        message(reading(ts=OLD, p_kw=1.0), reading("m-9", ts=NOW + 1, p_kw=1.0, pf=0.5), seq=4),
        message(reading(ts=NOW + 1, p_kw=2.0), reading("m-9", p_kw=1.0), seq=5),
    )


EXPECTED = Counter(messages=5, undecodable=1, received=12, landed=6, duplicate=3, conflict=1, refused=2)
HELD = Counter({**EXPECTED, "landed": 3, "duplicate": 2, "held": 4})


def land(ground: Ground, clock: Clockwork) -> None:
    """One process, which has read nothing of the books yet: land everything, or be killed."""
    registry._seen.pop(ground.books, None)
    try:
        with clock.ticking(ground) as store:
            drain(ground.landing(store))
    except Killed as error:
        traceback.clear_frames(error.__traceback__)  # a result that is half read would keep its connection alive
        ground.die()
        raise


def state(ground: Ground) -> dict[str, Any]:
    """All that must be the same however often landing was killed."""
    return {
        "ledger": ground.ledger(),
        "quarantine": ground.rows(t.quarantine, "id", "at"),
        "held": [{**row, "landed_at": bool(row["landed_at"])} for row in ground.rows(t.held, "id")],
        "conflict": ground.rows(t.conflict, "id", "at"),
        "gateway": ground.rows(t.gateway),
        "touched": ground.rows(t.touched, "id"),
        "heard": ground.rows(t.last_heard),
        "cursor": ground.rows(t.cursor),
        "stored": {meter: ground.stored(meter) for meter in ("m-1", "m-9")},
    }


def begin_again(ground: Ground) -> None:
    """Nothing has landed yet; the journal is as it was."""
    with ground.books.begin() as db:
        for table in t.META.sorted_tables:
            db.execute(delete(table))
    with ground.store._connection() as file:
        file.execute("DELETE FROM point")
    ground.register("m-1")


def test_killed_at_every_step_nothing_is_lost_doubled_or_changed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_MESSAGES", 3)
    fill(ground)
    clock = Clockwork()
    land(ground, clock)
    assert ground.ledger() == HELD
    whole = state(ground)
    assert whole["stored"]["m-1"] == {NOW: {"p_kw": 1.0, "e_kwh": 5.0}, NOW + 1: {"p_kw": 2.0}}
    assert whole["cursor"] == [{"worker": "w1", "day": DAY, "row": 5, "plan": None}]
    assert clock.steps > 40
    for fatal in range(1, clock.steps + 1):
        begin_again(ground)
        with pytest.raises(Killed):
            land(ground, Clockwork(fatal))
        if fatal % 2:  # and once more, in the midst of the repair
            with suppress(Killed):
                land(ground, Clockwork(fatal // 3 + 1))
        land(ground, Clockwork())
        assert state(ground) == whole, f"killed at step {fatal}"


def test_killed_at_every_step_of_landing_what_was_held(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_HELD", 2)
    fill(ground)
    land(ground, Clockwork())
    ground.register("m-9")
    clock = Clockwork()
    land(ground, clock)
    assert ground.ledger() == EXPECTED
    whole = state(ground)
    assert whole["stored"]["m-9"] == {NOW: {"p_kw": 1.0}, NOW + 1: {"p_kw": 1.0, "pf": 0.5}}
    assert all(row["landed_at"] for row in whole["held"])
    for fatal in range(1, clock.steps + 1):
        begin_again(ground)
        land(ground, Clockwork())
        ground.register("m-9")
        with pytest.raises(Killed):
            land(ground, Clockwork(fatal))
        land(ground, Clockwork())
        assert state(ground) == whole, f"killed at step {fatal}"


def test_a_kept_plan_is_carried_out_as_it_was_decided(ground: Ground) -> None:
    """Sifted anew after the store's write, what landed would look like a duplicate."""
    fill(ground)
    store = FaultyStore(ground.store)
    store.after_write = [Killed()]
    landing = ground.landing(store)
    with pytest.raises(Killed):
        landing.step()
    assert ground.stored() != {}
    assert ground.ledger() == Counter()
    (cursor,) = ground.rows(t.cursor)
    assert cursor["plan"] is not None
    assert cursor["row"] == 0
    ground.land()
    assert ground.ledger()["landed"] == 4
    assert ground.ledger()["duplicate"] == 2


def test_what_the_store_drops_is_refused_point_by_point() -> None:
    plan = Plan(until=(DAY, 1), at=NOW)  # type: ignore[arg-type]
    place = {"worker": "w1", "day": DAY, "row": 1, "item": 0, "topic": "t"}
    points = [
        Placed(Point(Series("meter", "s", meter), time, {"p_kw": 1.0, "pf": 0.5, "quality": 0.0}), f"s/g/{DAY}", place)
        for meter in ("m-1", "m-2")
        for time in (OLD, NOW)
    ]
    plan.tally(f"s/g/{DAY}").landed = 8
    plan.refuse([Point(Series("meter", "s", "m-1"), OLD, {"p_kw": 1.0})], points)
    assert plan.ledger == {f"s/g/{DAY}": Tally(landed=6, refused=2)}
    assert [(q["reason"], q["count"], q["topic"]) for q in plan.quarantine] == [("too_old", 2, "t")]
