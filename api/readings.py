"""Raw readings of a meter, as they landed."""

from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Query

from api.access import Reader
from api.context import Here
from api.paging import Cursor, Limit
from api.schemas import Page
from api.sites import find_meter
from energy.books import registry
from energy.books.open import look
from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.reading import Quality
from energy.store.port import Series
from energy.window import ceil_quarter, floor_quarter, parse_time, to_text

router = APIRouter(tags=["readings"])
_DAY = 24 * 3600 * 1000
_AT_ONCE = _DAY  # ms looked at in one read of the store; bounds memory at one reading a second

From = Annotated[str | None, Query(alias="from", description="Date or time; site time without an offset.")]
To = Annotated[str | None, Query(alias="to", description="Date or time, exclusive.")]


def time_range(start: str | None, end: str | None, zone: str, now: int, default: int) -> tuple[int, int]:
    """from and to → [start, end) in ms UTC; without them the last `default` ms until `now`."""
    upto = parse_time(end, zone) if end else now
    first = parse_time(start, zone) if start else upto - default
    if first >= upto:
        raise InputError("bad_range", "`from` must be before `to`")
    return first, upto


def window_range(start: str | None, end: str | None, zone: str, now: int, default: int) -> tuple[int, int]:
    """Like `time_range`, widened to window edges; a window that is not over yet is not missing, so it ends before."""
    first, upto = time_range(start, end, zone, now, default)
    first = floor_quarter(first)
    return first, max(first, min(ceil_quarter(upto), floor_quarter(now)))


@router.get("/readings", response_model=Page)
def list_readings(
    context: Here, grant: Reader, site: str, meter: str, start: From = None, end: To = None, limit: Limit = 1000,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """A meter's readings in [from, to), oldest first; the last day without them."""
    zone = grant.site(site).zone
    with look(context.books) as db:
        find_meter(registry.meters(db, site), site, meter)
    first, upto = time_range(start, end, zone, context.now() + 1, _DAY)
    series, fields = Series("meter", site, meter), (*QUANTITIES, "quality")
    items: list[dict[str, Any]] = []
    at: int | None = max(first, cursor or first)
    while at is not None and at < upto and len(items) <= limit:
        frame = context.readings.read(series, fields, at, min(at + _AT_ONCE, upto))
        for row, time in enumerate(frame.times.tolist()):
            values = {name: float(column[row]) for name, column in frame.values.items() if not np.isnan(column[row])}
            quality = Quality(int(values.pop("quality", 0))).name.lower()
            items.append({"time": to_text(time, zone), "ms": time, "values": values, "quality": quality})
        at = min(at + _AT_ONCE, upto)
        if not len(frame):  # a long silence is stepped over at once
            at = context.readings.after(series, "quality", at - 1)
    after = str(items[limit]["ms"]) if len(items) > limit else None
    return {"items": items[:limit], "next": after}
