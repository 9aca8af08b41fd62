"""Plays a kind of site over some days of plant time."""

from dataclasses import dataclass

import numpy as np
import pytest

from energy.window import QUARTER, parse_time
from simulators.kind import Kind
from simulators.kinds import KINDS
from simulators.noise import DAY, Floats, Ints
from simulators.source import Changes, Source

SEED = 20


@dataclass(frozen=True)
class Played:
    """A kind's meters over whole days of plant time."""

    kind: Kind
    sources: dict[str, Source]
    slots: Ints

    @property
    def times(self) -> Ints:
        return self.slots * QUARTER

    def counts(self, meter: str) -> Ints:
        return self.sources[meter].counts(self.slots)

    def used(self, meter: str) -> Floats:
        """In the register's unit for each slot."""
        return np.asarray(self.counts(meter) / 100, dtype=np.float64)

    def daily(self, meter: str) -> Floats:
        return np.asarray(self.used(meter).reshape(-1, 96).sum(axis=1))

    def hourly(self, meter: str) -> Floats:
        """Per hour of the day, mean over the days [24]."""
        return np.asarray(self.used(meter).reshape(-1, 24, 4).sum(axis=2).mean(axis=0))

    def shifts(self, meter: str) -> Floats:
        """Sums of the shifts that begin at 0, 8 and 16 [days, 3]."""
        return np.asarray(self.used(meter).reshape(-1, 3, 32).sum(axis=2))

    def ratio(self, above: str, below: str) -> float:
        return float(self.counts(above).sum() / self.counts(below).sum())


class Player:
    """Builds a kind anew for each call."""

    def __call__(
        self, kind: str, start: str = "2026-03-02", days: int = 28, changes: Changes | None = None, seed: int = SEED
    ) -> Played:
        """`start` is a date; 2026-03-02 is a Monday."""
        first = parse_time(start, "Asia/Shanghai") // QUARTER
        slots = np.arange(first, first + days * DAY // QUARTER, dtype=np.int64)
        return Played(KINDS[kind], KINDS[kind].build(seed, changes or {}), slots)


@pytest.fixture
def play() -> Player:
    return Player()
