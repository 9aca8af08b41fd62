"""A cement works: a dry kiln of 5,000 t of clinker a day, its mills, cooler fans and waste-heat power.

Invented: 208 t/h of clinker, 26 kWh for a tonne of it in the kiln and 6 in the cooler, 16.5 kWh for a tonne of raw
meal, 31 kWh for a tonne of cement, 0.137 t of coal and 31 kWh of waste-heat power for a tonne of clinker. Mills stand
still while electricity is dear: the raw mill from 17 to 21, the cement mills from 8 to 11 too.
"""

from functools import partial

import numpy as np

from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between
from simulators.shifts import crew
from simulators.source import Changes, Load, Rest, Source, Total, changed
from simulators.weather import Weather

_CLINKER = 208.0  # t/h at full rate
_RAW_MEAL = 385.0  # t/h while the raw mill runs
_CEMENT = 372.0  # t/h while the cement mills run


def _kiln_rate(key: int, times: Ints) -> Floats:
    """The kiln's rate, 1 at full feed: it never stops, and wanders with the coal."""
    return np.minimum(1.0, 0.965 + 0.02 * drift(key, times))


def _raw_rate(key: int, times: Ints) -> Floats:
    return np.where(between(times, 17, 21), 0.0, 1 + 0.012 * drift(key, times))


def _cement_rate(key: int, times: Ints) -> Floats:
    still = between(times, 8, 11) | between(times, 17, 21)
    return np.where(still, 0.0, crew(key, times, 0.025))


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "cement", name)

    kiln, raw, cement = (partial(rate, key(name)) for rate, name in _RATES)
    weather = Weather(key("weather"))

    def recovered(times: Ints) -> Floats:
        """Less in hot weather: the condenser is warmer."""
        return 31.0 * _CLINKER * kiln(times) * (1 - 0.003 * (weather.dry_bulb(times) - 15))

    below = changed(
        {
            "raw-mill": Load(key("raw"), lambda t: 90.0 + 16.5 * _RAW_MEAL * raw(t), 0.02, flicker=0.02),
            "kiln": Load(key("kiln"), lambda t: 420.0 + 24.0 * _CLINKER * kiln(t), 0.012),
            "cooler-fans": Load(key("cooler"), lambda t: 6.0 * _CLINKER * kiln(t), 0.02),
            "cement-mill": Load(key("mill"), lambda t: 160.0 + 31.0 * _CEMENT * cement(t), 0.018, flicker=0.02),
        },
        changes,
    )
    single: dict[str, Source] = {
        "waste-heat": Load(key("heat"), recovered, 0.015),
        "coal": Load(key("coal"), lambda t: 0.137 * _CLINKER * kiln(t), 0.02),
        "product": Load(key("product"), lambda t: _CEMENT * cement(t), 0.01),
        "weather": weather.gauge(),
    }
    single = changed(single, changes)
    used = Total((*below.values(), Load(key("rest"), lambda t: np.where(between(t, 7, 19), 730.0, 640.0), 0.02)), 0.012)
    return changed({"incomer": Rest(used, single["waste-heat"])}, changes) | below | single


_RATES = ((_kiln_rate, "kiln-rate"), (_raw_rate, "raw-rate"), (_cement_rate, "cement-rate"))

CEMENT_WORKS = Kind(
    "cement_works",
    "水泥厂",
    "cement works",
    (
        MeterKind("incomer", "总进线（购电）", "main incomer (bought)"),
        MeterKind("raw-mill", "生料磨", "raw mill", parent="incomer"),
        MeterKind("kiln", "回转窑", "kiln", parent="incomer"),
        MeterKind("cooler-fans", "篦冷机风机", "cooler fans", parent="incomer"),
        MeterKind("cement-mill", "水泥磨", "cement mills", parent="incomer"),
        MeterKind("waste-heat", "余热发电", "waste-heat power", "e_out_kwh", parent="incomer"),
        MeterKind("coal", "原煤", "coal", "coal_t"),
        MeterKind("product", "水泥产量", "cement made", "product_t"),
        MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
    ),
    _build,
)
