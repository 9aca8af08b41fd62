"""What a meter says of its load: a register that wraps, is reset or replaced, and the faults of the meter itself."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from energy.registry import Meter
from energy.window import QUARTER
from simulators.faults.fault import Placed
from simulators.faults.meter import GainFault, MeterSwap, Reset, Stuck, Wrap
from simulators.noise import Floats, Ints
from simulators.source import COUNTS_PER_UNIT, Register, Scaled, Shape, Source

_ENDLESS = 10**17  # the true count never wraps


class Swap(NamedTuple):
    """A meter was replaced: what the old register showed last and the new one first, in the register's unit."""

    time: int
    last: float
    first: float


@dataclass(frozen=True, slots=True)
class Said:
    """What one meter says at `times` [n]: quantity key → its values [n]."""

    times: Ints
    columns: dict[str, Floats]


class Meterlike(Protocol):
    """What a gateway reads."""

    @property
    def meter(self) -> Meter:
        """Which meter it is."""

    @property
    def epoch(self) -> int:
        """Ms UTC of its first reading."""

    @property
    def faults(self) -> Sequence[Placed]:
        """What is wrong with it."""

    def say(self, times: Ints) -> Said:
        """What it says at `times` (ms UTC, ascending, not before the epoch)."""

    def swaps(self) -> list[Swap]:
        """When it was replaced."""


@dataclass(slots=True)
class Display:
    """The display of a meter whose load is `source`, from `epoch` (ms UTC, a quarter hour) on.

    first: display counts at the epoch; gauge: the quantity shown beside the register; faults: this meter's.
    """

    meter: Meter
    source: Source
    epoch: int
    first: int
    faults: Sequence[Placed]
    gauge: str | None = None
    _counted: Source = field(init=False)
    _register: Register = field(init=False)
    _segments: list[tuple[int, int]] = field(init=False)

    def __post_init__(self) -> None:
        gains = [fault.gain(span) for _, fault, span in self.faults if isinstance(fault, GainFault)]
        self._counted = Scaled(self.source, _product(gains)) if gains else self.source
        self._register = Register(self._counted, self.epoch, 0, _ENDLESS)
        self._segments = [(self.epoch, self.first)]
        for _, fault, span in sorted(self.faults, key=lambda placed: placed.span.start):
            if isinstance(fault, Wrap):
                gained = self._steps(np.array([span.start]))[0]
                self._segments[0] = self.epoch, int(self.meter.modulus - gained)
            elif isinstance(fault, Reset):
                self._segments.append((span.start, 0))
            elif isinstance(fault, MeterSwap):
                self._segments.append((span.start, round(fault.shows / float(self.meter.resolution))))

    def say(self, times: Ints) -> Said:
        """Register and gauge at `times` (ms UTC, ascending, not before the epoch)."""
        seen = times
        for _, fault, span in self.faults:
            if isinstance(fault, Stuck):
                seen = np.where(span.holds(seen), max(span.start - 1, self.epoch), seen)
        columns = {} if self.meter.register is None else {self.meter.register: self._value(self._shown(seen))}
        if self.gauge is not None:
            columns[self.gauge] = self._gauge(seen)
        return Said(times, columns)

    def swaps(self) -> list[Swap]:
        """When the meter was replaced."""
        out = []
        for _, fault, span in self.faults:
            if isinstance(fault, MeterSwap):
                last, first = self._value(self._shown(np.array([span.start - 1, span.start]))).tolist()
                out.append(Swap(span.start, last, first))
        return out

    def truth(self, slots: Ints) -> tuple[Ints, Ints]:
        """For each slot (time // QUARTER) [n]: the true counts of 0.01 of the unit, and the register's own counts.

        The second is what a register that never wraps nor is reset would have gained, in steps of its resolution.
        """
        gained = self._steps((slots + 1) * QUARTER) - self._steps(slots * QUARTER)
        return self.source.counts(slots), gained

    @property
    def _step(self) -> int:
        """Counts of 0.01 of the unit in one step of the display."""
        return int(self.meter.resolution * COUNTS_PER_UNIT)

    def _steps(self, times: Ints) -> Ints:
        """Steps gained since the epoch."""
        return np.asarray(self._register.at(times) // self._step)

    def _shown(self, times: Ints) -> Ints:
        starts, firsts = np.array(self._segments, dtype=np.int64).T
        base = firsts - self._steps(starts)
        place = np.searchsorted(starts, times, side="right") - 1
        return np.asarray((self._steps(times) + base[place]) % self.meter.modulus)

    def _value(self, counts: Ints) -> Floats:
        """Display counts → the float nearest to the exact value."""
        numerator, denominator = self.meter.resolution.as_integer_ratio()
        return np.asarray(counts * numerator / denominator, dtype=np.float64)

    def _gauge(self, times: Ints) -> Floats:
        gains = [fault.gauge_gain(span) for _, fault, span in self.faults if isinstance(fault, GainFault)]
        return np.round(self.source.flow(times) * _product(gains)(times), 2)


@dataclass(frozen=True, slots=True)
class Exchanged:
    """A meter that carries another one's values while the fault lasts."""

    own: Display
    other: Display
    fault: Placed

    @property
    def meter(self) -> Meter:
        """See `Meterlike.meter`."""
        return self.own.meter

    @property
    def epoch(self) -> int:
        """See `Meterlike.epoch`."""
        return self.own.epoch

    @property
    def faults(self) -> Sequence[Placed]:
        """See `Meterlike.faults`."""
        return [*self.own.faults, self.fault]

    def say(self, times: Ints) -> Said:
        """See `Meterlike.say`."""
        own, other = self.own.say(times).columns, self.other.say(times).columns
        taken = self.fault.span.holds(times)
        return Said(times, {name: np.where(taken, other.get(name, own[name]), own[name]) for name in own})

    def swaps(self) -> list[Swap]:
        """See `Meterlike.swaps`."""
        return self.own.swaps()


def _product(gains: list[Shape]) -> Shape:
    def factor(times: Ints) -> Floats:
        out = np.ones(len(times))
        for gain in gains:
            out = out * gain(times)
        return out

    return factor
