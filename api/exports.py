"""Exports: what the lists show, as a file to take away, whole and with bounded memory; each one is on record."""

from collections.abc import Iterator
from itertools import chain
from typing import Annotated, Any
from urllib.parse import quote

from fastapi import APIRouter, Path, Query
from sqlalchemy import Select, select

from api import audit, export_rows
from api.access import Auditor, Exporter, Grant
from api.context import Context, Here
from api.pue import PueStep
from api.readings import From, To, time_range, window_range
from api.sites import find_meter
from api.tables_out import MEDIA, Download, Form, Table, pieces
from energy.alert import Kind, State
from energy.books import parts, registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.figures import roots
from energy.registry import Meter, Site
from energy.window import Step, parse_time

router = APIRouter(tags=["exports"])
_DAY = 24 * 3600 * 1000
_ZONE = "Asia/Shanghai"
_LONGEST, _LONGEST_PUE = 12 * 366 * _DAY, 366 * _DAY
File = Annotated[Form, Path(description="The kind of file: csv, xlsx or parquet.")]
_EXAMPLES = {
    Form.CSV: "time,site,meter,e_kwh,quality\r\n2026-11-22T08:15:00+08:00,steel-1,incomer,10233.25,measured\r\n",
    Form.XLSX: "(a workbook of one table, on as many sheets as it takes)",
    Form.PARQUET: "(a table in row groups, compressed with zstd)",
}
_ANSWER: dict[str, Any] = {
    "response_class": Download,
    "status_code": 200,
    "responses": {
        200: {
            "description": "The file.",
            "content": {
                MEDIA[form].partition(";")[0]: {"schema": {"type": "string"}, "example": text}
                for form, text in _EXAMPLES.items()
            },
        }
    },
}


@router.get("/exports/readings.{form}", **_ANSWER)
def export_readings(
    form: File, context: Here, grant: Exporter, site: str | None = None, meter: str | None = None, start: From = None,
    end: To = None,
) -> Download:  # fmt: skip
    """Readings as they landed, of a meter, of a site, or of all sites that are open to you; the last day by default.

    A column for each quantity that there is; what did not come is empty.
    """
    places, meters = _places(context, grant, site, meter)
    ranges = {one.id: time_range(start, end, one.zone, context.now() + 1, _DAY) for one in places}
    since = min((first for first, _ in ranges.values()), default=0)
    columns, quantities = export_rows.reading_columns(context.readings, meters, since)
    zones = {one.id: one.zone for one in places}
    chunks = export_rows.reading_chunks(context.readings, meters, zones, ranges, quantities)
    table = Table("readings", columns, chunks, _zone(places))
    return _download(context, grant, table, form, {"site": site, "meter": meter, "from": start, "to": end})


@router.get("/exports/energy.{form}", **_ANSWER)
def export_energy(
    form: File, context: Here, grant: Exporter, site: str | None = None, meter: str | None = None, start: From = None,
    end: To = None, step: Step = Step.DAY,
    each_meter: Annotated[bool, Query(description="Every meter of the sites, in the place of the totals.")] = False,
) -> Download:  # fmt: skip
    """Energy by window, of a meter, or the total of a site or of each site; with `each_meter` of all their meters."""
    places, meters = _places(context, grant, site, meter)
    ranges = {one.id: window_range(start, end, one.zone, context.now(), _DAY) for one in places}
    _check_length(ranges.values(), _LONGEST, "twelve years")
    if meter is not None and meters[0].register is None:
        raise InputError("no_register", f"meter {meter} has no register: it has power, not energy")
    rows: list[tuple[Site, str, list[Meter]]] = []
    for one in places:
        own = {(m.site, m.id): m for m in meters if m.site == one.id}
        if meter is not None or each_meter:
            rows += [(one, m.id, [m]) for m in own.values() if m.register is not None]
        elif counted := roots(own, one.id):
            rows.append((one, "", counted))
    chunks = export_rows.energy_chunks(context.accounts, rows, ranges, step)
    table = Table("energy", export_rows.ENERGY, chunks, _zone(places))
    asked = {"site": site, "meter": meter, "from": start, "to": end, "step": step, "each_meter": each_meter or None}
    return _download(context, grant, table, form, asked)


@router.get("/exports/pue.{form}", **_ANSWER)
def export_pue(
    form: File, context: Here, grant: Exporter, site: str | None = None, start: From = None, end: To = None,
    step: PueStep = PueStep.DAY,
) -> Download:  # fmt: skip
    """PUE by window, of a data centre or of each one that is open to you; the last week by default."""
    places = [one for one in _sites(grant, site) if one.boundary is not None]
    if site is not None and not places:
        raise InputError("no_boundary", f"site {site} has no PUE boundary: it is not registered as a data centre")
    ranges = {one.id: window_range(start, end, one.zone, context.now(), 7 * _DAY) for one in places}
    _check_length(ranges.values(), _LONGEST_PUE, "a year")
    with look(context.books) as db:
        limits = parts.limits(db)
    chunks = export_rows.pue_chunks(context.accounts, places, ranges, step, limits)
    table = Table("pue", export_rows.PUE, chunks, _zone(places))
    return _download(context, grant, table, form, {"site": site, "from": start, "to": end, "step": step})


