"""Strong ETags on every JSON answer, 304 for what a client has already, 412 for a change of what has changed since."""

import hashlib
import json
from collections.abc import Mapping
from typing import Annotated, Any

from fastapi import Depends, Header
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp, Message, Receive, Scope, Send

_BASE = "/api/v1/"
_TAGGED = ("GET", "HEAD", "PUT")


def etag_of(body: bytes) -> str:
    """The strong ETag of a representation: of its bytes, so that equal answers have equal tags."""
    return f'"{hashlib.sha256(body).hexdigest()[:32]}"'


def etag_of_item(item: Mapping[str, Any]) -> str:
    """The ETag of the answer whose JSON this is."""
    return etag_of(json.dumps(item, ensure_ascii=False, separators=(",", ":")).encode("utf-8"))


class Precondition:
    """What a writer says of the state that it wants to change."""

    def __init__(self, if_match: str | None, if_none_match: str | None) -> None:
        self._match, self._none_match = if_match, if_none_match

    def check(self, current: Mapping[str, Any] | None) -> None:
        """412 unless what is there now (None: nothing) is what the writer has seen; call it before the write, held."""
        tag = None if current is None else etag_of_item(current)
        if self._match is not None and (tag is None or not _names(self._match, tag, weak=False)):
            raise HTTPException(412, "it has changed since you read it: GET it again, and send its ETag as If-Match")
        if self._none_match is not None and tag is not None and _names(self._none_match, tag, weak=True):
            raise HTTPException(412, "it is there already: leave If-None-Match out to change it")


def _precondition(
    if_match: Annotated[str | None, Header(description="Write only if its ETag is one of these; `*`: any.")] = None,
    if_none_match: Annotated[str | None, Header(description="`*`: write only if there is none yet.")] = None,
) -> Precondition:
    return Precondition(if_match, if_none_match)


IfMatch = Annotated[Precondition, Depends(_precondition)]


class ETags:
    """ASGI middleware around all routes: tags each JSON answer of the API, and spares a client what it has."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on what is no GET or PUT of the API; see the class."""
        if scope["type"] != "http" or scope["method"] not in _TAGGED or not scope["path"].startswith(_BASE):
            await self._app(scope, receive, send)
            return
        wanted = Headers(scope=scope).get("if-none-match") if scope["method"] != "PUT" else None
        await self._app(scope, receive, _Tagging(send, wanted))


class _Tagging:
    """A `send` that keeps a JSON answer back until it is whole; anything else goes through as it comes."""

    def __init__(self, send: Send, wanted: str | None) -> None:
        self._send, self._wanted = send, wanted
        self._start: Message | None = None
        self._body: list[bytes] = []

    async def __call__(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            kind = Headers(raw=message["headers"]).get("content-type", "")
            if message["status"] in (200, 201) and kind.partition(";")[0] == "application/json":
                self._start = message
                return
        if self._start is None or message["type"] != "http.response.body":
            await self._send(message)
            return
        self._body.append(message.get("body", b""))
        if not message.get("more_body", False):
            await self._finish(self._start, b"".join(self._body))

    async def _finish(self, start: Message, body: bytes) -> None:
        tag = etag_of(body)
        headers = MutableHeaders(raw=list(start["headers"]))
        headers["ETag"] = tag
        headers.setdefault("Cache-Control", "private, no-cache")
        headers.add_vary_header("Authorization, Cookie")
        status = start["status"]
        if status == 200 and self._wanted is not None and _names(self._wanted, tag, weak=True):
            status, body = 304, b""
            del headers["content-type"]
            del headers["content-length"]
        await self._send({**start, "status": status, "headers": headers.raw})
        await self._send({"type": "http.response.body", "body": body})


def _names(header: str, tag: str, *, weak: bool) -> bool:
    """Whether a list of ETags, or `*`, is about this one; weakly: W/ does not matter."""
    tags = [one.strip() for one in header.split(",")]
    return "*" in tags or tag in ([one.removeprefix("W/") for one in tags] if weak else tags)
