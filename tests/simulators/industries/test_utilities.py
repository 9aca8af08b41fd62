"""The utilities station: electricity, gas and water follow the air and steam that are asked for."""

import numpy as np

from simulators.source import Scaled
from tests.simulators.industries.conftest import Player


def test_demand_is_high_by_day_and_half_at_weekends(play: Player) -> None:
    station = play("utilities")
    for meter in ("air", "steam"):
        days = station.daily(meter).reshape(4, 7).mean(axis=0)
        assert (days[5:] < 0.65 * days[:5].min()).all()
        hours = station.hourly(meter)
        assert hours[[0, 3, 23]].max() < 0.6 * hours[9:11].min()
        assert hours[11] < hours[10]


def test_air_and_steam_cost_less_when_more_is_asked(play: Player) -> None:
    station = play("utilities")
    air = station.used("compressors") / station.used("air")
    steam = station.used("gas") / station.used("steam")
    assert 0.11 < air.min() < air.max() < 0.16
    assert 73 < steam.min() < steam.max() < 90
    assert np.corrcoef(station.used("air"), air)[0, 1] < -0.7
    assert np.corrcoef(station.used("steam"), steam)[0, 1] < -0.7


def test_more_steam_takes_more_gas_water_and_power(play: Player) -> None:
    more = {"steam": lambda source: Scaled(source, lambda times: np.full(len(times), 1.3))}
    calm, busy = play("utilities"), play("utilities", changes=more)
    for meter in ("gas", "water", "boiler-house", "incomer"):
        assert busy.counts(meter).sum() > calm.counts(meter).sum()
    assert (busy.counts("compressors") == calm.counts("compressors")).all()
