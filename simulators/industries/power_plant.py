"""A coal-fired power plant of 660 MW: dispatched load, the auxiliary power and coal that follow it.

Invented: the dispatch (a morning rise, a dip at noon when the region's sun shines, an evening peak, less at weekends
and in mild months), auxiliary power of 4 % at full load and 6 % at the least, coal of 0.40 t for a MWh at full load
and more below.
"""

from functools import partial

import numpy as np

from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import hour, weekday
from simulators.source import Changes, Driven, Load, Rest, Source, Total, changed
from simulators.weather import Weather

_MW = 660.0
_HOURS = (0.0, 4.5, 7.5, 9.5, 11.0, 12.5, 14.0, 16.5, 18.5, 20.5, 22.5, 24.0)
_LEVELS = (0.58, 0.50, 0.68, 0.84, 0.74, 0.52, 0.56, 0.78, 0.97, 0.93, 0.72, 0.58)


def _dispatch(key: int, weather: Weather, times: Ints) -> Floats:
    """The unit's load, kW: the day's curve, more in hot and in cold weather, between 40 and 100 %."""
    daily = np.interp(hour(times), _HOURS, _LEVELS)
    season = 0.93 + 0.006 * np.abs(weather.dry_bulb(times) - 16)
    weekend = np.where(weekday(times) >= 5, 0.93, 1.0)
    return 1_000.0 * _MW * np.clip(daily * season * weekend * (1 + 0.03 * drift(key, times)), 0.40, 1.0)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "power-plant", name)

    weather = Weather(key("weather"))
    dispatch = partial(_dispatch, key("dispatch"), weather)
    made = changed({"generation": Load(key("generation"), dispatch, 0.004, flicker=0.004)}, changes)
    power = made["generation"]

    def circulating(flow: Floats, times: Ints) -> Floats:
        """The second pump runs while it is warm."""
        return np.where(weather.dry_bulb(times) > 14, 4_900.0, 3_100.0) + 0.0 * flow

    parts = changed(
        {
            "fans": Driven(key("fans"), power, lambda kw, _: 2_300.0 + 0.0105 * kw, 0.01),
            "feed-pumps": Driven(key("feed"), power, lambda kw, _: 1_200.0 + 0.0042 * kw, 0.01),
            "coal-mills": Driven(key("mills"), power, lambda kw, _: 700.0 + 0.0040 * kw, 0.015),
            "circulating": Driven(key("circulating"), power, circulating, 0.01),
            "desulphurisation": Driven(key("fgd"), power, lambda kw, _: 1_500.0 + 0.0048 * kw, 0.012),
        },
        changes,
    )
    auxiliary = changed({"auxiliary": Total(tuple(parts.values()), 0.02)}, changes)
    single: dict[str, Source] = {
        "export": Rest(power, auxiliary["auxiliary"]),
        "coal": Driven(key("coal"), power, lambda kw, _: 24.0 + 0.000366 * kw, 0.01),
        "water": Driven(key("water"), power, lambda kw, _: 60.0 + 0.00021 * kw, 0.02),
        "weather": weather.gauge(),
    }
    return changed(single, changes) | made | auxiliary | parts


POWER_PLANT = Kind(
    "power_plant",
    "燃煤电厂",
    "power plant",
    (
        MeterKind("generation", "发电机出口", "generation", "e_out_kwh"),
        MeterKind("export", "上网关口", "export to the grid", "e_out_kwh"),
        MeterKind("auxiliary", "厂用电", "auxiliary power"),
        MeterKind("fans", "风机", "fans", parent="auxiliary"),
        MeterKind("feed-pumps", "给水泵", "feed pumps", parent="auxiliary"),
        MeterKind("coal-mills", "磨煤机", "coal mills", parent="auxiliary"),
        MeterKind("circulating", "循环水泵", "circulating pumps", parent="auxiliary"),
        MeterKind("desulphurisation", "脱硫", "desulphurisation", parent="auxiliary"),
        MeterKind("coal", "入炉煤", "coal feed", "coal_t"),
        MeterKind("water", "补水", "make-up water", "water_m3"),
        MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
    ),
    _build,
)
