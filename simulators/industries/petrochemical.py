"""A petrochemical works that never stops: two units, steam, fuel gas, and cooling water that follows the weather.

Invented: 92 t/h of product at full load, units that wander between 82 and 100 % within days, 115 kWh, 0.67 t of steam
and 68 m3 of gas that go with each tonne and parts that do not, cooling towers that lose more water when it is hot.
"""

from functools import partial

import numpy as np

from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.shifts import crew
from simulators.source import Changes, Load, Source, Total, changed
from simulators.weather import Weather

_PRODUCT = 92.0  # t/h


def _rate(key: int, times: Ints) -> Floats:
    """The works' load, 1 at full feed: steps of some days, held by the control room."""
    return np.clip(0.93 + 0.05 * drift(key, times // 3), 0.82, 1.0) * crew(key + 1, times, 0.006)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "petrochemical", name)

    rate = partial(_rate, key("rate"))
    weather = Weather(key("weather"))

    def warm(times: Ints) -> Floats:
        return np.maximum(weather.wet_bulb(times), 0.0)

    below = changed(
        {
            "cracking": Load(key("cracking"), lambda t: 3_900.0 + 5_700.0 * rate(t), 0.008),
            "polymer": Load(key("polymer"), lambda t: 2_100.0 + 4_900.0 * rate(t), 0.012),
            "cooling-water": Load(key("cooling"), lambda t: 2_250.0 + 38.0 * warm(t), 0.01),
            "tank-farm": Load(key("tanks"), lambda t: 430.0 + 60.0 * drift(key("tanks-drift"), t), 0.05),
        },
        changes,
    )
    single: dict[str, Source] = {
        "steam": Load(key("steam"), lambda t: 34.0 + 62.0 * rate(t) - 0.22 * weather.dry_bulb(t), 0.012),
        "gas": Load(key("gas"), lambda t: 2_400.0 + 6_300.0 * rate(t), 0.01),
        "water": Load(key("water"), lambda t: 240.0 + 150.0 * rate(t) + 7.0 * warm(t), 0.02),
        "product": Load(key("product"), lambda t: _PRODUCT * rate(t), 0.008),
        "weather": weather.gauge(),
    }
    return changed({"incomer": Total(tuple(below.values()), 0.015)}, changes) | below | changed(single, changes)


PETROCHEMICAL_WORKS = Kind(
    "petrochemical_works",
    "石化厂",
    "petrochemical works",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("cracking", "裂解装置", "cracking unit", parent="incomer"),
        MeterKind("polymer", "聚合装置", "polymer unit", parent="incomer"),
        MeterKind("cooling-water", "循环水场", "cooling water plant", parent="incomer"),
        MeterKind("tank-farm", "罐区", "tank farm", parent="incomer"),
        MeterKind("steam", "蒸汽总管", "steam header", "steam_t"),
        MeterKind("gas", "燃料气", "fuel gas", "gas_m3"),
        MeterKind("water", "新鲜水", "fresh water", "water_m3"),
        MeterKind("product", "产品产量", "product made", "product_t"),
        MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
    ),
    _build,
)
