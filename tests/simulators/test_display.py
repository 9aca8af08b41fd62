"""What a meter says: its register counts what flows, whatever happens to the display."""

from decimal import Decimal
from typing import Any

import msgspec
import numpy as np
import pytest

from energy.registry import Meter
from energy.window import QUARTER
from simulators.display import Display, Exchanged
from simulators.faults import AnyFault
from simulators.faults.fault import Placed
from simulators.faults.meter import GainFault
from simulators.noise import DAY
from simulators.source import Load

DAY_1 = 20_000 * DAY - 8 * 4 * QUARTER
TIMES = DAY_1 + QUARTER * np.arange(2 * 96 + 1, dtype=np.int64)
STEADY = Load(7, lambda times: np.full(len(times), 400.0), 0.05)


def placed(kind: str, begin: str = "day 1 06:00", **more: Any) -> Placed:
    fault = msgspec.convert({"kind": kind, "at": "s/m", "from": begin, **more}, AnyFault)
    assert not fault.trouble()
    return Placed("f01", fault, fault.span(DAY_1))


def display(*faults: Placed, first: int = 1000, **meter: Any) -> Display:
    return Display(Meter("s", "m", "", "", **meter), STEADY, DAY_1, first, faults, "p_kw")


def register(one: Display) -> Any:
    return one.say(TIMES).columns["e_kwh"]


def energy(one: Display) -> Any:
    true, counted = one.truth((TIMES[:-1]) // QUARTER)
    return true / 100, counted * int(one.meter.resolution * 100) / 100


def test_a_healthy_register_gains_what_flows_to_the_last_digit() -> None:
    one = display()
    true, counted = energy(one)
    assert (true == counted).all()
    assert np.rint(np.diff(register(one)) * 100).tolist() == np.rint(true * 100).tolist()
    assert register(one)[0] == 10.0


def test_a_multiplier_makes_the_register_coarse_and_loses_nothing() -> None:
    one = display(multiplier=Decimal(40), digits=5)
    steps = np.diff(register(one)) / 0.4
    assert np.allclose(steps, np.rint(steps))
    true, counted = energy(one)
    assert abs(counted.sum() - true.sum()) <= 0.4


def test_a_wrap_comes_at_its_time_and_only_there() -> None:
    one = display(placed("wrap", "day 1 10:00"), digits=6)
    values = register(one)
    [fall] = np.flatnonzero(np.diff(values) < 0)
    assert TIMES[fall + 1] == DAY_1 + 40 * QUARTER
    assert values[fall] > 999_800
    assert values[fall + 1] == 0.0
    true, counted = energy(one)
    assert (true == counted).all()


def test_a_reset_goes_on_from_0_and_a_swap_from_what_the_new_one_shows() -> None:
    values = register(display(placed("reset", "day 1 10:00")))
    assert values[40] == 0.0
    assert values[41] > 0
    swapped = display(placed("meter_swap", "day 1 10:00", shows=7.25))
    values = register(swapped)
    assert values[40] == 7.25
    [swap] = swapped.swaps()
    assert (swap.time, swap.first) == (TIMES[40], 7.25)
    assert values[39] < swap.last <= values[39] + 110


def test_a_stuck_meter_stands_still_and_then_shows_what_went_by() -> None:
    one = display(placed("stuck", "day 1 06:00", **{"for": "3 h"}))
    columns, well = one.say(TIMES).columns, display().say(TIMES).columns
    inside = slice(24, 36)
    assert len(set(columns["e_kwh"][inside])) == len(set(columns["p_kw"][inside])) == 1
    assert (columns["e_kwh"][36:] == well["e_kwh"][36:]).all()
    assert (columns["e_kwh"][:24] == well["e_kwh"][:24]).all()


@pytest.mark.parametrize(
    ("fault", "counts"),
    [
        (placed("spike", **{"for": "15 min"}, by=8.0), (9.0, 9.0)),
        (placed("step", **{"for": "6 h"}, by=-0.3), (0.7, 0.7)),
        (placed("drift", **{"for": "6 h"}, by=0.2), (1.0, 1.2)),
        (placed("ct_ratio", **{"for": "6 h"}, ratio=0.5), (0.5, 0.5)),
        (placed("reversed_ct", **{"for": "6 h"}), (0.0, 0.0)),
        (placed("bypassed", **{"for": "6 h"}, share=0.6), (0.4, 0.4)),
    ],
    ids=lambda value: value.fault.kind if isinstance(value, Placed) else "",
)
def test_gain_faults_count_their_share_while_they_last(fault: Placed, counts: tuple[float, float]) -> None:
    one = display(fault)
    true, counted = energy(one)
    assert (true == energy(display())[0]).all()
    inside = fault.span.holds(TIMES[:-1])
    part = (TIMES[:-1] - fault.span.start) / (fault.span.end - fault.span.start)
    expected = np.array(
        [true[n] * (counts[0] + (counts[1] - counts[0]) * part[n]) if inside[n] else true[n] for n in range(len(true))]
    )
    assert np.abs(counted - expected).max() <= 0.0051
    assert inside.any()
    assert isinstance(fault.fault, GainFault)


def test_a_reversed_ct_shows_negative_power() -> None:
    power = display(placed("reversed_ct", **{"for": "6 h"})).say(TIMES).columns["p_kw"]
    assert (power[24:48] < 0).all()
    assert (power[48:] > 0).all()


def test_exchanged_meters_carry_each_others_values_while_it_lasts() -> None:
    fault = placed("pue_meters_swapped", other="n", **{"for": "6 h"})
    own, other = display(first=0), display(first=500_000)
    said = Exchanged(own, other, fault).say(TIMES).columns["e_kwh"]
    assert (said[24:48] == register(other)[24:48]).all()
    assert (said[:24] == register(own)[:24]).all()
    assert (said[48:] == register(own)[48:]).all()


def test_any_stretch_of_a_run_says_the_same() -> None:
    one = display(placed("wrap", "day 1 10:00"), placed("drift", **{"for": "6 h"}, by=0.2), digits=6)
    whole = one.say(TIMES).columns
    late = display(placed("wrap", "day 1 10:00"), placed("drift", **{"for": "6 h"}, by=0.2), digits=6)
    assert (late.say(TIMES[100:]).columns["e_kwh"] == whole["e_kwh"][100:]).all()
