"""Stands before the whole application: who may be asked by which name, how much, how slowly, and how answers go out."""

import asyncio
import ipaddress
import logging
import re
from dataclasses import dataclass, field
from urllib.parse import urlsplit

import anyio
from fastapi import FastAPI
from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from api import rates
from api.problems import problem

_log = logging.getLogger(__name__)
_MIB = 1024 * 1024
HEAD_BYTES = 32 * 1024  # of a request's fields and query
_KEPT = "/console/vendor/"  # what browsers may keep for a while
_HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[a-z0-9_.-]+?)\.?(?::(?P<port>\d{1,5}))?", re.IGNORECASE)
_LOOPBACK = ("127.0.0.1", "localhost", "[::1]")
HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'; "
    "object-src 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}
_HSTS = {"Strict-Transport-Security": "max-age=31536000"}


@dataclass(frozen=True, slots=True)
class Walls:
    """What a request may be.

    hosts: the names that the API answers to, each with a port or "*" ("name:port"); any_address: whether to any IP
    address as well (no foreign page can claim one); body: bytes, with `bodies` for paths that may bring more; body_s,
    pause_s: seconds for a whole body, and between two pieces of it; answer_s: seconds until an answer begins; at_once:
    requests at once.
    """

    hosts: frozenset[str] = frozenset()
    any_address: bool = False
    body: int = _MIB
    bodies: dict[str, int] = field(default_factory=lambda: {"/api/v1/manual-readings": 16 * _MIB})
    body_s: float = 30.0
    pause_s: float = 10.0
    answer_s: float = 30.0
    at_once: int = 400


def hosts(*urls: str) -> frozenset[str]:
    """The names of these addresses as `Walls.hosts` has them, and those of the loopback on the same ports."""
    found = set()
    for url in urls:
        parts = urlsplit(url)
        port = parts.port or (443 if parts.scheme == "https" else 80)
        name = parts.hostname or ""
        found |= {f"{one}:{port}" for one in (*_LOOPBACK, f"[{name}]" if ":" in name else name)}
    return frozenset(found)


def install(app: FastAPI, walls: Walls, *, https: bool) -> None:
    """Have every request to `app` pass here, also one that ends in a fault of ours."""
    plain = app.build_middleware_stack

    def guarded() -> ASGIApp:
        return _Guard(plain(), app, walls, HEADERS | (_HSTS if https else {}))

    app.build_middleware_stack = guarded  # type: ignore[method-assign]


class _Guard:
    def __init__(self, inner: ASGIApp, app: FastAPI, walls: Walls, headers: dict[str, str]) -> None:
        self._inner, self._app, self._walls, self._headers = inner, app, walls, headers
        self._names = frozenset(host.rpartition(":")[0] for host in walls.hosts)
        self._ports = frozenset(host.rpartition(":")[2] for host in walls.hosts)
        self._open = 0
        self._late: set[asyncio.Task[None]] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._inner(scope, receive, send)
            return
        answer = _Answer(self._app, scope, send, self._headers)
        refused = self._refused(scope)
        if refused is not None:
            await answer.instead(refused)
            return
        self._open += 1
        try:
            await self._answered(scope, _Body(receive, self._walls, self._limit(scope)), answer)
        finally:
            self._open -= 1

    def _refused(self, scope: Scope) -> Response | None:
        """The answer to what is not even looked at."""
        headers = Headers(scope=scope)
        if sum(len(name) + len(value) for name, value in headers.raw) + len(scope["query_string"]) > HEAD_BYTES:
            return problem(431, f"the request's head is larger than {HEAD_BYTES} bytes")
        if not self._knows(headers.get("host", "")):
            return problem(421, "this API does not go by that name: use its own address, or tell it the name by --name")
        if self._open >= self._walls.at_once:
            return problem(503, "too many requests at once: try again in a moment", headers={"Retry-After": "1"})
        length = headers.get("content-length", "")
        if length.isdecimal() and int(length[:20]) > self._limit(scope):
            return problem(413, _too_large(self._limit(scope)))
        return None

    def _knows(self, host: str) -> bool:
        """Whether a Host header names this API; a page of another name that was rebound to our address does not."""
        found = _HOST.fullmatch(host)
        if found is None:
            return False
        name, port = found["name"].lower(), found["port"]
        if self._walls.any_address and _is_address(name):
            return port is None or port in self._ports
        if port is None:
            return name in self._names
        return f"{name}:{port}" in self._walls.hosts or f"{name}:*" in self._walls.hosts

    def _limit(self, scope: Scope) -> int:
        return self._walls.bodies.get(scope["path"].rstrip("/"), self._walls.body)

    async def _answered(self, scope: Scope, body: "_Body", answer: "_Answer") -> None:
        """Have the application answer; when it has not begun in time, say so, and let what cannot be broken off end."""
        breaking = anyio.CancelScope()

        async def work() -> None:
            with breaking:
                await self._inner(scope, body.receive, answer.send)

        task = asyncio.create_task(work())
        task.add_done_callback(lambda _: answer.begin())
        try:
            while not answer.begun.done() and (left := body.heard + self._walls.answer_s - _now()) > 0:
                await asyncio.wait([answer.begun], timeout=left)
            if answer.begun.done():
                await self._ended_well(scope, task, answer)
                return
        except asyncio.CancelledError:
            task.cancel()
            raise
        self._late.add(task)
        task.add_done_callback(self._ended)
        await answer.instead(problem(503, "this takes too long: ask for less at once; a change may still be made"))
        breaking.cancel()

    async def _ended_well(self, scope: Scope, task: asyncio.Task[None], answer: "_Answer") -> None:
        """A fault that was answered is logged here: were it raised, the server would drop the connection without a
        word, and with it the next request on it."""
        try:
            await task
        except Exception:
            if not answer.whole:
                raise
            _log.exception("%s %s failed", scope["method"], scope["path"])

    def _ended(self, task: asyncio.Task[None]) -> None:
        self._late.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("an answer that came too late failed: %s", type(error).__name__)


