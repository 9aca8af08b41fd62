"""API keys of programs: hashed, scoped, expiring, replaced by rotation."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, RowMapping, select

from api import audit
from api.access import Administrator, Grant
from api.accounts import wanted_scope
from api.context import Context, Here
from api.paging import Cursor, Limit, newest_first
from api.problems import NotFoundError
from api.schemas import KeyBody, Page, RotateBody
from energy.access import Role, Scope
from energy.books import people
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.window import to_text

router = APIRouter(tags=["keys"])
_HOUR = 3600 * 1000
_DAY = 24 * _HOUR


@router.get("/keys", response_model=Page)
def list_keys(context: Here, _: Administrator, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Every key, newest first, without its secret."""
    with look(context.books) as db:
        rows, after = newest_first(db, select(t.api_key), t.api_key.c.id, limit, cursor)
    return {"items": [_item(row) for row in rows], "next": after}


@router.post("/keys", status_code=201)
def add_key(body: KeyBody, context: Here, grant: Administrator) -> dict[str, Any]:
    """Make a key; `secret` is shown this once."""
    with context.books.begin() as db:
        scope = wanted_scope(db, body.role, body.scope)
        return _add(db, context, grant, "key.add", (body.name, body.role, scope), body.days)


@router.post("/keys/{ident}/rotate", status_code=201)
def rotate_key(ident: int, body: RotateBody, context: Here, grant: Administrator) -> dict[str, Any]:
    """Make a new secret with the same rights; the old one is good for `grace_hours` more."""
    now = context.now()
    with context.books.begin() as db:
        old = _row(db, ident)
        if old["revoked_at"] is not None:
            raise InputError("bad_transition", f"key {ident} is revoked or was rotated already: make another")
        people.revoke_key(db, ident, now + body.grace_hours * _HOUR, now)
        rights = old["name"], Role(old["role"]), Scope.from_json(old["scope"])
        return _add(db, context, grant, "key.rotate", rights, body.days, before=_item(old))


@router.delete("/keys/{ident}", status_code=204)
def revoke_key(ident: int, context: Here, grant: Administrator) -> None:
    """Make a key useless, at once."""
    with context.books.begin() as db:
        before = _item(_row(db, ident))
        people.revoke_key(db, ident, context.now(), context.now())
        audit.record(db, grant, context.now(), "key.revoke", f"key/{ident}", before=before)


def _add(
    db: Connection, context: Context, grant: Grant, action: str, rights: tuple[str, Role, Scope], days: int, *,
    before: dict[str, Any] | None = None,
) -> dict[str, Any]:  # fmt: skip
    """rights: the key's name, role and scope."""
    now = context.now()
    ident, secret = people.add_key(db, *rights, now + days * _DAY, grant.actor, now)
    item = _item(_row(db, ident))
    audit.record(db, grant, now, action, f"key/{ident}", before=before, after=item)
    return {**item, "secret": secret}


def _row(db: Connection, ident: int) -> RowMapping:
    query = select(t.api_key).where(t.api_key.c.id == ident).with_for_update()
    row = db.execute(query).mappings().first() if 0 < ident < 2**62 else None
    if row is None:
        raise NotFoundError(f"no key {ident}: see /api/v1/keys")
    return row


def _item(row: RowMapping) -> dict[str, Any]:
    times = {
        name: None if row[name] is None else to_text(row[name]) for name in ("created_at", "expires_at", "revoked_at")
    }
    return {"id": row["id"], "name": row["name"], "role": row["role"], "scope": row["scope"],
            "created_by": row["created_by"], **times}  # fmt: skip
