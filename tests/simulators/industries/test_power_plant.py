"""The power plant's auxiliary power and coal follow what is dispatched."""

import numpy as np

from simulators.source import Scaled
from tests.simulators.industries.conftest import Player


def test_what_is_made_is_used_or_exported(play: Player) -> None:
    plant = play("power_plant")
    assert (plant.counts("generation") == plant.counts("auxiliary") + plant.counts("export")).all()


def test_dispatch_dips_at_noon_and_peaks_in_the_evening(play: Player) -> None:
    hours = play("power_plant").hourly("generation")
    assert hours[12] < 0.75 * hours[9]
    assert hours.argmax() in (18, 19)
    assert hours[4] < 0.65 * hours[18]
    plant = play("power_plant", days=364)
    assert 0.39 * 660_000 < 4 * plant.used("generation").min() < 4 * plant.used("generation").max() < 1.02 * 660_000


def test_the_share_of_auxiliary_power_and_the_coal_of_a_mwh_fall_with_the_load(play: Player) -> None:
    plant = play("power_plant", days=364)
    made = plant.used("generation")
    share, coal = plant.used("auxiliary") / made, 1_000 * plant.used("coal") / made
    assert 0.035 < share.min() < share.max() < 0.065
    assert 0.38 < coal.min() < coal.max() < 0.48
    assert np.corrcoef(made, share)[0, 1] < -0.7
    assert np.corrcoef(made, coal)[0, 1] < -0.7


def test_a_change_of_dispatch_goes_through_the_whole_plant(play: Player) -> None:
    half = {"generation": lambda source: Scaled(source, lambda times: np.full(len(times), 0.5))}
    calm, low = play("power_plant"), play("power_plant", changes=half)
    for meter in ("fans", "coal-mills", "coal", "export"):
        assert low.counts(meter).sum() < 0.75 * calm.counts(meter).sum()


def test_the_second_circulating_pump_runs_in_summer(play: Player) -> None:
    winter, summer = (play("power_plant", start, 14).hourly("circulating") for start in ("2026-01-05", "2026-07-20"))
    assert winter.max() < 3_300 < 4_700 < summer.min()
