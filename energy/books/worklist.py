"""Ranges that wait to be worked on: `touched` readings for the accounts, `due` windows for the judge."""

from collections.abc import Mapping, Sequence

from sqlalchemy import Connection, Table, delete, select

_CHUNK = 500


def take(db: Connection, table: Table) -> tuple[list[int], Mapping[tuple[str, str], tuple[int, int]]]:
    """The ids that are there now, and (site, meter) → the first and last time of all its ranges (ms UTC)."""
    c = table.c
    last = c.last if "last" in c else c.first
    ids: list[int] = []
    spans: dict[tuple[str, str], tuple[int, int]] = {}
    for ident, site, meter, low, high in db.execute(select(c.id, c.site, c.meter, c.first, last)):
        ids.append(ident)
        have = spans.get((site, meter), (low, high))
        spans[site, meter] = min(have[0], low), max(have[1], high)
    return ids, spans


def done(db: Connection, table: Table, ids: Sequence[int]) -> None:
    """Strike these off, and only these: a lower id may be committed later than a higher one."""
    for at in range(0, len(ids), _CHUNK):
        db.execute(delete(table).where(table.c.id.in_(ids[at : at + _CHUNK])))
