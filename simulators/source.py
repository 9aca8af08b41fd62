"""What one meter measures: integer counts for each 15-minute slot, and the flow at any instant."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from energy.window import QUARTER
from simulators.noise import Floats, Ints, bell

COUNTS_PER_UNIT = 100  # a register count is 0.01 kWh (or t, m3)
_SLOTS_PER_HOUR = 4
_TICK = 5_000  # ms for which a flow stays as it is

Shape = Callable[[Ints], Floats]
Response = Callable[[Floats, Ints], Floats]


class Source(Protocol):
    """A meter's truth; depends on nothing but time."""

    def counts(self, slots: Ints) -> Ints:
        """Register counts of the slots (time // QUARTER) [n] → [n], never negative."""

    def flow(self, times: Ints) -> Floats:
        """Flow per hour at instants, ms UTC [n] → [n], in the quantity's unit (kW for kWh)."""


@dataclass(frozen=True, slots=True)
class Load:
    """A load that follows `shape` (flow at a slot's start) with bell noise of relative size `noise` for each slot.

    flicker: relative size of the movement of the flow within a slot, shown but not counted.
    """

    key: int
    shape: Shape
    noise: float
    flicker: float = 0.01

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        level = self.shape(slots * QUARTER) * (1 + self.noise * bell(self.key, slots))
        return np.rint(np.maximum(level, 0) * COUNTS_PER_UNIT / _SLOTS_PER_HOUR).astype(np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        level = self.counts(times // QUARTER) * (_SLOTS_PER_HOUR / COUNTS_PER_UNIT)
        return level * (1 + self.flicker * bell(self.key + 1, times // _TICK))


@dataclass(frozen=True, slots=True)
class Total:
    """A meter above others: all that its `parts` measure, and the `share` of it that is lost or has no meter."""

    parts: tuple[Source, ...]
    share: float

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`; never less than the parts."""
        below = np.sum([part.counts(slots) for part in self.parts], axis=0)
        return np.asarray(below + np.ceil(below * self.share).astype(np.int64), dtype=np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        below = np.sum([part.flow(times) for part in self.parts], axis=0)
        return np.asarray(below * (1 + self.share), dtype=np.float64)


@dataclass(frozen=True, slots=True)
class Scaled:
    """Another source times `factor` (of ms UTC [n] → [n]), taken at each slot's start and at each instant."""

    source: Source
    factor: Shape

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        return np.rint(self.source.counts(slots) * np.maximum(self.factor(slots * QUARTER), 0)).astype(np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return self.source.flow(times) * self.factor(times)


@dataclass(frozen=True, slots=True)
class Driven:
    """What another source takes: `response` (its flow, ms UTC at a slot's start: [n], [n] → [n]), with bell noise.

    What is changed in `source` shows here too, as a leak does in its compressor's electricity.
    """

    key: int
    source: Source
    response: Response
    noise: float = 0.0

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        mean = np.asarray(self.source.counts(slots) * (_SLOTS_PER_HOUR / COUNTS_PER_UNIT), dtype=np.float64)
        level = np.maximum(self._level(mean, slots), 0)
        return np.rint(level * COUNTS_PER_UNIT / _SLOTS_PER_HOUR).astype(np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return np.maximum(self._level(self.source.flow(times), times // QUARTER), 0)

    def _level(self, flow: Floats, slots: Ints) -> Floats:
        return self.response(flow, slots * QUARTER) * (1 + self.noise * bell(self.key, slots))


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of `source` after `less`, 0 where that is more: what the grid gives, or what it takes."""

    source: Source
    less: Source

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        return np.asarray(np.maximum(self.source.counts(slots) - self.less.counts(slots), 0), dtype=np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return np.maximum(self.source.flow(times) - self.less.flow(times), 0)


@dataclass(frozen=True, slots=True)
class Gauge:
    """A state such as a temperature: it counts nothing, and its flow is its value."""

    shape: Shape

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`; all 0."""
        return np.zeros(len(slots), dtype=np.int64)

    def flow(self, times: Ints) -> Floats:
        """The value at instants, in the gauge's unit, negative where it is."""
        return self.shape(times)


@dataclass(frozen=True, slots=True)
class AtLeast:
    """A source that never falls below another one."""

    source: Source
    floor: Source

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        return np.maximum(self.source.counts(slots), self.floor.counts(slots))

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return np.maximum(self.source.flow(times), self.floor.flow(times))


def growing(begin: int, length: int, growth: float) -> Shape:
    """1 until `begin` (ms UTC), then a smooth rise to 1 + `growth` within `length` ms, which stays.

    >>> growing(1000, 100, 1.5)(np.array([0, 1000, 1050, 1100, 9000])).tolist()
    [1.0, 1.0, 1.75, 2.5, 2.5]
    """

    def factor(times: Ints) -> Floats:
        x = np.clip((times - begin) / length, 0.0, 1.0)
        return np.asarray(1 + growth * x * x * (3 - 2 * x), dtype=np.float64)

    return factor


Change = Callable[[Source], Source]
Changes = Mapping[str, Change]


def changed(sources: Mapping[str, Source], changes: Changes) -> dict[str, Source]:
    """Each meter's source as `changes` alters it: what really happens in the plant, so totals are taken of these."""
    return {meter: changes[meter](source) if meter in changes else source for meter, source in sources.items()}


class Register:
    """The continuous register of a source, from `start` counts at `epoch` (ms UTC, a slot's start)."""

    def __init__(self, source: Source, epoch: int, start: int, modulus: int) -> None:
        """`modulus`: counts after which the display begins again at 0."""
        self._source, self._first, self._modulus = source, epoch // QUARTER, modulus
        self._sums: Ints = np.array([start], dtype=np.int64)

    def at(self, times: Ints) -> Ints:
        """Counts on the display at `times` (ms UTC, not before the epoch), linear within a slot [n] → [n]."""
        slots = times // QUARTER - self._first
        self._reach(int(slots.max()) + 1)
        low, high = self._sums[slots], self._sums[slots + 1]
        return (low + (high - low) * (times % QUARTER) // QUARTER) % self._modulus

    def _reach(self, slot: int) -> None:
        """Extend the running sums to cover `slot`, a day ahead at a time."""
        known = len(self._sums) - 1
        if slot <= known:
            return
        new = np.arange(known, slot + 96, dtype=np.int64) + self._first
        more = self._sums[-1] + np.cumsum(self._source.counts(new))
        self._sums = np.concatenate((self._sums, more))
