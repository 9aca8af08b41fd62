"""Turns touched ranges of readings into 15-minute energy, site totals and PUE sums."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from sqlalchemy import Engine, insert

from energy.books import registry, worklist
from energy.books import tables as t
from energy.books.open import look
from energy.figures import Grid, boundary_grid, read_grid, roots
from energy.reading import Quality
from energy.register import Intervals, to_counts, to_intervals
from energy.registry import Meter, Site
from energy.store.port import Point, Series, Store
from energy.window import QUARTER, ceil_quarter, floor_quarter

_CHUNK = 32 * 24 * 4 * QUARTER  # ms of windows worked on at once; bounds memory
_FAR = 2**62


@dataclass(frozen=True, slots=True)
class Span:
    """Windows from `start` to `end` (ms UTC, both edges) of a meter, or of a site where meter is ""."""

    site: str
    meter: str
    start: int
    end: int


class Accounts:
    """The only writer of the measurements `energy`, `site` and `pue`."""

    def __init__(self, books: Engine, readings: Store, accounts: Store) -> None:
        """Reads `readings`, writes `accounts`; they may be one store."""
        self._books, self._readings, self._accounts = books, readings, accounts

    def step(self) -> int:
        """Recompute what was touched so far; how many meters. Repeating a step that failed changes nothing."""
        with look(self._books) as db:
            ids, touched = worklist.take(db, t.touched)
            if not ids:
                return 0
            meters, sites = registry.meters(db), registry.sites(db)
        spans = []
        for key, (first, last) in touched.items():
            known = meters.get(key)
            if known is not None:
                spans += self._account_meter(known, first, last)
        for span in _by_site(spans):
            self._account_site(sites[span.site], meters, span)
        with self._books.begin() as db:
            worklist.done(db, t.touched, ids)
            if spans:
                db.execute(insert(t.due), [{"site": s.site, "meter": s.meter, "first": s.start} for s in spans])
        return len(touched)

    def _account_meter(self, meter: Meter, first: int, last: int) -> list[Span]:
        """Rewrite the windows from the previous to the next kept reading around [first, last], if it has any."""
        start, end = self._reach(meter, first, last)
        for low, high in _chunks(start, end):
            self._accounts.write(_energy_points(meter, self._windows(meter, low, high), low, high))
        spans = [Span(meter.site, meter.id, start, end)] if start < end else []
        return spans + (self._forget(meter, start, end) if last >= _FAR else [])

    def _reach(self, meter: Meter, first: int, last: int) -> tuple[int, int]:
        """The windows that readings in [first, last] can change, (0, 0) for none."""
        series, register = Series("meter", meter.site, meter.id), meter.register
        oldest = None if register is None else self._readings.after(series, register, -1)
        newest = None if register is None else self._readings.before(series, register, _FAR)
        if register is None or oldest is None or newest is None:
            return 0, 0
        first, last = max(first, oldest), min(last, newest)
        before = self._readings.before(series, register, first)
        after = self._readings.after(series, register, last)
        start = floor_quarter(first if before is None else before)
        return start, max(ceil_quarter(last if after is None else after), start + QUARTER)

    def _forget(self, meter: Meter, start: int, end: int) -> list[Span]:
        """Say missing of stored windows outside [start, end): they are of a register that is another now."""
        series = Series("energy", meter.site, meter.id)
        oldest = self._accounts.after(series, "amount", -1)
        newest = self._accounts.before(series, "amount", _FAR)
        if oldest is None or newest is None:
            return []
        times = self._accounts.read(series, ("amount",), oldest, newest + 1).times.tolist()
        left = [time for time in times if not start <= time < end]
        gone = {"quality": float(Quality.MISSING), "part": 0.0}
        self._accounts.write([Point(series, time, gone) for time in left])
        return [Span(meter.site, meter.id, left[0], left[-1] + QUARTER)] if left else []

    def _windows(self, meter: Meter, start: int, end: int) -> Intervals:
        """The windows of [start, end) and at most a few around, from the readings that bracket them."""
        series, register = Series("meter", meter.site, meter.id), str(meter.register)
        low = self._readings.before(series, register, start + 1)
        high = self._readings.after(series, register, end - 1)
        frame = self._readings.read(
            series, (register, "quality"), start if low is None else low, (end if high is None else high) + 1
        )
        kept = ~np.isnan(frame.values[register])
        return to_intervals(
            frame.times[kept],
            to_counts(frame.values[register][kept], meter.resolution),
            meter.modulus,
            frame.values["quality"][kept] == float(Quality.ESTIMATED),
        )

    def _account_site(self, site: Site, meters: dict[tuple[str, str], Meter], span: Span) -> None:
        """Rewrite a site's totals, and its PUE sums where it has a boundary, over the windows of `span`."""
        counted = roots(meters, site.id)
        needed = {meter.id for meter in counted} | (site.boundary.meters if site.boundary else frozenset())
        for low, high in _chunks(span.start, span.end):
            grids = {meter: read_grid(self._accounts, site.id, meter, low, high) for meter in sorted(needed)}
            points = _site_points(site, [grids[meter.id] for meter in counted])
            self._accounts.write(points + _pue_points(site, grids, low, (high - low) // QUARTER))


def _by_site(spans: list[Span]) -> list[Span]:
    out: dict[str, Span] = {}
    for span in spans:
        have = out.get(span.site, span)
        out[span.site] = Span(span.site, "", min(have.start, span.start), max(have.end, span.end))
    return list(out.values())


def _chunks(start: int, end: int) -> Iterator[tuple[int, int]]:
    for low in range(start, end, _CHUNK):
        yield low, min(low + _CHUNK, end)


def _energy_points(meter: Meter, windows: Intervals, start: int, end: int) -> list[Point]:
    series = Series("energy", meter.site, meter.id)
    numerator, denominator = meter.resolution.as_integer_ratio()
    # Correctly rounded as long as counts x numerator is below 2**53, so the float's shortest text is the exact amount;
    # in floats, for integers would wrap beyond 2**63.
    amounts = windows.counts.astype(np.float64) * float(numerator) / float(denominator)
    parts = windows.part.astype(np.float64) * float(numerator) / float(denominator)
    points = []
    for time, amount, part, quality in zip(
        windows.start.tolist(), amounts.tolist(), parts.tolist(), windows.quality.tolist(), strict=True
    ):
        if start <= time < end:
            fields = {"quality": float(quality), "part": part}
            if quality < Quality.MISSING:
                fields["amount"] = amount
            points.append(Point(series, time, fields))
    return points


def _site_points(site: Site, grids: list[Grid]) -> list[Point]:
    if not grids:
        return []
    amounts = np.array([grid.amount for grid in grids])
    known = (~np.isnan(amounts)).sum(axis=0)
    total = np.round(np.nansum(amounts, axis=0), 6)
    worst = np.max([grid.quality for grid in grids], axis=0)
    series, expected = Series("site", site.id), float(len(grids))
    rows = zip(grids[0].starts.tolist(), total.tolist(), known.tolist(), worst.tolist(), strict=True)
    return [
        Point(
            series,
            time,
            {"meters": float(n), "expected": expected, "quality": float(quality)} | ({"kwh": kwh} if n else {}),
        )
        for time, kwh, n, quality in rows
    ]


def _pue_points(site: Site, grids: dict[str, Grid], start: int, size: int) -> list[Point]:
    if site.boundary is None:
        return []
    grid = boundary_grid(grids, site.boundary, start, size)
    series, points = Series("pue", site.id), []
    starts = start + QUARTER * np.arange(size)
    rows = zip(starts.tolist(), grid.facility.tolist(), grid.it.tolist(), grid.estimated.tolist(), strict=True)
    for time, facility, it, estimated in rows:
        if np.isnan(facility):
            points.append(Point(series, time, {"quality": float(Quality.MISSING)}))
        else:
            quality = Quality.ESTIMATED if estimated else Quality.MEASURED
            points.append(Point(series, time, {"facility_kwh": facility, "it_kwh": it, "quality": float(quality)}))
    return points
