"""Sun and battery behind an incomer: everything balances, and the battery gives no more than it took."""

import numpy as np
import pytest

from simulators.plant_clock import between
from simulators.source import AtLeast, Load, Scaled
from tests.simulators.industries.conftest import Played, Player


def surplus(works: Played) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """What came in less what was measured as used or given away, in counts."""
    given = works.counts("incomer") + works.counts("pv") + works.counts("discharge")
    return (
        given - works.counts("machining") - works.counts("painting") - works.counts("charge") - works.counts("export")
    )


def test_what_comes_in_is_what_goes_out_but_for_the_loss(play: Player) -> None:
    works = play("pv_storage", "2026-06-01", 28)
    lines = works.counts("machining") + works.counts("painting") + works.counts("charge")
    assert (surplus(works) == np.ceil(lines * 0.015)).all()


def test_nothing_is_bought_while_something_is_given_away(play: Player) -> None:
    works = play("pv_storage", "2026-06-01", 28)
    bought, given = works.counts("incomer"), works.counts("export")
    assert not (bought * given).any()
    assert (bought > 0).any()
    assert (given[5 * 96 : 6 * 96] > 0).sum() > 16, "a Saturday in June"


@pytest.mark.parametrize("seed", [1, 20, 333])
def test_the_battery_never_gives_more_than_it_took(play: Player, seed: int) -> None:
    works = play("pv_storage", "2026-03-02", 28, seed=seed)
    held = np.cumsum(works.counts("charge") - works.counts("discharge"))
    assert held.min() >= 0
    daily = works.daily("discharge") / np.maximum(works.daily("charge"), 0.01)
    working = np.arange(28) % 7 < 5
    assert (daily[working] <= 0.88).all()
    assert (daily[working] > 0.87).all()
    assert not works.daily("discharge")[~working].any()
    assert works.daily("charge")[working] == pytest.approx(2_000, rel=0.02)


def test_a_battery_that_takes_less_gives_less(play: Player) -> None:
    third = {"charge": lambda source: Scaled(source, lambda times: np.full(len(times), 1 / 3))}
    works = play("pv_storage", changes=third)
    assert 0.86 < works.ratio("discharge", "charge") < 0.88
    assert np.cumsum(works.counts("charge") - works.counts("discharge")).min() >= 0


def test_what_it_takes_in_the_evening_is_not_given_back_before(play: Player) -> None:
    late = Load(1, lambda times: np.where(between(times, 17, 24), 900.0, 0.0), 0.0)
    calm, charged = play("pv_storage"), play("pv_storage", changes={"charge": lambda source: AtLeast(source, late)})
    assert charged.daily("charge").sum() > 3 * calm.daily("charge").sum()
    assert (charged.counts("discharge") == calm.counts("discharge")).all()


def test_it_charges_in_the_valley_and_discharges_at_the_peak(play: Player) -> None:
    works = play("pv_storage")
    charge, discharge = works.hourly("charge"), works.hourly("discharge")
    assert np.flatnonzero(charge).tolist() == [0, 1, 2, 3, 4, 5]
    assert np.flatnonzero(discharge).tolist() == [17, 18, 19, 20]


def test_a_part_of_a_day_has_the_same_discharge_as_the_whole(play: Player) -> None:
    works = play("pv_storage", "2026-03-03", 1)
    evening = works.slots[70:74]
    assert works.sources["discharge"].counts(evening[::-1]).tolist() == works.counts("discharge")[70:74][::-1].tolist()


def test_the_sun_shines_by_day_and_longer_in_summer(play: Player) -> None:
    winter, summer = (play("pv_storage", start, 28) for start in ("2025-12-08", "2026-06-08"))
    assert not winter.hourly("pv")[[0, 4, 18, 23]].any()
    assert (winter.hourly("pv") > 0).sum() + 3 <= (summer.hourly("pv") > 0).sum()
    assert summer.used("pv").sum() > 1.4 * winter.used("pv").sum()
    assert 9 <= summer.hourly("pv").argmax() <= 14


def test_it_works_in_two_shifts_and_rests_at_weekends(play: Player) -> None:
    works = play("pv_storage")
    made = works.shifts("product").reshape(4, 7, 3)
    assert (made[:, :5, 0] < 0.2 * made[:, :5, 1]).all()
    assert not made[:, 5:].any()
    used = (works.daily("machining") + works.daily("painting")).reshape(4, 7)[:, :5].sum()
    assert 500 < used / made[:, :5].sum() < 720
