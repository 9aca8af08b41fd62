"""Who may ask: an API key, or a console session that a single-use link has opened."""

import hashlib
import hmac
import secrets
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Connection, delete, insert, select
from starlette.exceptions import HTTPException

from api.context import Context, Here
from energy.books import tables as t
from energy.books.open import look

COOKIE = "carbonwatch_session"
LINK_LIFE_MS = 24 * 3600 * 1000
SESSION_LIFE_MS = 7 * 24 * 3600 * 1000
_HOW = "send the key in DATA/admin.key as `Authorization: Bearer …`, or open a link of `carbonwatch console`"


def digest(secret: str) -> str:
    """SHA-256 hex of a secret with enough randomness of its own; what is stored instead of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def make_secret(db: Connection, kind: str, life_ms: int, now: int) -> str:
    """A new secret of `kind` ("link" or "session") that the books know by its hash until it expires."""
    db.execute(delete(t.login).where(t.login.c.expires_at < now))
    secret = secrets.token_urlsafe(32)
    db.execute(insert(t.login).values(hash=digest(secret), kind=kind, expires_at=now + life_ms))
    return secret


def open_session(context: Context, link: str) -> str | None:
    """Spend a link; a new session's secret, or None when the link is not known, spent or expired."""
    now = context.now()
    with context.books.begin() as db:
        spent = delete(t.login).where(
            t.login.c.hash == digest(link), t.login.c.kind == "link", t.login.c.expires_at >= now
        )
        if db.execute(spent).rowcount != 1:
            return None
        return make_secret(db, "session", SESSION_LIFE_MS, now)


def require(request: Request, context: Here) -> str:
    """The actor's name; 401 without a valid key or session, 403 for a write by cookie without our header."""
    header = request.headers.get("authorization", "")
    scheme, _, key = header.partition(" ")
    if scheme.lower() == "bearer" and hmac.compare_digest(digest(key.strip()), context.key_hash):
        return "admin key"
    if not header and _has_session(request, context):
        if request.method not in ("GET", "HEAD") and request.headers.get("x-carbonwatch") != "1":
            raise HTTPException(403, "a write from a browser needs the header X-Carbonwatch: 1")
        return "console"
    raise HTTPException(401, _HOW, {"WWW-Authenticate": "Bearer"})


def _has_session(request: Request, context: Context) -> bool:
    secret = request.cookies.get(COOKIE)
    if not secret:
        return False
    query = select(t.login.c.hash).where(
        t.login.c.hash == digest(secret), t.login.c.kind == "session", t.login.c.expires_at >= context.now()
    )
    with look(context.books) as db:
        return db.execute(query).first() is not None


Actor = Annotated[str, Depends(require)]
