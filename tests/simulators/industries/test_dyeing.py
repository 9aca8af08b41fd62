"""The dyeing mill's batches, shifts and Sundays."""

import numpy as np

from tests.simulators.industries.conftest import Player


def test_cloth_comes_out_in_lots(play: Player) -> None:
    mill = play("dyeing_mill")
    lots = mill.used("product") / 0.9
    busy = lots[lots > 0.5]
    assert len(busy) < 0.6 * len(lots)
    assert np.abs(busy - np.rint(busy)).max() < 0.3


def test_a_tonne_takes_about_as_much_in_every_week(play: Player) -> None:
    mill = play("dyeing_mill", days=84)
    made = mill.daily("product").reshape(12, 7).sum(axis=1)
    for meter, low, high in (("incomer", 500, 650), ("steam", 3.5, 5.0), ("water", 25, 40), ("gas", 90, 140)):
        specific = mill.daily(meter).reshape(12, 7).sum(axis=1) / made
        assert low < specific.min() < specific.max() < high


def test_stenters_run_in_two_shifts_and_not_on_sundays(play: Player) -> None:
    mill = play("dyeing_mill")
    hours = mill.used("stenters").reshape(28, 24, 4).sum(axis=2)
    assert (hours[6::7] < 25).all()
    assert (hours[:, [0, 3, 5, 22, 23]] < 25).all()
    assert (np.delete(hours, np.arange(6, 28, 7), axis=0)[:, 7:22] > 350).all()
    gas = mill.used("gas").reshape(28, 24, 4).sum(axis=2)
    assert np.corrcoef(gas.ravel(), hours.ravel())[0, 1] > 0.99


def test_less_is_dyed_on_sundays(play: Player) -> None:
    made = play("dyeing_mill", days=84).daily("product").reshape(12, 7).mean(axis=0)
    assert made[6] < 0.7 * made[1:5].min()


def test_steam_and_water_come_in_peaks(play: Player) -> None:
    mill = play("dyeing_mill")
    for meter in ("steam", "water"):
        assert mill.used(meter).max() > 1.8 * mill.used(meter).mean()
