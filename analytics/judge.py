"""Judges what has changed: reads windows, asks the detectors, and moves the alerts."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sqlalchemy import Engine, select

from analytics import cases
from analytics.detectors import off_profile, pue_over_limit, silent_meter
from analytics.lifecycle import Judged, reconcile
from energy.alert import Finding, Kind
from energy.books import parts, registry, worklist
from energy.books import tables as t
from energy.books.open import look
from energy.figures import Grid, boundary_grid, read_grid
from energy.limits import Limit, in_force
from energy.reading import Quality
from energy.registry import Meter, Site
from energy.store.port import Series, Store
from energy.window import QUARTER, parse_time, to_text

_HOUR = 4 * QUARTER
_DAY = 24 * _HOUR
_LOOKBACK = 98 * _DAY  # what a verdict may rest on before the first changed window
_FAR = 2**62
# An episode's end is known only a day of normal hours later; older ends were dealt with when they were.
_HINDSIGHT = 3 * _DAY


@dataclass(frozen=True, slots=True)
class _World:
    """The registry and the limits as they are now."""

    sites: dict[str, Site]
    meters: dict[tuple[str, str], Meter]
    limits: tuple[Limit, ...]


class Judge:
    """The only one that raises and clears alerts; each call of a method works on what is stored by then."""

    def __init__(self, books: Engine, readings: Store, accounts: Store) -> None:
        """Reads the stores, writes only the alerts in the books."""
        self._books, self._readings, self._accounts = books, readings, accounts
        self._judged_until: dict[tuple[str, str], int] = {}

    def step(self, now: int) -> int:
        """Judge every subject whose windows changed; how many alerts were raised, updated or cleared."""
        with look(self._books) as db:
            ids, due = worklist.take(db, t.due)
            if not ids:
                return 0
            world = _World(registry.sites(db), registry.meters(db), parts.limits(db))
        moved, centres = 0, dict[str, int]()
        for (site, meter), (first, _) in due.items():
            place, known = world.sites.get(site), world.meters.get((site, meter))
            if place is None or known is None:
                continue
            if place.boundary is None:
                moved += self._profile(known, place.zone, first, now)
            elif meter in place.boundary.meters:
                centres[site] = min(first, centres.get(site, first))
        for site, first in centres.items():
            moved += self._pue(world, world.sites[site], first, now)
        with self._books.begin() as db:
            worklist.done(db, t.due, ids)
        return moved

    def silence(self, watching_since: int, now: int) -> int:
        """Judge every meter's silence at `now`; how many alerts moved."""
        with look(self._books) as db:
            meters = registry.meters(db)
            heard = {(r.site, r.meter): r for r in db.execute(select(t.last_heard))}
        moved = 0
        for key, meter in meters.items():
            if meter.reports_every is None:
                continue
            row = heard.get(key)
            received = row.received_at if row else None
            found = silent_meter.find(meter, row.time if row else None, received, watching_since, now)
            # Only a sign of life ends a silence: after a restart nobody has listened long enough to say anything.
            lives = received is not None and now - received <= silent_meter.tolerance(meter.reports_every)
            # It ends just before that sign: a later silence begins with it, and is another one.
            judged = [Judged(Kind.SILENT_METER, *key, 0, received - 1)] if lives and received is not None else []
            moved += self._reconcile(Kind.SILENT_METER, *key, found, judged, now)
        return moved

    def _profile(self, meter: Meter, zone: str, first: int, now: int) -> int:
        span = self._span(Kind.OFF_PROFILE, meter.site, meter.id, [meter.id], first)
        if span is None:
            return 0
        start, end = span
        grid = read_grid(self._accounts, meter.site, meter.id, start, end)
        shape = (len(grid.amount) // 4, 4)
        amount, quality = grid.amount.reshape(shape).sum(axis=1), grid.quality.reshape(shape).max(axis=1)
        found = off_profile.find(meter, grid.starts[::4], amount, quality == Quality.MEASURED, zone)
        fresh = [self._with_readings(f, [meter], zone) for f in found if _concerns(f, first)]
        judged = [Judged(Kind.OFF_PROFILE, meter.site, meter.id, first, end)]
        return self._reconcile(Kind.OFF_PROFILE, meter.site, meter.id, fresh, judged, now)

    def _pue(self, world: _World, site: Site, first: int, now: int) -> int:
        boundary = site.boundary
        assert boundary is not None
        span = self._span(Kind.PUE_OVER_LIMIT, site.id, "", sorted(boundary.meters), first)
        if span is None:
            return 0
        start, end = span
        here = {meter.id: meter for key, meter in world.meters.items() if key[0] == site.id}
        grids = {name: read_grid(self._accounts, site.id, name, start, end) for name in here}
        grid = boundary_grid(grids, boundary, start, (end - start) // QUARTER)
        below = _below(here, grids, boundary.meters, boundary.it)
        rows = {key: in_force(world.limits, key, end) for key in ("pue.limit", "pue.clear", "coverage.floor")}
        found = pue_over_limit.find(
            site, start + QUARTER * np.arange(len(grid.it), dtype=np.int64), grid.facility, grid.it, grid.estimated,
            below, {name: (here[name].name_zh, here[name].name_en) for name in below},
            rows["pue.limit"].value, rows["pue.clear"].value, rows["coverage.floor"].value,
        )  # fmt: skip
        meters = [here[name] for name in sorted(boundary.meters) if name in here]
        fresh = [
            self._with_readings(finding, meters, site.zone, limit=_limit_item(rows["pue.limit"], site.zone))
            for finding in found
            if _concerns(finding, first)
        ]
        judged = [Judged(Kind.PUE_OVER_LIMIT, site.id, None, first, end)]
        return self._reconcile(Kind.PUE_OVER_LIMIT, site.id, None, fresh, judged, now)

    def _span(self, kind: Kind, site: str, meter: str, meters: Sequence[str], first: int) -> tuple[int, int] | None:
        """Full hours to read for a verdict from `first` on; None when no full hour is new since the last verdict."""
        edges = [self._accounts.before(Series("energy", site, name), "amount", _FAR) for name in meters]
        if any(edge is None for edge in edges):
            return None
        end = (min(edge for edge in edges if edge is not None) + QUARTER) // _HOUR * _HOUR
        key = (site, meter)
        if end <= self._judged_until.get(key, 0) <= first:
            return None
        self._judged_until[key] = end
        with look(self._books) as db:
            open_since = [a.since for a in cases.stored(db, kind, site, meter or None) if a.until is None]
        oldest = max(self._accounts.after(Series("energy", site, name), "amount", -1) or 0 for name in meters)
        start = max(min([first, *open_since]) - _LOOKBACK, oldest)
        start = -(-start // _HOUR) * _HOUR
        return (start, end) if start < end else None

    def _with_readings(self, finding: Finding, meters: Sequence[Meter], zone: str, **more: Any) -> Finding:
        """The finding with the register readings that its figures rest on."""
        window = finding.evidence.get("window")
        start, end = finding.since, finding.until or _FAR
        if window:
            start, end = parse_time(window["start"], zone), parse_time(window["end"], zone)
        shown = [self._edges(meter, zone, start, end) for meter in meters]
        return replace(finding, evidence={**finding.evidence, **more, "readings": shown})

    def _edges(self, meter: Meter, zone: str, start: int, end: int) -> dict[str, Any]:
        series, register = Series("meter", meter.site, meter.id), str(meter.register)
        first = self._readings.before(series, register, start + 1)
        last = self._readings.after(series, register, end - 1) or self._readings.before(series, register, end)
        return {"meter": meter.id, "register": register, "unit": meter.unit,
                "first": self._reading(series, register, zone, first),
                "last": self._reading(series, register, zone, last)}  # fmt: skip

    def _reading(self, series: Series, register: str, zone: str, time: int | None) -> dict[str, Any] | None:
        if time is None:
            return None
        value = self._readings.at([(series, time)])[series, time][register]
        return {"time": to_text(time, zone), "ms": time, "value": value}

    def _reconcile(
        self, kind: Kind, site: str, meter: str | None, found: list[Finding], judged: list[Judged], now: int
    ) -> int:
        with self._books.begin() as db:
            decisions = reconcile(found, cases.stored(db, kind, site, meter), now, judged)
            for decision in decisions:
                cases.carry_out(db, decision, now)
        return len(decisions)


def _concerns(finding: Finding, first: int) -> bool:
    """Whether windows from `first` on can have made or changed a finding."""
    return finding.until is None or finding.until >= first - _HINDSIGHT


def _below(
    here: dict[str, Meter], grids: dict[str, Grid], inside: frozenset[str], it: Sequence[str]
) -> dict[str, np.ndarray[Any, np.dtype[np.float64]]]:
    """The parts of a facility other than IT: children of the boundary's meters, or its own other members."""
    parts_ = {name for name, meter in here.items() if meter.parent in inside or name in inside} - set(it)
    whole = {meter.parent for meter in here.values()}
    return {name: grids[name].amount for name in sorted(parts_ - whole)}


def _limit_item(row: Limit, zone: str) -> dict[str, Any]:
    return {"value": row.value, "source": row.source, "verified": row.verified,
            "valid_from": to_text(row.valid_from, zone)}  # fmt: skip
