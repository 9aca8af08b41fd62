"""Shifts of eight hours: each has a crew of its own, and the night's makes a little less."""

import numpy as np

from simulators.noise import Floats, Ints, bell
from simulators.plant_clock import HOUR

SHIFT = 8 * HOUR
_OFFSET = 8 * HOUR  # of plant time; shifts begin at 0, 8 and 16


def shift_of(times: Ints) -> Ints:
    """The number of the shift that `times` (ms UTC) are in [n] → [n]; the night's (0 to 8) are divisible by 3.

    >>> (shift_of(np.array([1514736000000, 1514736000000 + SHIFT])) % 3).tolist()  # 2018-01-01T00:00 and 08:00, +08:00
    [0, 1]
    """
    return np.asarray((times + _OFFSET) // SHIFT, dtype=np.int64)


def crew(key: int, times: Ints, spread: float = 0.03) -> Floats:
    """What a shift makes, as a share of the plan: it differs by `spread` from crew to crew, and is less at night."""
    shift = shift_of(times)
    return np.asarray(1 + spread * (bell(key, shift) - (shift % 3 == 0)), dtype=np.float64)
