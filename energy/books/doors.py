"""The gateways that are registered for a site, and whether each may send."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from energy.books import tables as t

Doors = Mapping[str, frozenset[str]]


@dataclass(frozen=True, slots=True)
class Door:
    """A registered gateway of a site.

    credential: a short digest by which its password in use can be told from an older one, "" where the broker is asked
    elsewhere; created_at, changed_at: ms UTC.
    """

    site: str
    gateway: str
    enabled: bool
    credential: str
    created_at: int
    changed_at: int


def doors(db: Connection, site: str | None = None) -> dict[tuple[str, str], Door]:
    """Every registered gateway, or a site's, by (site, gateway)."""
    query = select(t.door).order_by(t.door.c.site, t.door.c.gateway)
    if site is not None:
        query = query.where(t.door.c.site == site)
    return {(row["site"], row["gateway"]): _door(row) for row in db.execute(query).mappings()}


def let_in(db: Connection) -> Doors:
    """Site → the gateways that may send; a site that is not in it has none registered, and takes every gateway."""
    found: dict[str, set[str]] = {}
    for row in db.execute(select(t.door.c.site, t.door.c.gateway, t.door.c.enabled)):
        found.setdefault(row.site, set()).update({row.gateway} if row.enabled else ())
    return {site: frozenset(gateways) for site, gateways in found.items()}


def put(db: Connection, site: str, gateway: str, *, enabled: bool, credential: str, actor: str, now: int) -> Door:
    """Register a gateway, or change it, as a change of the registry (hold it first); the door as it is now."""
    before = doors(db, site).get((site, gateway))
    said = {"enabled": enabled, "credential": credential}
    door = Door(site, gateway, enabled, credential, now if before is None else before.created_at, now)
    if before is None:
        db.execute(insert(t.door).values(site=site, gateway=gateway, **said, created_at=now, changed_at=now))
    elif (before.enabled, before.credential) == (enabled, credential):
        return before
    else:
        here = (t.door.c.site == site, t.door.c.gateway == gateway)
        db.execute(update(t.door).where(*here).values(**said, changed_at=now))
    _changed(db, site, gateway, {"site": site, "gateway": gateway, **said}, actor, now)
    return door


def remove(db: Connection, site: str, gateway: str, actor: str, now: int) -> bool:
    """Take a gateway off the register (hold it first); False when it was not there."""
    gone = delete(t.door).where(t.door.c.site == site, t.door.c.gateway == gateway)
    if db.execute(gone).rowcount == 0:
        return False
    _changed(db, site, gateway, None, actor, now)
    return True


def _changed(db: Connection, site: str, gateway: str, after: Mapping[str, object] | None, actor: str, now: int) -> None:
    """Raise the registry's version, by which ingest notices."""
    what = "/".join([t.door.name, site, gateway])
    db.execute(insert(t.registry_change).values(at=now, actor=actor, what=what, after=after and dict(after)))


def _door(row: RowMapping) -> Door:
    return Door(row["site"], row["gateway"], row["enabled"], row["credential"], row["created_at"], row["changed_at"])