class _Body:
    """Receives a request's body, no more and no slower than it may be; HTTPException(413 or 408) otherwise."""

    def __init__(self, receive: Receive, walls: Walls, limit: int) -> None:
        self._receive, self._walls, self._limit = receive, walls, limit
        self._size, self._whole = 0, False
        self.heard = _now()  # when the last piece came; the answer's time begins there
        self._until = self.heard + walls.body_s

    async def receive(self) -> Message:
        if self._whole:
            return await self._receive()
        try:
            async with asyncio.timeout(max(0.0, min(self._until - _now(), self._walls.pause_s))):
                message = await self._receive()
        except TimeoutError as error:
            raise HTTPException(408, "the request's body comes too slowly: send it again") from error
        self.heard = _now()
        self._size += len(message.get("body", b""))
        self._whole = message["type"] != "http.request" or not message.get("more_body", False)
        if self._size > self._limit:
            raise HTTPException(413, _too_large(self._limit))
        return message


class _Answer:
    """Sends an answer with the headers that every answer has; what comes after another was sent instead is dropped."""

    def __init__(self, app: FastAPI, scope: Scope, send: Send, headers: dict[str, str]) -> None:
        self._app, self._scope, self._send, self._headers = app, scope, send, headers
        self._replaced = self.whole = False
        self.begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def begin(self) -> None:
        """The answer has begun, or there will be none."""
        if not self.begun.done():
            self.begun.set_result(None)

    async def send(self, message: Message) -> None:
        if self._replaced:
            return
        if message["type"] == "http.response.start":
            refused = self._uncounted()
            if refused is not None:
                await self.instead(refused)
                return
            self._dress(message)
        await self._send(message)
        self.whole = message["type"] == "http.response.body" and not message.get("more_body", False)

    async def instead(self, answer: Response) -> None:
        """Send this one, and no other."""
        self._replaced = True
        self.begin()

        async def send(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._dress(message)
            await self._send(message)

        async def receive() -> Message:
            return {"type": "http.disconnect"}

        await answer(self._scope, receive, send)
        self.whole = True

    def _uncounted(self) -> Response | None:
        """Files, and paths and bodies that no route took, count by address; the answer when there were too many."""
        if rates.is_counted(self._scope):
            return None
        try:
            self._app.state.rates.request(self._scope, None)
        except rates.TooManyError as error:
            return problem(error.status_code, error.detail, headers=dict(error.headers or {}))
        return None

    def _dress(self, message: Message) -> None:
        self.begin()
        headers = MutableHeaders(scope=message)
        if self._scope["path"].startswith(_KEPT):
            headers.setdefault("Cache-Control", "max-age=3600")
        for name, value in self._headers.items():
            headers.setdefault(name, value)
        if (standing := rates.standing(self._scope)) is not None:
            for name, value in standing.headers().items():
                headers.setdefault(name, value)


def _now() -> float:
    return asyncio.get_running_loop().time()


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name.strip("[]"))
    except ValueError:
        return False
    return True


def _too_large(limit: int) -> str:
    return f"the request's body is larger than the {limit} bytes that this may bring: send it in parts"
