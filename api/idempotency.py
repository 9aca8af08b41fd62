"""Idempotency-Key: a write that is sent again has its effect once, and gets the first answer again.

The key is claimed in the books before the write begins and its answer is kept before it is sent. A process that dies in
between leaves the claim without an answer: the effect may have happened, so the same key then gets a 409 that says to
look, and never the effect a second time.
"""

import hashlib
import hmac
import json
import logging
import re
from dataclasses import dataclass

from anyio.to_thread import run_sync
from sqlalchemy import Connection, delete, insert, select, update
from sqlalchemy.exc import IntegrityError, SQLAlchemyError
from starlette.datastructures import Headers
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api.access import COOKIE, Grant, authenticate
from api.context import Context
from api.problems import problem
from energy.books import tables as t
from energy.books.open import look

_log = logging.getLogger(__name__)
KEPT_MS = 24 * 3600 * 1000
HEADER, REPLAYED = "Idempotency-Key", "Idempotency-Replayed"
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_BASE = "/api/v1"
# Their answers hold a secret, and no secret is kept; what signs in or opens a link twice does no harm.
SECRET = re.compile(r"/sessions|/console-links|/keys|/keys/[^/]+/rotate")
_SHAPE = re.compile(r"[\x21-\x7e]{1,255}")
_PENDING = (
    "a request with this Idempotency-Key is running, or was cut off and may have had its effect: "
    "look at what is there, and if it is not done, send it with a new key"
)
_SILENT = "the books do not respond now; nothing was done, try again"


@dataclass(frozen=True, slots=True)
class _Kept:
    """A row of the books: status None while there is no answer."""

    fingerprint: str
    status: int | None
    body: bytes | None


class Idempotency:
    """ASGI middleware around all routes; see the module."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no write of the API, or has no key."""
        if scope["type"] != "http" or scope["method"] not in _WRITES or not scope["path"].startswith(f"{_BASE}/"):
            await self._app(scope, receive, send)
            return
        key = Headers(scope=scope).get(HEADER)
        if key is None:
            await self._app(scope, receive, send)
        elif scope["method"] == "POST" and SECRET.fullmatch(scope["path"].removeprefix(_BASE)):
            said = f"this answer holds a secret and is never kept: send it without {HEADER}"
            await problem(422, said, "no_idempotency_key")(scope, receive, send)
        elif not _SHAPE.fullmatch(key):
            said = f"{HEADER} is 1 to 255 visible ASCII characters, such as a UUID"
            await problem(422, said, "bad_idempotency_key")(scope, receive, send)
        else:
            await self._once(key, scope, receive, send)

    async def _once(self, key: str, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        context: Context = scope["app"].state.context
        try:
            grant = await run_sync(authenticate, request, context)
            body = await request.body()
        except HTTPException as error:
            if error.status_code in (401, 403):
                await self._app(scope, receive, send)  # which says the same, and counts it
            else:
                await problem(error.status_code, str(error.detail))(scope, receive, send)
            return
        except SQLAlchemyError:
            await problem(503, _SILENT)(scope, receive, send)
            return
        name, fingerprint = _names(key, request, grant, body)
        try:
            kept = await run_sync(_claim, context, name, fingerprint)
        except SQLAlchemyError:
            await problem(503, _SILENT)(scope, receive, send)
            return
        if kept is not None:
            await _answer(kept, fingerprint)(scope, receive, send)
            return
        answer = _Answer()
        await self._app(scope, _again(body, receive), answer)
        try:
            await run_sync(_settle, context, name, answer)
        except SQLAlchemyError:
            _log.exception("an answer could not be kept; its Idempotency-Key stays claimed")
        for message in answer.messages:
            await send(message)


class _Answer:
    """A `send` that keeps the whole answer, until what it says is in the books."""

    def __init__(self) -> None:
        self.messages: list[Message] = []

    async def __call__(self, message: Message) -> None:
        self.messages.append(message)

    @property
    def status(self) -> int:
        """500 where there is none."""
        return int(self.messages[0]["status"]) if self.messages else 500

    @property
    def body(self) -> bytes:
        """All of it."""
        return b"".join(message.get("body", b"") for message in self.messages[1:])


def _names(key: str, request: Request, grant: Grant, body: bytes) -> tuple[str, str]:
    """The row's key, and the fingerprint of the request.

    Both are keyed by the credential, which the books do not have: a body may hold a password. Whoever has other rights
    than at the first time makes another request.
    """
    secret = (request.headers.get("authorization") or request.cookies.get(COOKIE) or "").encode("utf-8", "replace")
    holder = [grant.ident, grant.holder.role, grant.holder.scope.to_json()]
    what = [request.method, request.url.path, request.url.query, holder, hashlib.sha256(body).hexdigest()]
    return _keyed(secret, key), _keyed(secret, json.dumps(what))


def _keyed(secret: bytes, text: str) -> str:
    return hmac.new(secret, text.encode(), hashlib.sha256).hexdigest()


def _claim(context: Context, name: str, fingerprint: str) -> _Kept | None:
    """None when the key is ours now; otherwise what is kept under it."""
    now = context.now()
    i = t.idempotency
    try:
        with context.books.begin() as db:
            db.execute(delete(i).where(i.c.at < now - KEPT_MS))
            if (kept := _read(db, name)) is not None:
                return kept
            db.execute(insert(i).values(key=name, fingerprint=fingerprint, status=None, body=None, at=now))
    except IntegrityError:  # somebody was faster
        with look(context.books) as db:
            return _read(db, name) or _Kept(fingerprint, None, None)
    return None


def _read(db: Connection, name: str) -> _Kept | None:
    row = db.execute(select(t.idempotency).where(t.idempotency.c.key == name)).first()
    return None if row is None else _Kept(row.fingerprint, row.status, row.body)


def _settle(context: Context, name: str, answer: _Answer) -> None:
    """Keep a success; let go of what was refused, for it had no effect; what failed may have had one, and stays."""
    here = t.idempotency.c.key == name
    if answer.status >= 500:
        return
    with context.books.begin() as db:
        if answer.status < 300:
            db.execute(update(t.idempotency).where(here).values(status=answer.status, body=answer.body))
        else:
            db.execute(delete(t.idempotency).where(here))


def _answer(kept: _Kept, fingerprint: str) -> Response:
    if not hmac.compare_digest(kept.fingerprint, fingerprint):
        said = f"this {HEADER} was used for another request: make a new one for each write"
        return problem(422, said, "idempotency_key_reused")
    if kept.status is None:
        return problem(409, _PENDING, "idempotency_pending")
    body = bytes(kept.body or b"")
    return Response(body, kept.status, {REPLAYED: "true"}, "application/json" if body else None)


def _again(body: bytes, receive: Receive) -> Receive:
    """A `receive` that gives the body once more, and then what comes."""
    given = False

    async def once_more() -> Message:
        nonlocal given
        if given:
            return await receive()
        given = True
        return {"type": "http.request", "body": body, "more_body": False}

    return once_more
