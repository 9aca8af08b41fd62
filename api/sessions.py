"""Signing in with a password, and seeing and ending sessions."""

from typing import Any

from fastapi import APIRouter, Depends, Request, Response
from sqlalchemy import delete, select
from starlette.exceptions import HTTPException

from api import audit
from api.access import COOKIE, SESSION_LIFE_MS, Administrator, Grant, Reader, grant_of, set_session
from api.context import Here
from api.paging import Cursor, Limit, newest_first
from api.problems import NotFoundError
from api.rates import signing_in
from api.schemas import Page, SignInBody
from energy.access import ALLOWED
from energy.books import people
from energy.books import tables as t
from energy.books.open import look
from energy.window import to_text

router = APIRouter(tags=["sessions"])


@router.post("/sessions", status_code=201, dependencies=[Depends(signing_in)])
def sign_in(body: SignInBody, request: Request, context: Here, response: Response) -> dict[str, Any]:
    """Sign in with name and password: sets the session cookie. 401 says no more than that they do not fit."""
    now, address = context.now(), request.client.host if request.client else ""
    with look(context.books) as db:
        fits = people.check_password(db, body.name, body.password.get_secret_value())
        grant = grant_of(db, f"account:{body.name}", address, now) if fits else None
    if grant is None:
        raise HTTPException(401, "name and password do not fit, or the account is disabled")
    with context.books.begin() as db:
        secret = people.add_login(db, people.SESSION, grant.ident, SESSION_LIFE_MS, address, now)
        audit.record(db, grant, now, "session.open", grant.ident)
    set_session(response, context, secret)
    return _me(grant)


@router.get("/me")
def me(grant: Reader) -> dict[str, Any]:
    """Who you are to the system, and what you may."""
    return _me(grant)


@router.delete("/sessions/current", status_code=204)
def sign_out(request: Request, context: Here, grant: Reader, response: Response) -> None:
    """End this session; 404 where a key asks, which has none."""
    secret = request.cookies.get(COOKIE, "")
    with context.books.begin() as db:
        holder = people.end_session(db, secret)
        if holder is None:
            raise NotFoundError("a key has no session to end: DELETE /api/v1/keys/{ident} makes a key useless")
        audit.record(db, grant, context.now(), "session.close", holder)
    response.delete_cookie(COOKIE, path="/")


@router.get("/sessions", response_model=Page)
def list_sessions(context: Here, _: Administrator, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Every session that has not ended."""
    query = select(t.login).where(t.login.c.kind == people.SESSION, t.login.c.expires_at >= context.now())
    with look(context.books) as db:
        rows, after = newest_first(db, query, t.login.c.id, limit, cursor)
    items = [
        {"id": row["id"], "holder": row["holder"], "address": row["address"], "created_at": to_text(row["created_at"]),
         "expires_at": to_text(row["expires_at"])}
        for row in rows
    ]  # fmt: skip
    return {"items": items, "next": after}


@router.delete("/sessions/{ident}", status_code=204)
def end_session(ident: int, context: Here, grant: Administrator) -> None:
    """End somebody's session."""
    gone = delete(t.login).where(t.login.c.id == ident, t.login.c.kind == people.SESSION).returning(t.login.c.holder)
    with context.books.begin() as db:
        holder = db.execute(gone).scalar() if 0 < ident < 2**62 else None
        if holder is None:
            raise NotFoundError(f"no session {ident}: see /api/v1/sessions")
        audit.record(db, grant, context.now(), "session.end", f"session/{ident}", before={"holder": holder})


def _me(grant: Grant) -> dict[str, Any]:
    role = grant.holder.role
    return {"name": grant.actor, "role": role, "scope": grant.holder.scope.to_json(), "may": sorted(ALLOWED[role]),
            "sites": sorted(grant.sites)}  # fmt: skip
