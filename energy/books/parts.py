"""The state of each running part, as it says itself, and the limits in force."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, delete, select
from sqlalchemy.dialects import postgresql, sqlite

from energy.books import tables as t
from energy.limits import Limit

# A part that has not said anything for this long is not well, whatever it said last.
STALE_MS = 15_000


def say(db: Connection, name: str, *, ok: bool, detail: Mapping[str, Any], now: int) -> None:
    """A part says how it is."""
    word = {"at": now, "ok": ok, "detail": dict(detail)}
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    said = insert(t.part).values(name=name, **word)
    db.execute(said.on_conflict_do_update(index_elements=[t.part.c.name], set_=word))


def heard(db: Connection, now: int) -> dict[str, dict[str, Any]]:
    """Each part's last word: {name: {name, ok, detail, age_s}}; one that fell silent is not ok."""
    out = {}
    for row in db.execute(select(t.part).order_by(t.part.c.name)).mappings():
        silent = now - row["at"] > STALE_MS
        detail = {**row["detail"], "reason": "has not reported"} if silent else row["detail"]
        out[row["name"]] = {
            "name": row["name"], "ok": row["ok"] and not silent, "detail": detail,
            "age_s": round((now - row["at"]) / 1000, 1),
        }  # fmt: skip
    return out


def forget(db: Connection) -> None:
    """Clear every part's word: a new start begins with silence."""
    db.execute(delete(t.part))


def limits(db: Connection) -> tuple[Limit, ...]:
    """Every dated limit."""
    rows = db.execute(select(t.threshold)).mappings()
    return tuple(Limit(r["key"], r["value"], r["valid_from"], r["source"], verified=r["verified"]) for r in rows)
