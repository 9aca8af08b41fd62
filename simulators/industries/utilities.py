"""A utilities station: compressed air, steam of gas-fired boilers, and water, for the plants around it.

Invented: the demand (two day shifts and a thinner night, half of it at weekends), 0.112 kWh for a cubic metre of air
and what compressors draw idle, 74 m3 of gas for a tonne of steam and what a hot boiler loses, feed water and blowdown.
"""

import numpy as np

from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between, weekday
from simulators.shifts import crew
from simulators.source import Changes, Driven, Load, Shape, Source, Total, changed


def air_compressors(key: int, air: Source, idle: float, specific: float = 0.112) -> Driven:
    """The compressors' electricity, kW: `idle` kW, and `specific` kWh for each m3 of air; invented."""
    return Driven(key, air, lambda flow, _: idle + specific * flow, 0.012)


def boiler_gas(key: int, steam: Source, standing: float, specific: float = 74.0) -> Driven:
    """The boilers' gas, m3/h: `standing` m3/h to stay hot, and `specific` m3 for each tonne of steam; invented."""
    return Driven(key, steam, lambda flow, _: standing + specific * flow, 0.012)


def _demand(key: int) -> Shape:
    """What the plants around take, 1 on a working day."""

    def shape(times: Ints) -> Floats:
        working = np.where(between(times, 7, 23), 1.0, 0.45)
        breaks = np.where(between(times, 11.5, 12.5) | between(times, 17.5, 18.25), 0.82, 1.0)
        weekend = np.where(weekday(times) >= 5, 0.5, 1.0)
        return working * breaks * weekend * (1 + 0.02 * drift(key, times)) * crew(key + 1, times, 0.02)

    return shape


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "utilities", name)

    demand = _demand(key("demand"))
    wanted = changed(
        {
            "air": Load(key("air"), lambda times: 700.0 + 7_800.0 * demand(times), 0.025, flicker=0.03),
            "steam": Load(key("steam"), lambda times: 1.6 + 20.0 * demand(times), 0.02),
        },
        changes,
    )
    air, steam = wanted["air"], wanted["steam"]
    driven = changed(
        {
            "compressors": air_compressors(key("compressors"), air, 62.0),
            "boiler-house": Driven(key("boiler"), steam, lambda flow, _: 38.0 + 9.5 * flow, 0.02),
            "pumps": Load(key("pumps"), lambda times: 70.0 + 85.0 * demand(times), 0.02),
            "gas": boiler_gas(key("gas"), steam, 55.0),
            "water": Driven(key("water"), steam, lambda flow, _: 6.0 + 0.42 * flow, 0.03),
        },
        changes,
    )
    electric = tuple(driven[name] for name in ("compressors", "boiler-house", "pumps"))
    return changed({"incomer": Total(electric, 0.015)}, changes) | driven | wanted


UTILITIES = Kind(
    "utilities",
    "公用工程站",
    "utilities station",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("compressors", "空压机组", "air compressors", parent="incomer"),
        MeterKind("boiler-house", "锅炉房动力", "boiler house fans and pumps", parent="incomer"),
        MeterKind("pumps", "循环水泵", "circulating pumps", parent="incomer"),
        MeterKind("air", "压缩空气总管", "compressed air header", "air_m3"),
        MeterKind("steam", "蒸汽总管", "steam header", "steam_t"),
        MeterKind("gas", "锅炉天然气", "boiler gas", "gas_m3"),
        MeterKind("water", "补水", "make-up water", "water_m3"),
    ),
    _build,
)
