"""The rows that exports are made of, read from the stores a bounded chunk at a time."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from sqlalchemy import Connection, Select

from api.alerts import alert_items
from api.context import Context
from api.energy import total
from api.paging import newest_first
from api.pue import PueStep, window_item, windows_of
from api.tables_out import Chunk, Column, Of
from energy.books.open import look
from energy.figures import boundary_grid, read_grid
from energy.limits import Limit, in_force
from energy.quantity import QUANTITIES
from energy.reading import Quality
from energy.registry import Meter, Site
from energy.store.port import Frame, Series, Store
from energy.window import QUARTER, Step, to_text, windows

Range = tuple[int, int]
_HOUR = 4 * QUARTER
_DAY = 24 * _HOUR
_LONGEST_READ = 8 * _DAY
_FEW, _MANY, _ENOUGH = 5_000, 30_000, 20_000  # rows of one read of the store, and of a chunk
_PAGE = 1000
_QUALITIES = [quality.name.lower() for quality in Quality]

PLACE = (Column("site", Of.TEXT), Column("meter", Of.TEXT))
SPAN = (Column("start", Of.TIME), Column("end", Of.TIME))
ENERGY = (
    *SPAN, *PLACE, Column("unit", Of.TEXT), Column("kwh", Of.NUMBER), Column("amount", Of.NUMBER),
    *(Column(name, Of.INTEGER) for name in ("intervals", "missing", "measured", "estimated")),
)  # fmt: skip
PUE = (
    *SPAN, Column("site", Of.TEXT), Column("category", Of.TEXT),
    *(Column(name, Of.NUMBER) for name in ("pue", "limit", "facility_kwh", "it_kwh", "coverage", "estimated_share")),
    Column("interim", Of.FLAG), Column("verdict", Of.TEXT), Column("reason", Of.TEXT),
)  # fmt: skip
ALERTS = (
    Column("id", Of.INTEGER), Column("kind", Of.TEXT), *PLACE, Column("state", Of.TEXT),
    *(Column(name, Of.TIME) for name in ("since", "confirmed", "raised_at", "updated_at", "until")),
    Column("late", Of.FLAG), *(Column(name, Of.NUMBER) for name in ("value", "limit", "excess")),
    *(Column(name, Of.TEXT) for name in ("unit", "what_zh", "what_en", "steps", "evidence")),
)  # fmt: skip
QUARANTINE = (
    Column("id", Of.INTEGER), Column("at", Of.TIME),
    *(Column(name, Of.TEXT) for name in ("site", "gateway", "reason", "detail", "topic", "excerpt")),
    Column("size", Of.INTEGER), Column("values", Of.INTEGER), Column("worker", Of.TEXT), Column("day", Of.TEXT),
    Column("row", Of.INTEGER), Column("item", Of.INTEGER),
)  # fmt: skip
AUDIT = (
    Column("id", Of.INTEGER),
    Column("at", Of.TIME),
    *(Column(name, Of.TEXT) for name in ("actor", "role", "address", "action", "target", "site", "before", "after")),
)


def reading_columns(store: Store, meters: Iterable[Meter], since: int) -> tuple[list[Column], list[str]]:
    """The columns of readings, and the quantities among them: those that any of the meters has from `since` on."""
    asked = {(meter.site, meter.id) for meter in meters}
    there: set[str] = set()
    for point in store.latest("meter", since):
        if (point.series.site, point.series.meter) in asked:
            there |= point.fields.keys()
    quantities = [key for key in QUANTITIES if key in there]
    numbers = (Column(key, Of.NUMBER) for key in quantities)
    return [Column("time", Of.TIME), *PLACE, *numbers, Column("quality", Of.TEXT)], quantities


def reading_chunks(
    store: Store, meters: Iterable[Meter], zones: Mapping[str, str], ranges: Mapping[str, Range],
    quantities: Sequence[str],
) -> Iterator[Chunk]:  # fmt: skip
    """Readings meter by meter, oldest first; `zones` and `ranges` by site."""
    frames: list[tuple[Meter, Frame]] = []
    for meter in meters:
        series = Series("meter", meter.site, meter.id)
        for frame in _frames(store, series, (*quantities, "quality"), *ranges[meter.site]):
            frames.append((meter, frame))
            if sum(len(one) for _, one in frames) >= _ENOUGH:
                yield _readings(frames, zones, quantities)
                frames = []
    if frames:
        yield _readings(frames, zones, quantities)


def _frames(store: Store, series: Series, fields: Sequence[str], first: int, upto: int) -> Iterator[Frame]:
    """What a series has in [first, upto), in reads that adapt to how often it reports."""
    at: int | None = first
    length = _DAY // 4
    while at is not None and at < upto:
        end = min(at + length, upto)
        frame = store.read(series, fields, at, end)
        if len(frame):
            yield frame
            at = end
        else:
            at = store.after(series, "quality", end - 1)  # a long silence is stepped over at once
        if len(frame) < _FEW:
            length = min(2 * length, _LONGEST_READ)
        elif len(frame) > _MANY:
            length = max(length // 2, QUARTER)


def _readings(frames: list[tuple[Meter, Frame]], zones: Mapping[str, str], quantities: Sequence[str]) -> Chunk:
    columns: dict[str, Sequence[Any]] = {
        "time": [to_text(time, zones[meter.site]) for meter, frame in frames for time in frame.times.tolist()],
        "site": [meter.site for meter, frame in frames for _ in range(len(frame))],
        "meter": [meter.id for meter, frame in frames for _ in range(len(frame))],
    }
    for key in quantities:
        columns[key] = np.concatenate([frame.values[key] for _, frame in frames])  # type: ignore[assignment]
    quality = np.nan_to_num(np.concatenate([frame.values["quality"] for _, frame in frames])).astype(int)
    columns["quality"] = [_QUALITIES[one] for one in quality.tolist()]
    return columns


def energy_chunks(
    store: Store, rows: Iterable[tuple[Site, str, list[Meter]]], ranges: Mapping[str, Range], step: Step
) -> Iterator[Chunk]:
    """Energy by window; `rows`: a site, the meter that is shown ("" for the site's total), the meters to sum up."""
    for site, shown, counted in rows:
        # By years, which all windows fit into, so that twelve of them at 15 minutes are not in memory at once.
        for low, high in windows(*ranges[site.id], Step.YEAR, site.zone):
            grids = [(one, read_grid(store, site.id, one.id, low, high)) for one in counted]
            items = []
            for start, end in windows(low, high, step, site.zone):
                sums = total(grids, slice((start - low) // QUARTER, (end - low) // QUARTER))
                items.append({
                    "start": to_text(start, site.zone), "end": to_text(end, site.zone), "site": site.id,
                    "meter": shown, "unit": counted[0].unit, **sums,
                })  # fmt: skip
            yield _turned(ENERGY, items)


def pue_chunks(
    store: Store, sites: Iterable[Site], ranges: Mapping[str, Range], step: PueStep, limits: tuple[Limit, ...]
) -> Iterator[Chunk]:
    """PUE by window of each site, all of which have a boundary."""
    for site in sites:
        boundary = site.boundary
        assert boundary is not None
        first, upto = ranges[site.id]
        spans, low, high = windows_of(first, upto, step, site.zone)
        grids = {meter: read_grid(store, site.id, meter, low, high) for meter in boundary.meters}
        grid = boundary_grid(grids, boundary, low, (high - low) // QUARTER)
        limit, floor = in_force(limits, "pue.limit", upto).value, in_force(limits, "coverage.floor", upto).value
        same = {"site": site.id, "category": boundary.category, "limit": limit}
        items = [{**same, **window_item(grid, span, site.zone, limit, floor)} for span in spans]
        yield _turned(PUE, items)


def book_chunks(
    context: Context, query: Select[Any], ident: Any, columns: Sequence[Column],
    items: Callable[[Connection, Sequence[Any]], list[dict[str, Any]]],
) -> Iterator[Chunk]:  # fmt: skip
    """Rows of the books, newest first, in pages that each are a transaction of their own."""
    cursor: int | None = None
    while True:
        with look(context.books) as db:
            rows, after = newest_first(db, query, ident, _PAGE, cursor)
            made = items(db, rows)
        yield _turned(columns, made)
        if after is None:
            return
        cursor = int(after)


def alert_rows(db: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Alerts as rows: the evidence and the steps are JSON."""
    return [
        {**item, "what_zh": item["what"]["zh"], "what_en": item["what"]["en"], "steps": _json(item["steps"]),
         "evidence": _json(item["evidence"])}
        for item in alert_items(db, rows)
    ]  # fmt: skip


def quarantine_rows(_: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """What was refused."""
    return [{**row, "at": to_text(row["at"]), "values": row["count"]} for row in rows]


def audit_rows(_: Connection, rows: Sequence[Any]) -> list[dict[str, Any]]:
    """Entries of the audit record: before and after are JSON."""
    return [
        {**row, "at": to_text(row["at"]), "before": _json(row["before"]), "after": _json(row["after"])} for row in rows
    ]


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False)


def _turned(columns: Sequence[Column], items: Sequence[Mapping[str, Any]]) -> Chunk:
    """Rows → columns."""
    return {column.name: [item[column.name] for item in items] for column in columns}
