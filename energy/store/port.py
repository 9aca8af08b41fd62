"""What a time-series store promises."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
import numpy.typing as npt

from energy.errors import InputError, OutsideError
from energy.window import to_text


class Series(NamedTuple):
    """What a point belongs to: a measurement of one meter, or of a whole site where meter is ""."""

    measurement: str
    site: str
    meter: str = ""


class Point(NamedTuple):
    """Values of one series at `time` (ms UTC); every value is a finite float."""

    series: Series
    time: int
    fields: Mapping[str, float]


@dataclass(frozen=True, slots=True)
class Frame:
    """A read's answer: times ascending [n] (ms UTC) and, for each field asked, float64 [n] with NaN where absent."""

    times: npt.NDArray[np.int64]
    values: Mapping[str, npt.NDArray[np.float64]]

    def __len__(self) -> int:
        return len(self.times)


class TooOldError(InputError):
    """The store keeps nothing as old as `dropped`; a repeat is of no use. What else was in the call is stored."""

    def __init__(self, store: str, dropped: Sequence[Point]) -> None:
        shown = ", ".join(f"{'/'.join(filter(None, point.series))} at {to_text(point.time)}" for point in dropped[:3])
        more = "" if len(dropped) <= 3 else f" and {len(dropped) - 3} more"
        super().__init__("too_old", f"{store} keeps nothing as old as {shown}{more}")
        self.dropped = tuple(dropped)


class BusyError(OutsideError):
    """The store asks to be left alone for `wait_s` seconds (None: it does not say how long)."""

    def __init__(self, text: str, wait_s: float | None) -> None:
        super().__init__(text if wait_s is None else f"{text}; it asks for {wait_s:.0f} s")
        self.wait_s = wait_s


class Store(Protocol):
    """A store of float fields by (series, time); every method raises OutsideError when the store does not answer.

    The measurements that the system writes:
    `meter` (per meter: quantity keys and `quality`), `energy` (per meter and 15-min window: `amount`, `part`,
    `quality`), `site` (per site and window: `kwh`, `meters`, `expected`, `quality`), `pue` (per site and window:
    `facility_kwh`, `it_kwh`, `quality`). A figure of a window counts only where its `quality` is below 2 (missing).
    """

    def write(self, points: Sequence[Point]) -> None:
        """Durable on return. The same (series, time, field) twice is one value, the later; other fields stay.

        Raises InputError for a value that is not finite (and writes nothing of the call), and TooOldError for points
        that are older than the store keeps (all others are stored).
        """

    def read(self, series: Series, fields: Sequence[str], start: int, end: int) -> Frame:
        """Points of [start, end) that have at least one of `fields`, ascending."""

    def at(self, keys: Sequence[tuple[Series, int]]) -> dict[tuple[Series, int], dict[str, float]]:
        """What is stored at exactly these keys; keys without a point are left out."""

    def before(self, series: Series, field: str, time: int) -> int | None:
        """The time of the newest point of `field` strictly before `time`."""

    def after(self, series: Series, field: str, time: int) -> int | None:
        """The time of the oldest point of `field` strictly after `time`."""

    def latest(self, measurement: str, since: int) -> list[Point]:
        """For each series of the measurement, its newest value of each field since `since`, at the newest time."""

    def close(self) -> None:
        """Let go of connections; the store can be opened again."""


def check_finite(points: Sequence[Point]) -> None:
    """InputError("not_finite") if any value is NaN or infinite."""
    for point in points:
        for field, value in point.fields.items():
            if not math.isfinite(value):
                raise InputError("not_finite", f"{point.series} {field} at {point.time} is {value}")
