"""Energy of a meter or a site by window, measured, estimated and missing kept apart."""

from decimal import Decimal
from typing import Any

import numpy as np
from fastapi import APIRouter

from api.access import Reader
from api.context import Here
from api.paging import Cursor, Limit, slice_from
from api.readings import From, To, window_range
from api.schemas import EnergyPage
from api.sites import find_meter
from energy.books import registry
from energy.books.open import look
from energy.errors import InputError
from energy.figures import Grid, read_grid, roots
from energy.reading import Quality
from energy.register import to_amount, to_counts
from energy.registry import Meter
from energy.window import QUARTER, Step, to_text, windows

router = APIRouter(tags=["energy"])
_DAY = 24 * 3600 * 1000
_LONGEST = 12 * 366 * _DAY


@router.get("/energy", response_model=EnergyPage)
def energy(
    context: Here, grant: Reader, site: str, meter: str | None = None, start: From = None, end: To = None,
    step: Step = Step.DAY, limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Energy in [from, to) from register differences; a site's is that of its electricity meters without a parent."""
    place = grant.site(site)
    with look(context.books) as db:
        meters = registry.meters(db, site)
    counted = [find_meter(meters, site, meter)] if meter else roots(meters, site)
    if any(one.register is None for one in counted):
        raise InputError("no_register", f"meter {meter} has no register: it has power, not energy")
    first, upto = window_range(start, end, place.zone, context.now(), _DAY)
    if upto - first > _LONGEST:
        raise InputError("bad_range", "at most twelve years at once")
    grids = [(one, read_grid(context.accounts, site, one.id, first, upto)) for one in counted]
    page, after = slice_from(windows(first, upto, step, place.zone), limit, cursor)
    items = []
    for low, high in page:
        span = slice((low - first) // QUARTER, (high - first) // QUARTER)
        items.append({"start": to_text(low, place.zone), "end": to_text(high, place.zone), **total(grids, span)})
    return {
        "site": site, "meter": meter, "unit": counted[0].unit if counted else "kWh", "from": to_text(first, place.zone),
        "to": to_text(upto, place.zone), "step": step, "total": total(grids, slice(None)), "items": items,
        "next": after,
    }  # fmt: skip


def total(grids: list[tuple[Meter, Grid]], span: slice) -> dict[str, Any]:
    """Exact: each meter's windows are whole register counts, and the sum over meters is decimal."""
    amount, by_quality = Decimal(0), np.zeros(len(Quality), dtype=np.int64)
    for meter, grid in grids:
        values = grid.amount[span]
        counts = to_counts(values[~np.isnan(values)], meter.resolution)
        amount += to_amount(int(counts.sum()), meter.resolution)
        by_quality += np.bincount(grid.quality[span], minlength=len(Quality))
    measured, estimated, missing = by_quality.tolist()
    electric = all(meter.carrier == "electricity" for meter, _ in grids)
    known = float(amount) if measured + estimated else None  # missing is not zero
    return {
        "kwh": known if electric else None, "amount": known, "intervals": measured + estimated,
        "missing": missing, "measured": measured, "estimated": estimated,
    }  # fmt: skip
