"""The glass works' furnace never rests; a thinner pull costs more for each tonne."""

import numpy as np

from simulators.source import Scaled
from tests.simulators.industries.conftest import Player


def test_gas_flows_day_and_night(play: Player) -> None:
    works = play("glass_works")
    hours = works.hourly("gas")
    assert hours.min() > 0.98 * hours.max()
    assert works.counts("gas").min() > 0.9 * works.counts("gas").max()


def test_a_tonne_takes_more_when_less_is_drawn(play: Player) -> None:
    works = play("glass_works", days=84)
    made, gas = works.daily("product"), works.daily("gas")
    specific = gas / made
    assert 170 < specific.min() < specific.max() < 235
    assert np.corrcoef(made, specific)[0, 1] < -0.9
    assert 150 < works.ratio("incomer", "product") < 210


def test_the_thickness_changes_on_some_days(play: Player) -> None:
    drawn = play("glass_works", days=84).daily("boost")
    few = (drawn < 0.94 * np.median(drawn)).sum()
    assert 3 <= few <= 22


def test_a_leak_of_air_is_paid_in_electricity(play: Player) -> None:
    leak = {"air": lambda source: Scaled(source, lambda times: np.full(len(times), 1.2))}
    calm, leaking = play("glass_works"), play("glass_works", changes=leak)
    assert 1.15 < leaking.counts("compressors").sum() / calm.counts("compressors").sum() < 1.2
    assert leaking.counts("incomer").sum() > calm.counts("incomer").sum()
    assert (leaking.counts("product") == calm.counts("product")).all()


def test_more_water_is_lost_in_summer(play: Player) -> None:
    winter, summer = (play("glass_works", start, 14).used("water").sum() for start in ("2026-01-05", "2026-07-20"))
    assert summer > 1.4 * winter
