"""The judge on real stores and books: each fault is one alert, live as in hindsight, its evidence the store's."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from energy.books import tables as t
from energy.reading import Quality
from energy.registry import Meter
from energy.window import to_text
from tests.analytics.two_sites import DAY, HOUR, NIGHT, START, ZONE, TwoSites, centre, compressor, meter

MINUTE = 60_000


@pytest.fixture
def world(tmp_path: Path) -> Iterator[TwoSites]:
    made = TwoSites(tmp_path)
    yield made
    made.close()


def check_evidence(world: TwoSites, alert: Mapping[str, Any], names: list[str]) -> None:
    readings = alert["evidence"]["readings"]
    assert [reading["meter"] for reading in readings] == names
    for reading in readings:
        assert [reading["first"]["value"], reading["last"]["value"]] == world.stored(alert["site"], reading)
        assert reading["first"]["ms"] < reading["last"]["ms"]
        assert reading["first"]["time"] == to_text(reading["first"]["ms"], ZONE)


def test_forty_days_with_two_faults_are_exactly_two_alerts(world: TwoSites) -> None:
    dc = centre(40, 30, 40)
    world.feed(meter("compressor"), compressor(40, range(33, 39)), 0, 40 * 24)
    world.feed(meter("pump"), compressor(40, seed=2), 0, 40 * 24)
    for name, amounts in dc.items():
        world.feed(meter(name), amounts, 0, 40 * 24)
    assert world.step(40 * 24) == 2
    nights, pue = sorted(world.alerts(), key=lambda alert: str(alert["kind"]))
    assert (nights["kind"], nights["site"], nights["meter"]) == ("off_profile", "steel-1", "compressor")
    assert (nights["since"], nights["until"]) == (START + 33 * DAY + NIGHT * HOUR, None)
    assert (nights["confirmed"], nights["late"]) == (nights["since"] + 4 * HOUR, True)
    assert nights["excess"] == pytest.approx(nights["evidence"]["observed_kwh"] - nights["evidence"]["expected_kwh"])
    check_evidence(world, nights, ["compressor"])
    assert nights["evidence"]["readings"][0]["first"]["ms"] == nights["since"]
    assert (pue["kind"], pue["site"], pue["meter"], pue["until"]) == ("pue_over_limit", "dc-1", "", None)
    assert START + 30 * DAY < pue["since"] < START + 31 * DAY
    assert pue["value"] == pytest.approx(1.41, abs=0.001)
    assert pue["evidence"]["cause"]["meter"] == "chiller"
    assert pue["evidence"]["limit"]["value"] == pue["limit"] == 1.3
    check_evidence(world, pue, ["facility", "it"])
    shown = {reading["meter"]: reading["last"]["value"] - reading["first"]["value"]
             for reading in pue["evidence"]["readings"]}  # fmt: skip
    assert shown["facility"] == pytest.approx(pue["evidence"]["facility_kwh"])
    assert shown["it"] == pytest.approx(pue["evidence"]["it_kwh"])
    assert shown["facility"] / shown["it"] == pytest.approx(pue["value"])


def test_forty_good_days_are_no_alert_and_what_is_done_is_not_due(world: TwoSites) -> None:
    world.feed(meter("compressor"), compressor(40), 0, 40 * 24)
    for name, amounts in centre(40, 50, 50).items():
        world.feed(meter(name), amounts, 0, 40 * 24)
    assert world.step(40 * 24) == 0
    assert world.alerts() == []
    with world.books.begin() as db:
        assert db.execute(select(t.due)).all() == []


def test_a_night_is_one_alert_raised_updated_and_cleared_as_the_hours_come(world: TwoSites) -> None:
    amounts, off = compressor(38, [35]), 35 * 24 + NIGHT
    world.feed(meter("compressor"), amounts, 0, off)
    assert world.step(off) == 0
    seen = {}
    for hour in range(off, 37 * 24 + 12):
        world.feed(meter("compressor"), amounts, hour, hour + 1)
        world.step(hour + 1)
        seen[hour + 1 - off] = world.alerts()
    assert [len(seen[n]) for n in (1, 3, 4, 5, 38)] == [0, 0, 1, 1, 1]
    assert seen[4][0]["raised_at"] == seen[4][0]["confirmed"] == START + (off + 4) * HOUR
    assert not seen[4][0]["late"]
    assert seen[4][0]["value"] < seen[5][0]["value"] < seen[8][0]["value"] == seen[38][0]["value"]
    assert [seen[n][0]["until"] for n in (4, 8, 31)] == [None] * 3
    assert seen[32][0]["until"] == START + (off + 8) * HOUR
    assert seen[38][0]["steps"] == ["raise", "clear"]
    check_evidence(world, seen[38][0], ["compressor"])


def test_pue_is_raised_after_three_hours_over_and_cleared_after_three_under(world: TwoSites) -> None:
    dc = centre(14, 10, 11)
    for name, amounts in dc.items():
        world.feed(meter(name), amounts, 0, 240)
    assert world.step(240) == 0
    raised, cleared = 0, 0
    for hour in range(240, 14 * 24):
        for name, amounts in dc.items():
            world.feed(meter(name), amounts, hour, hour + 1)
        world.step(hour + 1)
        alerts = world.alerts()
        raised = raised or (hour + 1 if alerts else 0)
        cleared = cleared or (hour + 1 if alerts and alerts[0]["until"] else 0)
    [alert] = world.alerts()
    assert alert["steps"] == ["raise", "clear"]
    assert START + raised * HOUR == alert["raised_at"] == alert["confirmed"] == alert["since"] + 2 * HOUR
    assert START + cleared * HOUR == alert["until"] + 2 * HOUR
    rolling = dict(alert["evidence"]["curve"])
    assert rolling[alert["since"]] > 1.3 >= rolling[alert["since"] - HOUR]
    assert rolling[alert["until"]] < 1.28 <= rolling[alert["until"] - HOUR]


def test_judging_again_and_restarting_change_nothing(world: TwoSites) -> None:
    amounts = compressor(38, [33])
    world.feed(meter("compressor"), amounts, 0, 38 * 24)
    world.step(38 * 24)
    [before] = world.alerts()
    assert (before["steps"], before["late"]) == (["raise", "clear"], True)
    for _ in range(2):
        world.restart()
        world.due(meter("compressor"), 0)
        world.step(38 * 24)
        [after] = world.alerts()
        assert {**after, "updated_at": 0} == {**before, "updated_at": 0}


@pytest.mark.parametrize("restart", [False, True])
def test_a_resolved_episode_is_not_raised_again_and_a_later_one_is(world: TwoSites, restart: bool) -> None:
    amounts, off = compressor(41, [33, 37]), 33 * 24 + NIGHT
    world.feed(meter("compressor"), amounts, 0, off + 5)
    world.step(off + 5)
    [alert] = world.alerts()
    world.resolve(alert["id"])
    for hour in range(off + 5, 36 * 24, 3):
        if restart:
            world.restart()
        world.feed(meter("compressor"), amounts, hour, hour + 3)
        world.step(hour + 3)
        assert [one["state"] for one in world.alerts()] == ["resolved"]
    world.feed(meter("compressor"), amounts, 36 * 24 - 3, 38 * 24 + 3)
    world.step(38 * 24 + 3)
    first, second = world.alerts()
    assert (first["state"], first["until"]) == ("resolved", START + (off + 8) * HOUR)
    assert (second["state"], second["since"]) == ("active", START + (37 * 24 + NIGHT) * HOUR)


def test_late_windows_that_undo_a_fault_clear_its_alert(world: TwoSites) -> None:
    world.feed(meter("compressor"), compressor(37, [35]), 0, 36 * 24 + 4)
    world.step(36 * 24 + 4)
    assert [alert["until"] for alert in world.alerts()] == [None]
    world.feed(meter("compressor"), compressor(37), 35 * 24, 36 * 24 + 5)
    world.step(36 * 24 + 5)
    [alert] = world.alerts()
    assert alert["steps"] == ["raise", "clear"]
    assert alert["until"] is not None


def test_estimated_hours_are_not_judged(world: TwoSites) -> None:
    amounts, off = compressor(37, [35]), 35 * 24 + NIGHT
    world.feed(meter("compressor"), amounts, 0, off)
    world.feed(meter("compressor"), amounts, off, off + 8, Quality.ESTIMATED)
    world.step(off + 8)
    assert world.alerts() == []


def test_what_is_due_of_an_unknown_meter_or_one_without_windows_is_let_go(world: TwoSites) -> None:
    world.due(meter("pump"), 0)
    world.due(Meter("steel-1", "nobody", "", ""), 0)
    world.due(meter("it"), 0)
    assert world.step(1) == 0
    assert world.alerts() == []


def test_silence_is_raised_once_and_cleared_by_a_sign_of_life(world: TwoSites) -> None:
    begun = START
    world.hear(begun)
    assert world.judge.silence(begun, begun + 45 * MINUTE) == 0
    for minutes in (46, 47, 60):
        world.judge.silence(begun, begun + minutes * MINUTE)
    [alert] = world.alerts()
    assert (alert["kind"], alert["meter"], alert["since"], alert["until"]) == (
        "silent_meter",
        "compressor",
        begun,
        None,
    )
    assert (alert["value"], alert["limit"], alert["excess"], alert["unit"]) == (60.0, 45.0, 15.0, "min")
    assert alert["evidence"] == {"last_reading": to_text(begun - 5000), "last_received": to_text(begun),
                                 "reports_every": 900}  # fmt: skip
    back = begun + 61 * MINUTE
    world.hear(back)
    world.judge.silence(begun, back + 1000)
    world.judge.silence(begun, back + 16_000)
    [alert] = world.alerts()
    assert (alert["until"], alert["steps"]) == (back - 1, ["raise", "clear"])


@pytest.mark.parametrize("resolved", [False, True])
def test_a_meter_that_falls_silent_again_after_one_sign_of_life_is_another_alert(
    world: TwoSites, resolved: bool
) -> None:
    world.hear(START)
    world.judge.silence(START, START + 50 * MINUTE)
    if resolved:
        world.resolve(world.alerts()[0]["id"])
    back = START + 60 * MINUTE
    world.hear(back)
    for minutes in (0, 1, 44, 46, 47):
        world.judge.silence(START, back + minutes * MINUTE + 1)
    first, second = world.alerts()
    assert (first["until"], second["since"]) == (back - 1, back)
    assert (second["state"], second["until"], second["steps"]) == ("active", None, ["raise"])


def test_a_restart_neither_clears_nor_repeats_a_silence(world: TwoSites) -> None:
    world.hear(START)
    world.judge.silence(START, START + 50 * MINUTE)
    again = START + 300 * MINUTE
    world.restart()
    for minutes in (0, 1, 44, 46, 120):
        world.judge.silence(again, again + minutes * MINUTE)
        [alert] = world.alerts()
        assert (alert["since"], alert["until"], alert["steps"]) == (START, None, ["raise"])
    assert alert["value"] == 420.0


def test_a_meter_that_was_never_heard_is_silent_from_when_somebody_listened(world: TwoSites) -> None:
    world.judge.silence(START, START + 45 * MINUTE)
    assert world.alerts() == []
    world.judge.silence(START, START + 46 * MINUTE)
    [alert] = world.alerts()
    assert (alert["since"], alert["evidence"]["last_reading"]) == (START, None)
