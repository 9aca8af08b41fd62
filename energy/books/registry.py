"""Regions, units, sites and meters in the books, and the change count by which others notice a change."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from weakref import WeakKeyDictionary

from sqlalchemy import Connection, Engine, RowMapping, func, insert, select, text, update

from energy.books import tables as t
from energy.registry import Boundary, Meter, Region, Site, Unit

_LOCK = 0x6361_7267  # any number that nobody else takes in the same PostgreSQL database


def hold(db: Connection) -> None:
    """Until the transaction ends nobody else changes the registry: what is read of it from here on holds.

    SQLite's transactions that write do so from their beginning.
    """
    if db.dialect.name == "postgresql":
        db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})


def put_region(db: Connection, region: Region, actor: str, now: int) -> bool:
    """Store a region; True when it is new."""
    return _put(db, t.region, {"id": region.id}, _names(region), actor, now)[0]


def put_unit(db: Connection, unit: Unit, actor: str, now: int) -> bool:
    """Store a unit; True when it is new."""
    row = {**_names(unit), "region": unit.region, "credit_code": unit.credit_code}
    return _put(db, t.unit, {"id": unit.id}, row, actor, now)[0]


def put_site(db: Connection, site: Site, actor: str, now: int) -> bool:
    """Store a site; True when it is new. A site that says the same as before leaves no trace."""
    row = {**_names(site), "unit": site.unit, "kind": site.kind, "zone": site.zone,
           "boundary": boundary_json(site.boundary)}  # fmt: skip
    new, changed = _put(db, t.site, {"id": site.id}, row, actor, now)
    if changed and not new:
        for meter in meters(db, site.id).values():
            touch_all(db, meter.site, meter.id)
    return new


def put_meter(db: Connection, meter: Meter, actor: str, now: int) -> bool:
    """Store a meter; True when it is new."""
    row = {
        **_names(meter), "register": meter.register, "digits": meter.digits,
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


@dataclass(frozen=True, slots=True)
class _Seen:
    """The registry as it is at a version; read anew only when that is another."""

    version: int
    units: dict[str, Unit]
    sites: dict[str, Site]
    meters: dict[str, dict[tuple[str, str], Meter]]  # by site


_seen: WeakKeyDictionary[Engine, _Seen] = WeakKeyDictionary()


def _look_up(db: Connection) -> _Seen | None:
    """What is known of the registry in a look, which sees one state; None where changes may be under way."""
    if not db.get_execution_options().get("read_only"):
        return None
    now, known = version(db), _seen.get(db.engine)
    if known is None or known.version != now:
        by_site: dict[str, dict[tuple[str, str], Meter]] = {}
        for key, meter in _read_meters(db, None).items():
            by_site.setdefault(meter.site, {})[key] = meter
        known = _seen[db.engine] = _Seen(now, _read_units(db), _read_sites(db), by_site)
    return known


def regions(db: Connection) -> dict[str, Region]:
    """Every region by id."""
    rows = db.execute(select(t.region).order_by(t.region.c.id))
    return {row.id: Region(row.id, row.name_zh, row.name_en) for row in rows}


def units(db: Connection) -> dict[str, Unit]:
    """Every unit by id."""
    known = _look_up(db)
    return dict(known.units) if known else _read_units(db)


def sites(db: Connection) -> dict[str, Site]:
    """Every site by id."""
    known = _look_up(db)
    return dict(known.sites) if known else _read_sites(db)


def meters(db: Connection, site: str | None = None) -> dict[tuple[str, str], Meter]:
    """Every meter, or a site's, by (site, meter)."""
    known = _look_up(db)
    if known is None:
        return _read_meters(db, site)
    wanted = known.meters.values() if site is None else [known.meters.get(site, {})]
    return {key: meter for one in wanted for key, meter in one.items()}


def _read_units(db: Connection) -> dict[str, Unit]:
    rows = db.execute(select(t.unit).order_by(t.unit.c.id))
    return {row.id: Unit(row.id, row.name_zh, row.name_en, row.region, row.credit_code) for row in rows}


def _read_sites(db: Connection) -> dict[str, Site]:
    return {row["id"]: _site(row) for row in db.execute(select(t.site).order_by(t.site.c.id)).mappings()}


def _read_meters(db: Connection, site: str | None) -> dict[tuple[str, str], Meter]:
    query = select(t.meter).order_by(t.meter.c.site, t.meter.c.id)
    if site is not None:
        query = query.where(t.meter.c.site == site)
    return {(row["site"], row["id"]): _meter(row) for row in db.execute(query).mappings()}


def version(db: Connection) -> int:
    """A number that grows with every change of the registry; changes are made one after the other (see `hold`)."""
    return int(db.execute(select(func.max(t.registry_change.c.id))).scalar() or 0)


def _put(
    db: Connection, table: Any, key: dict[str, Any], row: dict[str, Any], actor: str, now: int
) -> tuple[bool, bool]:
    """(new, changed)."""
    hold(db)
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


def _names(thing: Region | Unit | Site | Meter) -> dict[str, str]:
    return {"name_zh": thing.name_zh, "name_en": thing.name_en}


def boundary_json(boundary: Boundary | None) -> dict[str, Any] | None:
    """A boundary as it is kept and shown."""
    if boundary is None:
        return None
    return {"facility": list(boundary.facility), "it": list(boundary.it), "category": boundary.category}


def _site(row: RowMapping) -> Site:
    kept = row["boundary"]
    boundary = Boundary(tuple(kept["facility"]), tuple(kept["it"]), kept["category"]) if kept else None
    return Site(row["id"], row["name_zh"], row["name_en"], row["kind"], row["zone"], boundary, row["unit"])


def _meter(row: RowMapping) -> Meter:
    return Meter(
        row["site"], row["id"], row["name_zh"], row["name_en"], row["register"], row["digits"], row["decimals"],
        Decimal(row["multiplier"]), row["parent"], row["reports_every"], row["source"],
    )  # fmt: skip
