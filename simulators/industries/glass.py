"""A float glass works of 600 t a day: a gas furnace that burns for years, boost, annealing and compressed air.

Invented: 25 t/h drawn at full pull, 3,050 m3/h of gas to keep the furnace hot and 46 m3 for each tonne drawn; pull is
lowered for a day when the thickness changes; crews pack about 90 % of what is drawn, a little more or less each.
"""

from functools import partial

import numpy as np

from simulators.industries.utilities import air_compressors
from simulators.kind import Kind, MeterKind
from simulators.noise import DAY, Floats, Ints, drift, key_of, uniform
from simulators.plant_clock import between
from simulators.shifts import crew
from simulators.source import Changes, Load, Source, Total, changed
from simulators.weather import Weather

_DRAWN = 25.0  # t/h


def _pull(key: int, times: Ints) -> Floats:
    """What is drawn, 1 at full pull; on one day of nine the thickness changes."""
    change = uniform(key + 1, (times + DAY // 3) // DAY) < 1 / 9
    return np.where(change, 0.86, 1.0) * (0.98 + 0.008 * drift(key, times))


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "glass", name)

    pull = partial(_pull, key("pull"))
    weather = Weather(key("weather"))

    def packed(times: Ints) -> Floats:
        return _DRAWN * pull(times) * 0.905 * np.minimum(crew(key("crew"), times, 0.02), 1.04)

    single: dict[str, Source] = {
        "gas": Load(key("gas"), lambda t: 3_050.0 + 46.0 * _DRAWN * pull(t), 0.008),
        "air": Load(key("air"), lambda t: 2_600.0 + 900.0 * pull(t) + 350.0 * between(t, 8, 20), 0.025),
        "water": Load(key("water"), lambda t: 14.0 + 0.5 * np.maximum(weather.wet_bulb(t), 0), 0.03),
        "product": Load(key("product"), packed, 0.012),
        "weather": weather.gauge(),
    }
    single = changed(single, changes)
    below = changed(
        {
            "boost": Load(key("boost"), lambda t: 350.0 + 1_150.0 * pull(t), 0.006),
            "annealing": Load(key("annealing"), lambda t: 620.0 + 260.0 * pull(t), 0.015),
            "compressors": air_compressors(key("compressors"), single["air"], 40.0),
            "fans": Load(key("fans"), lambda t: 880.0 + 6.0 * np.maximum(weather.dry_bulb(t), 0), 0.012),
        },
        changes,
    )
    return changed({"incomer": Total(tuple(below.values()), 0.03)}, changes) | below | single


GLASS_WORKS = Kind(
    "glass_works",
    "玻璃厂",
    "glass works",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("boost", "电助熔", "electric boost", parent="incomer"),
        MeterKind("annealing", "锡槽与退火窑", "tin bath and annealing", parent="incomer"),
        MeterKind("compressors", "空压机组", "air compressors", parent="incomer"),
        MeterKind("fans", "冷却风机", "cooling fans", parent="incomer"),
        MeterKind("gas", "熔窑天然气", "furnace gas", "gas_m3"),
        MeterKind("air", "压缩空气", "compressed air", "air_m3"),
        MeterKind("water", "补水", "make-up water", "water_m3"),
        MeterKind("product", "玻璃产量", "glass packed", "product_t"),
        MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
    ),
    _build,
)
