"""Sites and their meters: the registry."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Response
from sqlalchemy import func, select

from api import audit
from api.access import Grant, Reader, Registrar
from api.context import Here
from api.etag import IfMatch
from api.paging import Cursor, Limit, slice_from
from api.point import shown
from api.problems import NotFoundError
from api.schemas import MeterBody, Page, SiteBody
from energy.books import registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.registry import DEFAULT, Boundary, Meter, Site, check_meter, check_name
from energy.window import to_text

router = APIRouter(tags=["registry"])
_LIVE_MS = 24 * 3600 * 1000


@router.get("/sites", response_model=Page)
def list_sites(grant: Reader, unit: str | None = None, limit: Limit = 1000, cursor: Cursor = None) -> dict[str, Any]:
    """The sites that are open to you."""
    if unit is not None:
        check_name("unit", unit)
    page, after = slice_from([s for s in grant.sites.values() if unit in (None, s.unit)], limit, cursor)
    return {"items": [site_item(site) for site in page], "next": after}


@router.get("/sites/{site}")
def get_site(site: str, grant: Reader) -> dict[str, Any]:
    """One site; send its ETag as If-Match to change it only while it is as you saw it."""
    return site_item(grant.site(site))


@router.put("/sites/{site}", status_code=200)
def put_site(
    site: str, body: SiteBody, context: Here, grant: Registrar, if_match: IfMatch, response: Response
) -> dict[str, Any]:
    """Register a site, or change it: 201 when it is new. Without a unit it stays in its own, or in the default one."""
    check_name("site", site)
    try:
        ZoneInfo(body.zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise InputError("bad_zone", f"{body.zone!r} is not an IANA time zone such as Asia/Shanghai") from error
    boundary = None
    if body.boundary is not None:
        boundary = Boundary(tuple(body.boundary.facility), tuple(body.boundary.it), body.boundary.category)
        for meter in boundary.meters:
            check_name("boundary meter", meter)
    with context.books.begin() as db:
        registry.hold(db)
        before = registry.sites(db).get(site)
        unit = _unit(grant, before, body.unit)
        if_match.check(site_item(before) if before else None)
        new = Site(site, body.name_zh or site, body.name_en or site, body.kind, body.zone, boundary, unit)
        is_new = registry.put_site(db, new, grant.actor, context.now())
        audit.record(
            db, grant, context.now(), "site.put", f"site/{site}", site=site,
            before=site_item(before) if before else None, after=site_item(new),
        )  # fmt: skip
    response.status_code = 201 if is_new else 200
    return site_item(new)


@router.get("/meters", response_model=Page)
def list_meters(
    context: Here, grant: Reader, site: str | None = None, limit: Limit = 1000, cursor: Cursor = None
) -> dict[str, Any]:
    """Meters with their newest values of the last day, and how many touched ranges wait to become windows."""
    sites = grant.sites if site is None else {site: grant.site(site)}
    with look(context.books) as db:
        meters = [meter for meter in registry.meters(db, site).values() if meter.site in sites]
        heard = {(r.site, r.meter): r for r in db.execute(select(t.last_heard))}
        query = select(t.touched.c.site, t.touched.c.meter, func.count()).group_by(t.touched.c.site, t.touched.c.meter)
        pending = Counter({(s, m): n for s, m, n in db.execute(query)})
    latest = {(p.series.site, p.series.meter): p for p in context.readings.latest("meter", context.now() - _LIVE_MS)}
    page, after = slice_from(meters, limit, cursor)
    items = []
    for meter in page:
        key, zone = (meter.site, meter.id), sites[meter.site].zone
        row, point = heard.get(key), latest.get(key)
        item = meter_item(meter)
        item["pending"] = pending[key]
        item["last_reading"] = to_text(row.time, zone) if row else None
        item["latest"] = {"time": to_text(point.time, zone), **shown(point.fields)} if point else None
        items.append(item)
    return {"items": items, "next": after}


@router.get("/sites/{site}/meters/{meter}")
def get_meter(site: str, meter: str, context: Here, grant: Reader) -> dict[str, Any]:
    """One meter as it is registered; its newest values are in /meters and /readings."""
    grant.site(site)
    with look(context.books) as db:
        return meter_item(find_meter(registry.meters(db, site), site, meter))


@router.put("/sites/{site}/meters/{meter}")
def put_meter(
    site: str, meter: str, body: MeterBody, context: Here, grant: Registrar, if_match: IfMatch, response: Response
) -> dict[str, Any]:
    """Register a meter, or change it: 201 when it is new; values held for it then land."""
    new = check_meter(
        Meter(
            site, meter, body.name_zh or meter, body.name_en or meter, body.register_, body.digits, body.decimals,
            body.multiplier, body.parent, body.reports_every, body.source,
        )
    )  # fmt: skip
    grant.site(site)
    with context.books.begin() as db:
        registry.hold(db)
        meters = registry.meters(db, site)
        before = meters.get((site, meter))
        if_match.check(meter_item(before) if before else None)
        _check_parents({**meters, (site, meter): new}, new)
        is_new = registry.put_meter(db, new, grant.actor, context.now())
        audit.record(
            db, grant, context.now(), "meter.put", f"meter/{site}/{meter}", site=site,
            before=meter_item(before) if before else None, after=meter_item(new),
        )  # fmt: skip
    response.status_code = 201 if is_new else 200
    return meter_item(new)


def _unit(grant: Grant, before: Site | None, asked: str | None) -> str:
    """The unit that a site is to be of; whoever moves or makes a site must be allowed in both units.

    A closed site answers like a new one as far as that can be: only where a new one would be made is it a 404.
    """
    mine = before if before is not None and before.id in grant.sites else None
    own = DEFAULT if mine is None else mine.unit
    unit = own if asked is None else check_name("unit", asked)
    if (mine is None or unit != own) and not grant.covers_unit(unit):
        raise NotFoundError(f"no unit {unit!r} is open to you: see /api/v1/units, and name one in `unit`")
    if before is not None:
        grant.site(before.id)
    if before is not None and unit != own and not grant.covers_unit(own):
        raise NotFoundError(f"the site {before.id!r} cannot be taken from its unit by you")
    return unit


def find_meter(meters: dict[tuple[str, str], Meter], site: str, meter: str) -> Meter:
    """The meter, or a 404 that says where to look; 422 for a name that cannot be."""
    if (site, check_name("meter", meter)) not in meters:
        raise NotFoundError(f"no meter {meter!r} at site {site!r}: see /api/v1/meters?site={site}")
    return meters[site, meter]


def site_item(site: Site) -> dict[str, Any]:
    """A site as the API shows it."""
    return {"id": site.id, "name_zh": site.name_zh, "name_en": site.name_en, "unit": site.unit, "kind": site.kind,
            "zone": site.zone, "boundary": registry.boundary_json(site.boundary)}  # fmt: skip


def meter_item(meter: Meter) -> dict[str, Any]:
    """A meter as the API shows it."""
    return {
        "site": meter.site, "id": meter.id, "name_zh": meter.name_zh, "name_en": meter.name_en,
        "register": meter.register, "unit": meter.unit, "carrier": meter.carrier, "digits": meter.digits,
        "decimals": meter.decimals, "multiplier": str(meter.multiplier), "parent": meter.parent,
        "reports_every": meter.reports_every, "source": meter.source,
    }  # fmt: skip


def _check_parents(meters: dict[tuple[str, str], Meter], new: Meter) -> None:
    seen, at = {new.id}, new.parent
    while at is not None:
        if at in seen:
            raise InputError("own_parent", f"meter {new.id} would be its own ancestor by way of {at}")
        if (new.site, at) not in meters:
            raise InputError("no_parent", f"parent {at!r} is not a meter of site {new.site}: register it first")
        seen.add(at)
        at = meters[new.site, at].parent
