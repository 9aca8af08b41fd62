"""How long things took, counted in steps of two per cent, so that any number of them needs the same memory."""

import math
from collections import Counter
from collections.abc import Iterable

_STEP = math.log(1.02)
_LEAST = 1e-6  # s; what is shorter counts as this


class Latency:
    """Durations in seconds."""

    def __init__(self) -> None:
        self._counts: Counter[int] = Counter()
        self.longest = 0.0

    @classmethod
    def of(cls, parts: Iterable["Latency"]) -> "Latency":
        """All of several."""
        whole = cls()
        for part in parts:
            whole._counts.update(part._counts)
            whole.longest = max(whole.longest, part.longest)
        return whole

    def add(self, seconds: float) -> None:
        """Count one."""
        self._counts[int(math.log(max(seconds, _LEAST) / _LEAST) / _STEP)] += 1
        if seconds > self.longest:
            self.longest = seconds

    @property
    def count(self) -> int:
        """How many."""
        return self._counts.total()

    def percentile(self, share: float) -> float:
        """The duration in seconds that `share` of all did not exceed, up to 2 % above the true one; 0 for none.

        >>> latency = Latency()
        >>> for n in range(1, 101): latency.add(n / 1000)
        >>> 0.05 <= latency.percentile(0.5) <= 0.051, latency.percentile(1.0)
        (True, 0.1)
        """
        left = math.ceil(share * self.count)
        for bucket in sorted(self._counts):
            left -= self._counts[bucket]
            if left <= 0:
                return min(self.longest, _LEAST * math.exp((bucket + 1) * _STEP))
        return self.longest
