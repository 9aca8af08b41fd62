"""A data centre with a PUE near 1.22: IT behind the UPS, a chiller with a cold-water tank, air handling, lighting.

Invented: all of it; no weather, so that a chiller's fault is the only thing that moves the PUE.
"""

import numpy as np

from energy.registry import Boundary
from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between, hour, weekday
from simulators.source import Changes, Load, Source, Total, changed

_IT_KW = 820.0
_CYCLE = 204 * 60_000  # ms in which the chiller charges the tank and lets it run down
_CYCLE_SWING = 0.12


def _lighting(times: Ints) -> Floats:
    staffed = between(times, 8, 19) & (weekday(times) < 5)
    return np.where(staffed, 14.0, 8.0)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "dc", name)

    def it(times: Ints) -> Floats:
        daily = 0.035 * np.cos((hour(times) - 15.0) * (2 * np.pi / 24))
        working = 0.02 * ((weekday(times) < 5) & between(times, 8, 20))
        return _IT_KW * (1 + daily + working + 0.008 * drift(key("it-drift"), times))

    def chiller(times: Ints) -> Floats:
        phase = (times % _CYCLE) / _CYCLE
        charging = 1 + _CYCLE_SWING * (1 - 4 * np.abs(phase - 0.5))
        return 0.126 * it(times) * charging

    def crac(times: Ints) -> Floats:
        return 44.0 + 0.02 * (it(times) - _IT_KW)

    below = changed(
        {
            "it": Load(key("it"), it, 0.012),
            "chiller": Load(key("chiller"), chiller, 0.03, flicker=0.02),
            "crac": Load(key("crac"), crac, 0.015),
            "lighting": Load(key("lighting"), _lighting, 0.02),
        },
        changes,
    )
    return changed({"facility": Total(tuple(below.values()), 0.025)}, changes) | below


DATA_CENTRE = Kind(
    "data_centre",
    "数据中心",
    "data centre",
    (
        MeterKind("facility", "总进线", "facility incomer"),
        MeterKind("it", "IT设备（UPS输出）", "IT equipment (UPS output)", parent="facility"),
        MeterKind("chiller", "冷水机组", "chiller", parent="facility"),
        MeterKind("crac", "精密空调与送风", "air handling", parent="facility"),
        MeterKind("lighting", "照明及办公", "lighting and offices", parent="facility"),
    ),
    _build,
    Boundary(("facility",), ("it",)),
)
