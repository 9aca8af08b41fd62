"""Energy per interval → a cumulative register, in integer counts."""

from collections.abc import Iterator, Mapping
from decimal import Decimal

from energy.reading import Reading


class IntervalRegister:
    """Adds up intervals of one meter; what the intervals do not cover stays unknown.

    The register starts at 0, and starts again at 0 after a hole: a register that went on would say that nothing was
    used in the hole, one that starts again makes it missing.
    """

    def __init__(self, meter: str, decimals: int, tolerance: int) -> None:
        """`decimals` of the register; a start up to `tolerance` ms after the last end is not a hole."""
        self._meter, self._decimals, self._tolerance = meter, decimals, tolerance
        self._sums: dict[str, int] = {}
        self.end: int | None = None

    def add(
        self, start: int, end: int, amounts: Mapping[str, Decimal], gauges: Mapping[str, float]
    ) -> Iterator[Reading]:
        """One interval [start, end) in ms UTC: register key → amount; yields the readings at its edges."""
        if self.end is None or start - self.end > self._tolerance:
            self._sums = dict.fromkeys(amounts, 0)
            yield Reading(self._meter, start, dict.fromkeys(amounts, 0.0))
        for key, amount in amounts.items():
            self._sums[key] += int(amount.scaleb(self._decimals))
        self.end = end
        yield Reading(self._meter, end, {**{key: self._value(key) for key in self._sums}, **gauges})

    def _value(self, key: str) -> float:
        return float(Decimal(self._sums[key]).scaleb(-self._decimals))
