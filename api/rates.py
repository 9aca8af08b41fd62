"""How often somebody may ask: by key or session where it is known, else by address; kept in this process's memory."""

import asyncio
import ipaddress
import math
import time
from collections import Counter
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass

from fastapi import Request
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import FixedWindowRateLimiter, MovingWindowRateLimiter
from starlette.exceptions import HTTPException
from starlette.types import Scope

from api.access import Who
from api.schemas import SignInBody

_MINUTE = 60
_NAMES_AN_ADDRESS = 3  # so many people may mistype their passwords at one address in one minute
_PASSWORDS_AT_ONCE = 4  # to check one takes 64 MiB
_STANDING = "carbonwatch.standing"


@dataclass(frozen=True, slots=True)
class Rules:
    """requests: a minute, of one key, account or, where neither is known, address; sign_ins: a minute, of one address
    for one name, and three times as many for all names; streams: open at once, of one key or account.
    """

    requests: int = 1200
    sign_ins: int = 10
    streams: int = 20


@dataclass(frozen=True, slots=True)
class Standing:
    """What is left of a limit: `left` more in the next `seconds`."""

    name: str
    limit: int
    left: int
    seconds: int

    def headers(self) -> Mapping[str, str]:
        """The fields of an answer that say so (RateLimit, RateLimit-Policy)."""
        return {
            "RateLimit-Policy": f'"{self.name}";q={self.limit};w={_MINUTE}',
            "RateLimit": f'"{self.name}";r={self.left};t={self.seconds}',
        }


class TooManyError(HTTPException):
    """429: a limit is used up; the headers say when to come back."""

    def __init__(self, standing: Standing) -> None:
        detail = f"at most {standing.limit} {standing.name} a minute: try again in {standing.seconds} s"
        super().__init__(429, detail, {"Retry-After": str(standing.seconds), **standing.headers()})


class Rates:
    """Counts requests, sign-ins and streams of one running API."""

    def __init__(self, rules: Rules) -> None:
        """Nothing is counted yet."""
        self._rules = rules
        # A burst over the edge of two minutes is nothing with requests, but would double the guesses at a password.
        self._requests, self._sign_ins = (
            FixedWindowRateLimiter(MemoryStorage()),
            MovingWindowRateLimiter(MemoryStorage()),
        )
        self._streams: Counter[str] = Counter()
        self.doors = asyncio.Semaphore(_PASSWORDS_AT_ONCE)

    def request(self, scope: Scope, ident: str | None) -> None:
        """Count one request of a holder, or of its address without one; TooManyError beyond the limit."""
        scope[_STANDING] = None  # refused or not, it is counted
        who = f"holder {ident}" if ident else f"address {_network(scope)}"
        scope[_STANDING] = _take(self._requests, "requests", self._rules.requests, who)

    def sign_in(self, scope: Scope, name: str) -> None:
        """Count one attempt to sign in; TooManyError beyond the limits.

        By address and name, so that nobody is locked out by guesses from elsewhere; and by address for all names.
        """
        address, limit = _network(scope), self._rules.sign_ins
        _take(self._sign_ins, "sign-ins with one name", limit, address, name)
        _take(self._sign_ins, "sign-ins", limit * _NAMES_AN_ADDRESS, address)

    @contextmanager
    def stream(self, ident: str) -> Iterator[None]:
        """Holds one of a holder's streams; TooManyError when all are in use."""
        if self._streams[ident] >= self._rules.streams:
            raise HTTPException(
                429, f"{self._rules.streams} streams of this key or account are open: close one first",
                {"Retry-After": "10"},
            )  # fmt: skip
        self._streams[ident] += 1
        try:
            yield
        finally:
            self._streams[ident] -= 1
            if not self._streams[ident]:
                del self._streams[ident]


async def counted(request: Request, who: Who) -> None:
    """The dependency of the whole application: every route of every router counts."""
    rates_of(request).request(request.scope, who.grant.ident if who.grant else None)


async def signing_in(request: Request, body: SignInBody) -> AsyncIterator[None]:
    """The dependency of signing in: counted more strictly, and few passwords are checked at once."""
    rates = rates_of(request)
    rates.sign_in(request.scope, body.name)
    async with rates.doors:
        yield


def rates_of(request: Request) -> Rates:
    """The counters of the application that a request came to."""
    rates: Rates = request.app.state.rates
    return rates


def is_counted(scope: Scope) -> bool:
    """Whether a request has been counted."""
    return _STANDING in scope


def standing(scope: Scope) -> Standing | None:
    """What is left to whoever sent a request, if it was counted and not refused."""
    found: Standing | None = scope.get(_STANDING)
    return found


def _take(limiter: FixedWindowRateLimiter | MovingWindowRateLimiter, name: str, limit: int, *who: str) -> Standing:
    item: RateLimitItem = RateLimitItemPerMinute(limit, namespace=name)
    free = limiter.hit(item, *who)
    reset, left = limiter.get_window_stats(item, *who)
    found = Standing(name, limit, max(0, left), max(1, min(_MINUTE, math.ceil(reset - time.time()))))
    if not free:
        raise TooManyError(found)
    return found


def _network(scope: Scope) -> str:
    """The address that a request came from; of IPv6 the network, for one host has 2⁶⁴ addresses there."""
    client = scope.get("client")
    if client is None:
        return ""
    try:
        address = ipaddress.ip_address(client[0])
    except ValueError:
        return str(client[0])
    if isinstance(address, ipaddress.IPv6Address):
        return str(address.ipv4_mapped or ipaddress.ip_network((address, 64), strict=False))
    return str(address)
