"""Register readings → energy of 15-minute windows, in integer register counts."""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from energy.reading import Quality
from energy.window import QUARTER, ceil_quarter, floor_quarter

Ints = npt.NDArray[np.int64]

# A window edge is measured when the readings on either side of it lie no further apart than one
# reporting period of the national system (15 min) and a minute of jitter.
MAX_BRACKET = QUARTER + 60_000
# A falling register has wrapped when it fell from the last tenth of its range to the first.
WRAP_ZONE = 10


@dataclass(frozen=True, slots=True)
class Intervals:
    """Contiguous 15-minute windows; all arrays have the same length n.

    start: ms UTC of each window; counts: register counts, valid where quality < MISSING;
    part: counts known of a window that is not known whole (quality MISSING), else 0.
    """

    start: Ints
    counts: Ints
    part: Ints
    quality: npt.NDArray[np.int8]


def to_counts(values: npt.NDArray[np.float64], resolution: Decimal) -> Ints:
    """Register values (float64, as on the wire) → counts of `resolution`, nearest; exact below 2**53 counts.

    >>> to_counts(np.array([0.1, 317.76]), Decimal("0.01")).tolist()
    [10, 31776]
    """
    numerator, denominator = resolution.as_integer_ratio()
    return np.rint(values * denominator / numerator).astype(np.int64)


def to_amount(counts: int, resolution: Decimal) -> Decimal:
    """Counts → the exact amount in the quantity's unit.

    >>> to_amount(31776, Decimal("0.01"))
    Decimal('317.76')
    """
    return counts * resolution


def to_intervals(times: Ints, counts: Ints, modulus: int, estimated: npt.NDArray[np.bool_] | None = None) -> Intervals:
    """Readings of one register → its windows from the first reading's to the last's.

    times: ms UTC, strictly ascending [n]; counts: int64 [n]; estimated: readings that the sender marked so [n].
    Within a segment Σ (counts + part) = last - first + wraps x modulus. What a reset hides is missing, not zero.
    """
    if len(times) < 2:
        return _nothing()
    if estimated is None:
        estimated = np.zeros(len(times), dtype=np.bool_)
    rise, breaks = _rises(counts, modulus)
    first = floor_quarter(int(times[0]))
    size = (ceil_quarter(int(times[-1])) - first) // QUARTER
    out = Intervals(
        start=first + QUARTER * np.arange(size, dtype=np.int64),
        counts=np.zeros(size, dtype=np.int64),
        part=np.zeros(size, dtype=np.int64),
        quality=np.full(size, int(Quality.MISSING), dtype=np.int8),
    )
    bounds = [0, *(int(b) + 1 for b in breaks), len(times)]
    for low, high in pairwise(bounds):
        if high - low >= 2:
            cum = np.concatenate(([0], np.cumsum(rise[low : high - 1])))
            _fill(out, times[low:high], cum, estimated[low:high])
    return out


def _nothing() -> Intervals:
    none: Any = np.zeros(0, dtype=np.int64)
    return Intervals(none, none, none, np.zeros(0, dtype=np.int8))


def _rises(counts: Ints, modulus: int) -> tuple[Ints, Ints]:
    """Counts gained from each reading to the next, and the positions where a reset breaks the register."""
    rise = np.diff(counts)
    fell = rise < 0
    wrapped = fell & (counts[:-1] >= modulus - modulus // WRAP_ZONE) & (counts[1:] < modulus // WRAP_ZONE)
    rise = np.where(wrapped, rise + modulus, rise)
    return rise, np.flatnonzero(fell & ~wrapped)


def _fill(out: Intervals, times: Ints, cum: Ints, estimated: npt.NDArray[np.bool_]) -> None:
    """Put one unbroken segment's windows into `out`; cum[0] is 0 at times[0]."""
    first, last = floor_quarter(int(times[0])), ceil_quarter(int(times[-1]))
    edges = np.arange(first, last + 1, QUARTER, dtype=np.int64)
    inside = np.clip(edges, times[0], times[-1])
    after = np.searchsorted(times, inside, side="left")
    before = np.searchsorted(times, inside, side="right") - 1
    span = times[after] - times[before]
    share = (inside - times[before]) / np.maximum(span, 1)
    at = cum[before] + np.rint((cum[after] - cum[before]) * share).astype(np.int64)
    tight = (span <= MAX_BRACKET) & ~estimated[before] & ~estimated[after]
    whole = (edges[:-1] >= times[0]) & (edges[1:] <= times[-1])
    gained = np.diff(at)
    here = slice(int((first - out.start[0]) // QUARTER), int((last - out.start[0]) // QUARTER))
    out.counts[here] += np.where(whole, gained, 0)
    out.part[here] += np.where(whole, 0, gained)
    quality = np.where(tight[:-1] & tight[1:], int(Quality.MEASURED), int(Quality.ESTIMATED))
    out.quality[here] = np.where(whole, quality, out.quality[here])
