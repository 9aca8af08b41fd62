"""A small old data centre and a new one: what UPS and cooling take follows the IT load and the weather.

Invented: all curves. A UPS loses a fixed part and one that grows with the square of its load. The old centre cools with
compressors whose efficiency falls with the dry bulb; the new one has water chillers whose efficiency falls with the wet
bulb and with a load far from 70 %, and cools without compressors below a wet bulb of 8 °C, in part below 14 °C.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from energy.registry import Boundary
from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between, hour, weekday
from simulators.source import Changes, Driven, Load, Response, Source, Total, changed
from simulators.weather import Weather


@dataclass(frozen=True, slots=True)
class _Design:
    """it: kW; ups: kW lost at no load, and the share lost at `it` that grows with the square; air: fans, kW.

    office: kW of lighting by night; lost: share of the facility in transformers and cables; cooling: of a weather.
    """

    name: str
    it: float
    swing: float
    ups: tuple[float, float]
    air: float
    office: float
    lost: float
    cooling: Callable[[Weather], Response]
    water: float  # m3 for each MWh of heat


def _old_cooling(weather: Weather) -> Response:
    """Compressors with air-cooled condensers: heat (kW) → kW."""

    def response(heat: Floats, times: Ints) -> Floats:
        cop = np.clip(3.75 - 0.042 * (weather.dry_bulb(times) - 15), 2.4, 4.4)
        return np.asarray(4.0 + heat / cop, dtype=np.float64)

    return response


_CAPACITY_KW = 4_900.0  # of heat that the new centre's chillers can take
_FREE_BELOW, _PARTLY_BELOW = 8.0, 14.0  # °C wet bulb


def _new_cooling(weather: Weather) -> Response:
    """Water chillers, towers and pumps, without compressors when it is cold: heat (kW) → kW."""

    def response(heat: Floats, times: Ints) -> Floats:
        wet, part = weather.wet_bulb(times), heat / _CAPACITY_KW
        free = np.clip((_PARTLY_BELOW - wet) / (_PARTLY_BELOW - _FREE_BELOW), 0.0, 1.0)
        cop = 7.0 * (1 - 0.02 * (wet - 20)) * (1 - 0.7 * (part - 0.7) ** 2)
        return np.asarray(60.0 + 0.026 * heat + (1 - free) * heat / cop, dtype=np.float64)

    return response


_OLD = _Design("dc-old", 118.0, 0.06, (11.0, 0.035), 15.0, 3.0, 0.025, _old_cooling, 0.0)
_NEW = _Design("dc-new", 3_400.0, 0.04, (34.0, 0.016), 105.0, 14.0, 0.012, _new_cooling, 1.35)


def _it(key: int, design: _Design, times: Ints) -> Floats:
    daily = design.swing * np.cos((hour(times) - 15.0) * (2 * np.pi / 24))
    working = 0.5 * design.swing * ((weekday(times) < 5) & between(times, 8, 20))
    return design.it * (1 + daily + working + 0.008 * drift(key, times))


def _office(design: _Design, times: Ints) -> Floats:
    return design.office * np.where(between(times, 8, 19) & (weekday(times) < 5), 1.8, 1.0)


def _build(design: _Design, seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, design.name, name)

    fixed, squared = design.ups
    weather = Weather(key("weather"))
    racks = changed({"it": Load(key("it"), partial(_it, key("it-drift"), design), 0.01)}, changes)
    lost = Driven(key("ups"), racks["it"], lambda kw, _: fixed + squared * kw**2 / design.it, 0.01)
    air = Driven(key("crac"), racks["it"], lambda kw, _: design.air * (0.6 + 0.4 * kw / design.it), 0.012)
    inside = changed({"ups": Total((racks["it"], lost), 0.0), "crac": air}, changes)
    heat = Total(tuple(inside.values()), 0.0)
    outside = changed(
        {
            "chiller": Driven(key("chiller"), heat, design.cooling(weather), 0.015),
            "lighting": Load(key("lighting"), partial(_office, design), 0.02),
        },
        changes,
    )
    single: dict[str, Source] = {"weather": weather.gauge()}
    if design.water:
        single["water"] = Driven(
            key("water"),
            heat,
            lambda kw, t: design.water / 1000 * kw * np.clip(weather.wet_bulb(t) / 20, 0.3, 1.3),
            0.03,
        )
    facility = Total((*inside.values(), *outside.values()), design.lost)
    return changed({"facility": facility} | single, changes) | racks | inside | outside


_METERS = (
    MeterKind("facility", "总进线", "facility incomer"),
    MeterKind("ups", "UPS输入", "UPS input", parent="facility"),
    MeterKind("it", "IT设备（UPS输出）", "IT equipment (UPS output)", parent="ups"),
    MeterKind("chiller", "冷源", "cooling plant", parent="facility"),
    MeterKind("crac", "精密空调与送风", "air handling", parent="facility"),
    MeterKind("lighting", "照明及办公", "lighting and offices", parent="facility"),
    MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
)
_BOUNDARY = Boundary(("facility",), ("it",))

DATA_CENTRE_SMALL_OLD = Kind(
    "data_centre_small_old", "小型老旧数据中心", "small old data centre", _METERS, partial(_build, _OLD), _BOUNDARY
)
DATA_CENTRE_NEW = Kind(
    "data_centre_new",
    "新建数据中心",
    "new data centre",
    (*_METERS, MeterKind("water", "冷却补水", "tower make-up water", "water_m3")),
    partial(_build, _NEW),
    _BOUNDARY,
)
