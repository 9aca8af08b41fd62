"""Windows of a store as arrays on a grid: the one way in which accounts, judging and the API read them."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from energy.reading import Quality
from energy.registry import Boundary, Meter
from energy.store.port import Series, Store
from energy.window import QUARTER

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Grid:
    """15-minute windows from `start` (ms UTC, an edge), n of them.

    amount: float64 [n] in the meter's unit, NaN where the window is missing; quality: int8 [n], see Quality.
    """

    start: int
    amount: Floats
    quality: npt.NDArray[np.int8]

    @property
    def starts(self) -> npt.NDArray[np.int64]:
        """Each window's start, ms UTC [n]."""
        return self.start + QUARTER * np.arange(len(self.amount), dtype=np.int64)


@dataclass(frozen=True, slots=True)
class PueGrid:
    """A boundary's sums on one grid; NaN wherever any meter of the boundary is missing, for both sums alike."""

    start: int
    facility: Floats
    it: Floats
    estimated: npt.NDArray[np.bool_]


def read_grid(store: Store, site: str, meter: str, start: int, end: int) -> Grid:
    """A meter's windows in [start, end), both on an edge; a window that is not stored is missing."""
    frame = store.read(Series("energy", site, meter), ("amount", "quality"), start, end)
    size = (end - start) // QUARTER
    amount = np.full(size, np.nan)
    quality = np.full(size, int(Quality.MISSING), dtype=np.int8)
    at = (frame.times - start) // QUARTER
    said = np.nan_to_num(frame.values["quality"], nan=float(Quality.MISSING))
    quality[at] = said.astype(np.int8)
    amount[at] = np.where(said < Quality.MISSING, frame.values["amount"], np.nan)
    return Grid(start, amount, quality)


def boundary_grid(grids: dict[str, Grid], boundary: Boundary, start: int, size: int) -> PueGrid:
    """The grids of a boundary's meters, all on the same windows → its sums; a meter without a grid is missing."""
    nothing = Grid(start, np.full(size, np.nan), np.full(size, int(Quality.MISSING), dtype=np.int8))
    facility = sum_amounts([grids.get(meter, nothing) for meter in boundary.facility], size)
    it = sum_amounts([grids.get(meter, nothing) for meter in boundary.it], size)
    known = ~(np.isnan(facility) | np.isnan(it))
    worst = np.zeros(size, dtype=np.int8)
    for meter in boundary.meters:
        worst = np.maximum(worst, grids.get(meter, nothing).quality)
    return PueGrid(
        start, np.where(known, facility, np.nan), np.where(known, it, np.nan), known & (worst == Quality.ESTIMATED)
    )


def sum_amounts(grids: list[Grid], size: int) -> Floats:
    """Σ over meters per window, NaN where any is missing (and everywhere when there are none)."""
    if not grids:
        return np.full(size, np.nan)
    return np.asarray(np.round(np.sum([grid.amount for grid in grids], axis=0), 6))


def roots(meters: dict[tuple[str, str], Meter], site: str) -> list[Meter]:
    """A site's electricity meters without a parent: those that count for its total."""
    return [m for m in meters.values() if m.site == site and m.parent is None and m.carrier == "electricity"]
