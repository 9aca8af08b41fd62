"""The audit record: every change and every export, by whom, from where, before and after; only ever added to."""

from collections.abc import Mapping
from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, insert, select

from api.access import Auditor, Grant
from api.context import Here
from api.paging import Cursor, Limit, newest_first
from api.schemas import Page
from energy.books import tables as t
from energy.books.open import look
from energy.window import to_text

router = APIRouter(tags=["audit"])


def record(
    db: Connection, grant: Grant, now: int, action: str, target: str, *, site: str = "",
    before: Mapping[str, Any] | None = None, after: Mapping[str, Any] | None = None,
) -> None:  # fmt: skip
    """Add one entry, in the transaction of the change that it is about; no secret may be in it."""
    row = {
        "at": now, "actor": grant.actor, "role": grant.holder.role, "address": grant.address, "action": action,
        "target": target, "site": site, "before": before and dict(before), "after": after and dict(after),
    }  # fmt: skip
    db.execute(insert(t.audit).values(row))


@router.get("/audit", response_model=Page)
def list_audit(
    context: Here, _: Auditor, actor: str | None = None, action: str | None = None, site: str | None = None,
    limit: Limit = 100, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Who did what, when, from where, newest first."""
    query = select(t.audit)
    for column, wanted in ((t.audit.c.actor, actor), (t.audit.c.action, action), (t.audit.c.site, site)):
        if wanted is not None:
            query = query.where(column == wanted)
    with look(context.books) as db:
        rows, after = newest_first(db, query, t.audit.c.id, limit, cursor)
    return {"items": [{**row, "at": to_text(row["at"])} for row in rows], "next": after}
