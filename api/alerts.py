"""Alerts: list, filter, page, acknowledge, resolve; who and when are kept."""

from collections.abc import Iterable
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, RowMapping, insert, select, update

from api import audit
from api.access import Actor, Grant, Reader
from api.context import Context, Here
from api.paging import Cursor, Limit, newest_first
from api.problems import NotFoundError
from api.schemas import NoteBody, Page
from energy.alert import Action, Kind, State, move
from energy.books import registry
from energy.books import tables as t
from energy.books.open import look
from energy.registry import check_name
from energy.window import to_text

router = APIRouter(tags=["alerts"])
_TIMES = ("since", "confirmed", "raised_at", "updated_at", "until")


@router.get("/alerts", response_model=Page)
def list_alerts(
    context: Here, grant: Reader, site: str | None = None, meter: str | None = None, state: State | None = None,
    kind: Kind | None = None, limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Alerts, newest first."""
    if meter is not None:
        check_name("meter", meter)
    query = select(t.alert).where(grant.only(t.alert.c.site, site))
    for column, wanted in ((t.alert.c.meter, meter), (t.alert.c.state, state), (t.alert.c.kind, kind)):
        if wanted is not None:
            query = query.where(column == str(wanted))
    with look(context.books) as db:
        rows, after = newest_first(db, query, t.alert.c.id, limit, cursor)
        return {"items": alert_items(db, rows), "next": after}


@router.get("/alerts/{ident}")
def get_alert(ident: int, context: Here, grant: Reader) -> dict[str, Any]:
    """One alert with its evidence and every step taken."""
    with look(context.books) as db:
        return alert_items(db, [_row(db, ident, grant)])[0]


@router.post("/alerts/{ident}/acknowledge")
def acknowledge(ident: int, body: NoteBody, context: Here, grant: Actor) -> dict[str, Any]:
    """Say that a person has seen it and takes care; 409 when it is not active."""
    return _move(context, ident, Action.ACKNOWLEDGE, grant, body.note)


@router.post("/alerts/{ident}/resolve")
def resolve(ident: int, body: NoteBody, context: Here, grant: Actor) -> dict[str, Any]:
    """Say that it is done with; the same episode is not raised again."""
    return _move(context, ident, Action.RESOLVE, grant, body.note)


def alert_items(db: Connection, rows: Iterable[RowMapping]) -> list[dict[str, Any]]:
    """Rows of the table as the API shows them, with their steps, times in the site's zone."""
    rows = list(rows)
    zones = {site.id: site.zone for site in registry.sites(db).values()}
    query = (
        select(t.alert_step).where(t.alert_step.c.alert.in_([row["id"] for row in rows])).order_by(t.alert_step.c.id)
    )
    steps = db.execute(query).all()
    items = []
    for row in rows:
        zone = zones.get(row["site"], "UTC")
        item = {name: row[name] for name in ("id", "kind", "site", "meter", "state", "late", "value", "limit", "unit",
                                             "excess", "evidence")}  # fmt: skip
        item |= {name: None if row[name] is None else to_text(row[name], zone) for name in _TIMES}
        item["what"] = {"zh": row["what_zh"], "en": row["what_en"]}
        item["steps"] = [
            {"at": to_text(step.at, zone), "actor": step.actor, "action": step.action, "note": step.note}
            for step in steps
            if step.alert == row["id"]
        ]
        items.append(item)
    return items


def _row(db: Connection, ident: int, grant: Grant, *, to_change: bool = False) -> RowMapping:
    """The alert, if it is of a site that is open; read FOR UPDATE to be changed."""
    query = select(t.alert).where(t.alert.c.id == ident, grant.only(t.alert.c.site))
    if to_change:
        query = query.with_for_update()
    row = db.execute(query).mappings().first() if 0 < ident < 2**62 else None
    if row is None:
        raise NotFoundError(f"no alert {ident} is open to you: see /api/v1/alerts")
    return row


def _move(context: Context, ident: int, action: Action, grant: Grant, note: str) -> dict[str, Any]:
    now = context.now()
    with context.books.begin() as db:
        row = _row(db, ident, grant, to_change=True)
        before = State(row["state"])
        after = move(before, action)
        db.execute(update(t.alert).where(t.alert.c.id == ident).values(state=after, updated_at=now))
        db.execute(insert(t.alert_step).values(alert=ident, at=now, actor=grant.actor, action=action, note=note))
        audit.record(
            db, grant, now, f"alert.{action}", f"alert/{ident}", site=row["site"],
            before={"state": before}, after={"state": after, "note": note},
        )  # fmt: skip
        return alert_items(db, [_row(db, ident, grant)])[0]
