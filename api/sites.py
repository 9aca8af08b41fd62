"""Sites and their meters: the registry."""

from collections import Counter
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from fastapi import APIRouter, Response
from sqlalchemy import func, select

from api.access import Actor
from api.context import Here
from api.paging import Cursor, Limit, slice_from
from api.problems import NotFoundError
from api.schemas import MeterBody, Page, SiteBody
from energy.books import registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.registry import Boundary, Meter, Site, check_meter, check_name
from energy.window import to_text

router = APIRouter(tags=["registry"])
_LIVE_MS = 24 * 3600 * 1000


@router.get("/sites", response_model=Page)
def list_sites(context: Here, _: Actor, limit: Limit = 1000, cursor: Cursor = None) -> dict[str, Any]:
    """Every site."""
    with look(context.books) as db:
        sites = list(registry.sites(db).values())
    page, after = slice_from(sites, limit, cursor)
    return {"items": [site_item(site) for site in page], "next": after}


@router.put("/sites/{site}", status_code=200)
def put_site(site: str, body: SiteBody, context: Here, actor: Actor, response: Response) -> dict[str, Any]:
    """Register a site, or change it: 201 when it is new."""
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
    new = Site(site, body.name_zh or site, body.name_en or site, body.kind, body.zone, boundary)
    with context.books.begin() as db:
        response.status_code = 201 if registry.put_site(db, new, actor, context.now()) else 200
    return site_item(new)


@router.get("/meters", response_model=Page)
def list_meters(
    context: Here, _: Actor, site: str | None = None, limit: Limit = 1000, cursor: Cursor = None
) -> dict[str, Any]:
    """Meters with their newest values of the last day, and how many touched ranges wait to become windows."""
    with look(context.books) as db:
        if site is not None:
            find_site(registry.sites(db), site)
        sites = registry.sites(db)
        meters = list(registry.meters(db, site).values())
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
        item["latest"] = (
            {"time": to_text(point.time, zone), "values": {k: v for k, v in point.fields.items() if k != "quality"}}
            if point
            else None
        )
        items.append(item)
    return {"items": items, "next": after}


@router.put("/sites/{site}/meters/{meter}")
def put_meter(
    site: str, meter: str, body: MeterBody, context: Here, actor: Actor, response: Response
) -> dict[str, Any]:
    """Register a meter, or change it: 201 when it is new; values held for it then land."""
    new = check_meter(
        Meter(
            site, meter, body.name_zh or meter, body.name_en or meter, body.register_, body.digits, body.decimals,
            body.multiplier, body.parent, body.reports_every, body.source,
        )
    )  # fmt: skip
    with context.books.begin() as db:
        find_site(registry.sites(db), site)
        _check_parents({**registry.meters(db, site), (site, meter): new}, new)
        response.status_code = 201 if registry.put_meter(db, new, actor, context.now()) else 200
    return meter_item(new)


def find_site(sites: dict[str, Site], site: str) -> Site:
    """The site, or a 404 that says how to make it."""
    if site not in sites:
        raise NotFoundError(f"no site {site!r}: see /api/v1/sites, or register it by PUT /api/v1/sites/{{site}}")
    return sites[site]


def find_meter(meters: dict[tuple[str, str], Meter], site: str, meter: str) -> Meter:
    """The meter, or a 404 that says where to look."""
    if (site, meter) not in meters:
        raise NotFoundError(f"no meter {meter!r} at site {site!r}: see /api/v1/meters?site={site}")
    return meters[site, meter]


def site_item(site: Site) -> dict[str, Any]:
    """A site as the API shows it."""
    boundary = site.boundary and {
        "facility": list(site.boundary.facility), "it": list(site.boundary.it), "category": site.boundary.category
    }  # fmt: skip
    return {"id": site.id, "name_zh": site.name_zh, "name_en": site.name_en, "kind": site.kind, "zone": site.zone,
            "boundary": boundary}  # fmt: skip


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
