"""What a meter usually uses at each hour of the week, learned from its own past, robustly."""

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

HOUR = 3_600_000  # ms
WEEK = 168 * HOUR
# Gaussian consistency: sigma = MAD x 1.4826 = (90th percentile of |deviation|) / 1.645.
MAD_TO_SIGMA = 1.4826
Q90_TO_SIGMA = 1 / 1.645
# A difference of two independent values has twice the variance of one.
DIFFERENCE = 2**-0.5


@dataclass(frozen=True, slots=True)
class Memory:
    """How much of the past makes the profile, and the least of it before anything is said."""

    weeks: int = 6
    pool_weeks: int = 4
    least_samples: int = 3
    least_pairs: int = 6


class Normal(NamedTuple):
    """What is normal for one hour: the expected amount, its scale (one sigma) and the meter's p90 level."""

    expected: float
    scale: float
    level: float


class Profile:
    """Learns hour by hour; `age` is ms on a clock that stands still in episodes, so that a fault ages nothing."""

    def __init__(self, memory: Memory, least_scale: float) -> None:
        self._memory = memory
        self._least_scale = least_scale
        self.forget()

    def forget(self) -> None:
        """Begin anew: nothing is normal until enough has been seen again."""
        self._samples: dict[int, deque[tuple[int, float]]] = {}
        self._pairs: dict[int, deque[tuple[int, float]]] = {}
        self._recent: deque[tuple[int, float]] = deque()
        self._level = (-1, 0.0)

    def learn(self, slot: int, age: int, amount: float) -> None:
        """Take one hour's amount; slot: hour of the week, 0 to 167."""
        samples = self._samples.setdefault(slot, deque(maxlen=self._memory.weeks))
        if samples:
            pairs = self._pairs.setdefault(slot % 24, deque(maxlen=7 * self._memory.pool_weeks))
            pairs.append((age, abs(amount - samples[-1][1])))
        samples.append((age, amount))
        self._recent.append((age, amount))

    def normal(self, slot: int, age: int) -> Normal | None:
        """What is normal for the hour, None while too little is known to say."""
        oldest = age - self._memory.weeks * WEEK
        samples = sorted(amount for at, amount in self._samples.get(slot, ()) if at >= oldest)
        if len(samples) < self._memory.least_samples:
            return None
        pooled = self._pooled(slot % 24, age - self._memory.pool_weeks * WEEK)
        if pooled is None:
            return None
        expected = _middle(samples)
        spread = _middle(sorted(abs(amount - expected) for amount in samples))
        return Normal(expected, max(MAD_TO_SIGMA * spread, pooled, self._least_scale), self._p90(age, oldest))

    def _pooled(self, hour: int, oldest: int) -> float | None:
        """One sigma of an hour of the day, from differences of a week; the 90th percentile sees batch plants."""
        pairs = sorted(difference for at, difference in self._pairs.get(hour, ()) if at >= oldest)
        if len(pairs) < self._memory.least_pairs:
            return None
        high = pairs[min(len(pairs) - 1, int(0.9 * len(pairs)))]
        return DIFFERENCE * max(MAD_TO_SIGMA * _middle(pairs), Q90_TO_SIGMA * high)

    def _p90(self, age: int, oldest: int) -> float:
        """The meter's typical high hour, taken once a day."""
        day = age // (24 * HOUR)
        if self._level[0] != day:
            while self._recent and self._recent[0][0] < oldest:
                self._recent.popleft()
            amounts = sorted(abs(amount) for _, amount in self._recent)
            self._level = (day, amounts[int(0.9 * len(amounts))] if amounts else 0.0)
        return self._level[1]


def _middle(ascending: list[float]) -> float:
    half = len(ascending) // 2
    return ascending[half] if len(ascending) % 2 else (ascending[half - 1] + ascending[half]) / 2