@router.get("/exports/alerts.{form}", **_ANSWER)
def export_alerts(
    form: File, context: Here, grant: Exporter, site: str | None = None, meter: str | None = None,
    state: State | None = None, kind: Kind | None = None, start: From = None, end: To = None,
) -> Download:  # fmt: skip
    """Alerts with their evidence and steps, newest first; from and to are of the time they were raised."""
    a = t.alert.c
    query = select(t.alert).where(grant.only(a.site, site))
    for column, wanted in ((a.meter, meter), (a.state, state), (a.kind, kind)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    query = _within(query, a.raised_at, start, end, grant, site)
    chunks = export_rows.book_chunks(context, query, a.id, export_rows.ALERTS, export_rows.alert_rows)
    table = Table("alerts", export_rows.ALERTS, chunks, _zone(_sites(grant, site)))
    asked = {"site": site, "meter": meter, "state": state, "kind": kind, "from": start, "to": end}
    return _download(context, grant, table, form, asked)


@router.get("/exports/quarantine.{form}", **_ANSWER)
def export_quarantine(
    form: File, context: Here, grant: Exporter, site: str | None = None, reason: str | None = None, start: From = None,
    end: To = None,
) -> Download:  # fmt: skip
    """What was refused, newest first, with its reason and where it lies in the journal."""
    q = t.quarantine.c
    query = select(t.quarantine).where(grant.only(q.site, site))
    if reason is not None:
        query = query.where(q.reason == reason)
    query = _within(query, q.at, start, end, grant, site)
    chunks = export_rows.book_chunks(context, query, q.id, export_rows.QUARANTINE, export_rows.quarantine_rows)
    table = Table("quarantine", export_rows.QUARANTINE, chunks)
    return _download(context, grant, table, form, {"site": site, "reason": reason, "from": start, "to": end})


@router.get("/exports/audit.{form}", **_ANSWER)
def export_audit(
    form: File, context: Here, grant: Auditor, actor: str | None = None, action: str | None = None,
    site: str | None = None, start: From = None, end: To = None,
) -> Download:  # fmt: skip
    """Who did what, when, from where, before and after, newest first."""
    c = t.audit.c
    query = select(t.audit)
    for column, wanted in ((c.actor, actor), (c.action, action), (c.site, site)):
        if wanted is not None:
            query = query.where(column == wanted)
    query = _within(query, c.at, start, end, grant, None)
    chunks = export_rows.book_chunks(context, query, c.id, export_rows.AUDIT, export_rows.audit_rows)
    table = Table("audit", export_rows.AUDIT, chunks)
    return _download(
        context, grant, table, form, {"actor": actor, "action": action, "site": site, "from": start, "to": end}
    )


def _sites(grant: Grant, site: str | None) -> list[Site]:
    return sorted(grant.sites.values(), key=lambda one: one.id) if site is None else [grant.site(site)]


def _places(context: Context, grant: Grant, site: str | None, meter: str | None) -> tuple[list[Site], list[Meter]]:
    """The sites that were asked for and are open, and their meters or the one that was asked for."""
    places = _sites(grant, site)
    with look(context.books) as db:
        meters = registry.meters(db, site)
    if meter is None:
        return places, [one for one in meters.values() if one.site in grant.sites]
    if site is None:
        raise InputError("bad_request", "meter: a meter's name is its site's own, so name the site too")
    return places, [find_meter(meters, site, meter)]


def _check_length(ranges: Any, longest: int, words: str) -> None:
    if any(upto - first > longest for first, upto in ranges):
        raise InputError("bad_range", f"at most {words} at once")


def _within(
    query: Select[Any], column: Any, start: str | None, end: str | None, grant: Grant, site: str | None
) -> Select[Any]:
    zone = grant.site(site).zone if site is not None else _ZONE
    if start is not None:
        query = query.where(column >= parse_time(start, zone))
    return query if end is None else query.where(column < parse_time(end, zone))


def _zone(places: list[Site]) -> str:
    """The zone that all share, else UTC."""
    zones = {one.zone for one in places}
    return zones.pop() if len(zones) == 1 else "UTC"


def _download(context: Context, grant: Grant, table: Table, form: Form, asked: dict[str, Any]) -> Download:
    """The answer; what is wrong with the first chunk is a problem still, and only what begins is on record."""
    given = {name: str(value) for name, value in asked.items() if value is not None}
    made = pieces(table, form)
    begun = next(made)
    with context.books.begin() as db:
        target = f"exports/{table.name}.{form}"
        audit.record(db, grant, context.now(), f"export.{table.name}", target, site=given.get("site", ""), after=given)
    name = "-".join(
        ["carbonwatch", table.name, *(given[key] for key in ("site", "meter", "from", "to") if key in given)]
    )
    return Download(_from(begun, made), form, {"Content-Disposition": _attachment(name, form)})


def _from(begun: bytes, made: Iterator[bytes]) -> Iterator[bytes]:
    yield from chain([begun], made)


def _attachment(name: str, form: Form) -> str:
    """The header that names the file, in ASCII and, where that is not enough, in UTF-8 too."""
    plain = "".join(c if c.isascii() and (c.isalnum() or c in "-_.") else "_" for c in name)
    exact = "".join(c if c.isalnum() or c in "-_." else "_" for c in name)
    extra = "" if exact == plain else f"; filename*=UTF-8''{quote(exact)}.{form}"
    return f'attachment; filename="{plain}.{form}"{extra}'
