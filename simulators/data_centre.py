"""The load curves of a data centre: IT behind the UPS, a chiller with a cold-water tank, air handling and lighting."""

import numpy as np

from simulators.faults import Degradation
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between, hour, weekday
from simulators.source import Load, Source, Total

_IT_KW = 820.0
_CYCLE = 204 * 60_000  # ms in which the chiller charges the tank and lets it run down
_CYCLE_SWING = 0.12


def data_centre(seed: int, chiller_fault: Degradation | None) -> dict[str, Source]:
    """Meters of a data centre with a PUE near 1.22 as long as its chiller is well."""

    def key(name: str) -> int:
        return key_of(seed, "dc", name)

    def it(times: Ints) -> Floats:
        daily = 0.035 * np.cos((hour(times) - 15.0) * (2 * np.pi / 24))
        working = 0.02 * ((weekday(times) < 5) & between(times, 8, 20))
        return _IT_KW * (1 + daily + working + 0.008 * drift(key("it-drift"), times))

    def chiller(times: Ints) -> Floats:
        phase = (times % _CYCLE) / _CYCLE
        charging = 1 + _CYCLE_SWING * (1 - 4 * np.abs(phase - 0.5))
        worn = chiller_fault.factor(times) if chiller_fault is not None else 1.0
        return 0.126 * it(times) * charging * worn

    def crac(times: Ints) -> Floats:
        return 44.0 + 0.02 * (it(times) - _IT_KW)

    def lighting(times: Ints) -> Floats:
        staffed = between(times, 8, 19) & (weekday(times) < 5)
        return np.where(staffed, 14.0, 8.0)

    below: dict[str, Source] = {
        "it": Load(key("it"), it, 0.012),
        "chiller": Load(key("chiller"), chiller, 0.03, flicker=0.02),
        "crac": Load(key("crac"), crac, 0.015),
        "lighting": Load(key("lighting"), lighting, 0.02),
    }
    return {"facility": Total(tuple(below.values()), 0.025), **below}
