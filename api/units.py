"""Regions and the energy-using units in them."""

from typing import Any

from fastapi import APIRouter, Response

from api import audit
from api.access import Administrator, Grant, Reader
from api.context import Here
from api.etag import IfMatch
from api.paging import Cursor, Limit, slice_from
from api.problems import NotFoundError
from api.schemas import Page, RegionBody, UnitBody
from energy.books import registry
from energy.books.open import look
from energy.registry import Region, Unit, check_name

router = APIRouter(tags=["registry"])


@router.get("/regions", response_model=Page)
def list_regions(context: Here, grant: Reader, limit: Limit = 1000, cursor: Cursor = None) -> dict[str, Any]:
    """The regions of the sites that are open to you."""
    with look(context.books) as db:
        regions = registry.regions(db).values()
    seen = _seen(grant)
    page, after = slice_from([r for r in regions if grant.everything or r.id in seen], limit, cursor)
    return {"items": [_region_item(region) for region in page], "next": after}


@router.get("/regions/{region}")
def get_region(region: str, context: Here, grant: Reader) -> dict[str, Any]:
    """One region of the sites that are open to you."""
    check_name("region", region)
    with look(context.books) as db:
        found = registry.regions(db).get(region)
    if found is None or not (grant.everything or region in _seen(grant)):
        raise NotFoundError(f"no region {region!r} is open to you: see /api/v1/regions")
    return _region_item(found)


@router.put("/regions/{region}")
def put_region(
    region: str, body: RegionBody, context: Here, grant: Administrator, if_match: IfMatch, response: Response
) -> dict[str, Any]:
    """Make a region, or change it: 201 when it is new."""
    new = Region(check_name("region", region), body.name_zh or region, body.name_en or region)
    with context.books.begin() as db:
        registry.hold(db)
        before = registry.regions(db).get(region)
        if_match.check(_region_item(before) if before else None)
        is_new = registry.put_region(db, new, grant.actor, context.now())
        audit.record(
            db, grant, context.now(), "region.put", f"region/{region}",
            before=_region_item(before) if before else None, after=_region_item(new),
        )  # fmt: skip
    response.status_code = 201 if is_new else 200
    return _region_item(new)


@router.get("/units", response_model=Page)
def list_units(grant: Reader, region: str | None = None, limit: Limit = 1000, cursor: Cursor = None) -> dict[str, Any]:
    """The units that are open to you, whole or by a site of theirs."""
    if region is not None:
        check_name("region", region)
    page, after = slice_from([unit for unit in _units(grant) if region in (None, unit["region"])], limit, cursor)
    return {"items": page, "next": after}


@router.get("/units/{unit}")
def get_unit(unit: str, grant: Reader) -> dict[str, Any]:
    """One energy-using unit that is open to you, whole or by a site of its own."""
    check_name("unit", unit)
    for one in _units(grant):
        if one["id"] == unit:
            return one
    raise NotFoundError(f"no unit {unit!r} is open to you: see /api/v1/units")


@router.put("/units/{unit}")
def put_unit(
    unit: str, body: UnitBody, context: Here, grant: Administrator, if_match: IfMatch, response: Response
) -> dict[str, Any]:
    """Make an energy-using unit, or change it: 201 when it is new."""
    new = Unit(check_name("unit", unit), body.name_zh or unit, body.name_en or unit, body.region, body.credit_code)
    check_name("region", body.region)
    with context.books.begin() as db:
        registry.hold(db)
        if body.region not in registry.regions(db):
            raise NotFoundError(f"no region {body.region!r}: make it by PUT /api/v1/regions/{{region}} first")
        before = registry.units(db).get(unit)
        if_match.check(_unit_item(before) if before else None)
        is_new = registry.put_unit(db, new, grant.actor, context.now())
        audit.record(
            db, grant, context.now(), "unit.put", f"unit/{unit}", before=_unit_item(before) if before else None,
            after=_unit_item(new),
        )  # fmt: skip
    response.status_code = 201 if is_new else 200
    return _unit_item(new)


def _seen(grant: Grant) -> frozenset[str]:
    """The regions that somebody may know of."""
    return frozenset(unit["region"] for unit in _units(grant)) | grant.holder.scope.regions


def _units(grant: Grant) -> list[dict[str, Any]]:
    own = {site.unit for site in grant.sites.values()}
    return [_unit_item(unit) for unit in grant.units.values() if unit.id in own or grant.covers_unit(unit.id)]


def _region_item(region: Region) -> dict[str, Any]:
    return {"id": region.id, "name_zh": region.name_zh, "name_en": region.name_en}


def _unit_item(unit: Unit) -> dict[str, Any]:
    return {"id": unit.id, "region": unit.region, "name_zh": unit.name_zh, "name_en": unit.name_en,
            "credit_code": unit.credit_code}  # fmt: skip
