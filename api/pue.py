"""PUE of a data centre by window: Σ facility ÷ Σ IT on identical windows, with coverage."""

from enum import StrEnum
from typing import Any

import numpy as np
from fastapi import APIRouter

from api.access import Reader
from api.context import Here
from api.paging import Cursor, Limit, slice_from
from api.readings import From, To, window_range
from api.schemas import Page
from energy.books import parts
from energy.books.open import look
from energy.errors import InputError
from energy.figures import PueGrid, boundary_grid, read_grid
from energy.limits import in_force
from energy.pue import ratio
from energy.window import QUARTER, Step, floor_quarter, to_text, windows

router = APIRouter(tags=["PUE"])
_HOUR = 4 * QUARTER
_DAY = 24 * _HOUR
_LONGEST = 366 * _DAY


class PueStep(StrEnum):
    """How long a PUE window is; rolling: 24 hours, ending at each full hour."""

    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    ROLLING = "rolling"


@router.get("/pue", response_model=Page)
def pue(
    context: Here, grant: Reader, site: str, start: From = None, end: To = None, step: PueStep = PueStep.DAY,
    limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """PUE in [from, to); every value of less than twelve months is interim."""
    place = grant.site(site)
    with look(context.books) as db:
        rows = parts.limits(db)
    if place.boundary is None:
        raise InputError("no_boundary", f"site {site} has no PUE boundary: it is not registered as a data centre")
    first, upto = window_range(start, end, place.zone, context.now(), 7 * _DAY)
    if upto - first > _LONGEST:
        raise InputError("bad_range", "at most a year at once")
    spans, low, high = windows_of(first, upto, step, place.zone)
    grids = {meter: read_grid(context.accounts, site, meter, low, high) for meter in place.boundary.meters}
    grid = boundary_grid(grids, place.boundary, low, (high - low) // QUARTER)
    limit_row, floor_row = in_force(rows, "pue.limit", upto), in_force(rows, "coverage.floor", upto)
    page, after = slice_from(spans, limit, cursor)
    return {
        "site": site, "category": place.boundary.category, "from": to_text(first, place.zone),
        "to": to_text(upto, place.zone),
        "limit": {"value": limit_row.value, "source": limit_row.source, "verified": limit_row.verified,
                  "valid_from": to_text(limit_row.valid_from, place.zone)},
        "items": [window_item(grid, span, place.zone, limit_row.value, floor_row.value) for span in page],
        "next": after,
    }  # fmt: skip


def windows_of(first: int, upto: int, step: PueStep, zone: str) -> tuple[list[tuple[int, int]], int, int]:
    """The windows of a step, and the range of 15-minute windows that they need."""
    if step is PueStep.ROLLING:
        ends = range(-(-first // _HOUR) * _HOUR, upto + 1, _HOUR)
        return [(end - _DAY, end) for end in ends], floor_quarter(first) - _DAY - _HOUR, upto + _HOUR
    return windows(first, upto, Step(step.value), zone), first, upto


def window_item(grid: PueGrid, span: tuple[int, int], zone: str, limit: float, floor: float) -> dict[str, Any]:
    """One window of the grid as the API shows it."""
    part = slice((span[0] - grid.start) // QUARTER, (span[1] - grid.start) // QUARTER)
    facility, it = grid.facility[part], grid.it[part]
    known = ~np.isnan(facility)
    found = ratio(
        float(np.round(np.nansum(facility), 6)), float(np.round(np.nansum(it), 6)), int(known.sum()),
        int(grid.estimated[part].sum()), len(facility), limit, floor,
    )  # fmt: skip
    return {
        "start": to_text(span[0], zone), "end": to_text(span[1], zone),
        "pue": None if found.value is None else round(found.value, 4), "facility_kwh": found.facility_kwh,
        "it_kwh": found.it_kwh, "coverage": round(found.coverage, 4),
        "estimated_share": round(found.estimated_share, 4), "interim": True, "verdict": found.verdict,
        "reason": found.reason,
    }  # fmt: skip
