"""Sites and meters in the books, and the change count by which others notice a change."""

from decimal import Decimal
from typing import Any

from sqlalchemy import Connection, RowMapping, func, insert, select, update

from energy.books import tables as t
from energy.registry import Boundary, Meter, Site


def put_site(db: Connection, site: Site, actor: str, now: int) -> bool:
    """Store a site; True when it is new. A site that says the same as before leaves no trace."""
    row = {"name_zh": site.name_zh, "name_en": site.name_en, "kind": site.kind, "zone": site.zone,
           "boundary": _boundary_json(site.boundary)}  # fmt: skip
    new, changed = _put(db, t.site, {"id": site.id}, row, actor, now)
    if changed and not new:
        for meter in meters(db, site.id).values():
            touch_all(db, meter.site, meter.id)
    return new


def put_meter(db: Connection, meter: Meter, actor: str, now: int) -> bool:
    """Store a meter; True when it is new."""
    row = {
        "name_zh": meter.name_zh, "name_en": meter.name_en, "register": meter.register, "digits": meter.digits,
        "decimals": meter.decimals, "multiplier": str(meter.multiplier), "parent": meter.parent,
        "reports_every": meter.reports_every, "source": meter.source,
    }  # fmt: skip
    new, changed = _put(db, t.meter, {"site": meter.site, "id": meter.id}, row, actor, now)
    if changed and not new:
        touch_all(db, meter.site, meter.id)
    return new


def touch_all(db: Connection, site: str, meter: str) -> None:
    """Have every window of a meter computed again."""
    db.execute(insert(t.touched).values(site=site, meter=meter, first=0, last=2**62))


def sites(db: Connection) -> dict[str, Site]:
    """Every site by id."""
    return {row["id"]: _site(row) for row in db.execute(select(t.site).order_by(t.site.c.id)).mappings()}


def meters(db: Connection, site: str | None = None) -> dict[tuple[str, str], Meter]:
    """Every meter, or a site's, by (site, meter)."""
    query = select(t.meter).order_by(t.meter.c.site, t.meter.c.id)
    if site is not None:
        query = query.where(t.meter.c.site == site)
    return {(row["site"], row["id"]): _meter(row) for row in db.execute(query).mappings()}


def version(db: Connection) -> int:
    """A number that grows with every change of the registry."""
    return int(db.execute(select(func.coalesce(func.max(t.registry_change.c.id), 0))).scalar_one())


def _put(
    db: Connection, table: Any, key: dict[str, Any], row: dict[str, Any], actor: str, now: int
) -> tuple[bool, bool]:
    """(new, changed)."""
    here = [table.c[name] == value for name, value in key.items()]
    before = db.execute(select(table).where(*here)).mappings().first()
    if before is None:
        db.execute(insert(table).values(**key, **row, created_at=now))
    elif all(before[name] == value for name, value in row.items()):
        return False, False
    else:
        db.execute(update(table).where(*here).values(**row))
    what = "/".join([table.name, *key.values()])
    db.execute(insert(t.registry_change).values(at=now, actor=actor, what=what, after={**key, **row}))
    return before is None, True


def _boundary_json(boundary: Boundary | None) -> dict[str, Any] | None:
    if boundary is None:
        return None
    return {"facility": list(boundary.facility), "it": list(boundary.it), "category": boundary.category}


def _site(row: RowMapping) -> Site:
    kept = row["boundary"]
    boundary = Boundary(tuple(kept["facility"]), tuple(kept["it"]), kept["category"]) if kept else None
    return Site(row["id"], row["name_zh"], row["name_en"], row["kind"], row["zone"], boundary)


def _meter(row: RowMapping) -> Meter:
    return Meter(
        row["site"], row["id"], row["name_zh"], row["name_en"], row["register"], row["digits"], row["decimals"],
        Decimal(row["multiplier"]), row["parent"], row["reports_every"], row["source"],
    )  # fmt: skip
