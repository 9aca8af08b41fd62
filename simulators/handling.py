"""How a gateway handles readings: which it takes, how late, how often and in what order it sends them."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple, TypeVar

import numpy as np

from energy.duration import parse_duration
from energy.quantity import QUANTITIES, Kind
from simulators.display import Meterlike, Said
from simulators.faults.fault import Fault, Placed
from simulators.faults.wire import (
    ClockSkew,
    Contradiction,
    Duplicate,
    Gap,
    Impossible,
    Late,
    Reorder,
    Shared,
    Unregistered,
)
from simulators.noise import key_of, uniform

_JITTER = 60_000  # ms within which a kept block is sent
_WRONG = {"nan": math.nan, "infinite": math.inf, "out_of_bounds": 9.9e15}
Kindly = TypeVar("Kindly", bound=Fault)


class Parts(NamedTuple):
    """A reading as the meter said it, and the labels of what is wrong with that."""

    meter: str
    values: dict[str, float]
    labels: tuple[str, ...]


class Copy(NamedTuple):
    """One sending of a reading: ms after the usual time, its values, and which of them cannot be taken."""

    delay: int
    values: dict[str, float]
    refused: frozenset[str]
    labels: tuple[str, ...]


class Handling:
    """The faults on the way of one gateway's readings; `missed` counts, by label, what was never read."""

    def __init__(self, faults: Sequence[Placed], gateway: str, key: int) -> None:
        """`key` is that of the gateway's chances."""
        self._faults, self._gateway, self._key = faults, gateway, key
        self.missed: Counter[str] = Counter()

    def read(self, said: Mapping[str, tuple[Meterlike, Said]], place: int, time: int) -> Iterator[Parts]:
        """The readings of one moment, without those that the gateway did not get."""
        for meter, (display, values) in said.items():
            missed = [label for label, _ in self._at(Gap, meter, time)]
            if missed:
                self.missed.update(missed)
                continue
            labels = tuple(label for label, _, span in display.faults if span.has(time))
            yield Parts(meter, {name: float(column[place]) for name, column in values.columns.items()}, labels)

    def copies(self, parts: Parts, time: int) -> Iterator[Copy]:
        """Every sending of a reading that was taken at `time`, ms UTC."""
        delay, labels = 0, parts.labels
        for kind in (ClockSkew, Unregistered):
            labels += tuple(label for label, _ in self._at(kind, parts.meter, time))
        for label, late in self._at(Late, parts.meter, time):
            delay, labels = delay + parse_duration(late.delay), (*labels, label)
        for label, order in self._at(Reorder, parts.meter, time):
            delay, labels = delay + self._kept(label, order, time), (*labels, label)
        values, refused = dict(parts.values), set()
        for label, wrong in self._hit(Impossible, parts.meter, time):
            name = next((name for name in values if QUANTITIES[name].kind is Kind.GAUGE), next(iter(values)))
            values[name], labels = _WRONG[wrong.how], (*labels, label)
            refused.add(name)
        yield Copy(delay, values, frozenset(refused), labels)
        for label, again in self._hit(Duplicate, parts.meter, time):
            yield Copy(delay + parse_duration(again.after), values, frozenset(refused), (*labels, label))
        for label, other in self._hit(Contradiction, parts.meter, time):
            changed = {name: round(value * (1 + other.by), 2) for name, value in parts.values.items()}
            yield Copy(delay + parse_duration(other.after), changed, frozenset(), (*labels, label))

    def _at(self, kind: type[Kindly], meter: str, time: int) -> Iterator[tuple[str, Kindly]]:
        """Faults of exactly this kind that touch the meter at a moment."""
        for label, fault, span in self._faults:
            if type(fault) is kind and span.has(time):
                place = fault.at.partition("/")[2]
                if place in ("", self._gateway, meter):
                    yield label, fault

    def _hit(self, kind: type[Kindly], meter: str, time: int) -> Iterator[tuple[str, Kindly]]:
        """Those of `_at` that chance lets happen to this reading."""
        for label, fault in self._at(kind, meter, time):
            share = fault.share if isinstance(fault, Shared) else 1.0
            if uniform(key_of(self._key, label, meter), np.array([time]))[0] < share:
                yield label, fault

    def _kept(self, label: str, order: Reorder, time: int) -> int:
        """How long a reading is kept to be sent in another order."""
        span = next(placed.span for placed in self._faults if placed.label == label)
        block = parse_duration(order.block)
        chance = uniform(key_of(self._key, label), np.array([time]))[0]
        return int(block - (time - span.start) % block + _JITTER * chance)
