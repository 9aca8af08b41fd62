"""The plant's clock: hours and weekdays of China Standard Time, which has had no summer time since 1991."""

import numpy as np
import numpy.typing as npt

from simulators.noise import DAY, Floats, Ints

HOUR = 3_600_000  # ms
_OFFSET = 8 * HOUR
Mask = npt.NDArray[np.bool_]


def hour(times: Ints) -> Floats:
    """Hours since midnight, with the fraction; `times` in ms UTC [n] → [n].

    >>> hour(np.array([1514736000000])).tolist()  # 2018-01-01T00:00+08:00
    [0.0]
    """
    return np.asarray(((times + _OFFSET) % DAY) / HOUR, dtype=np.float64)


def weekday(times: Ints) -> Ints:
    """Monday 0 … Sunday 6.

    >>> weekday(np.array([1514736000000])).tolist()  # a Monday
    [0]
    """
    return ((times + _OFFSET) // DAY + 3) % 7


def between(times: Ints, start: float, end: float) -> Mask:
    """Whether the hour is in [start, end); over midnight when start > end."""
    at = hour(times)
    return (at >= start) & (at < end) if start <= end else (at >= start) | (at < end)
