"""The one place that says who is asking, what that one may do, and which sites that one may see."""

import hmac
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request, Response
from sqlalchemy import ColumnElement, Connection, true
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException

from api.context import Context, Here
from api.problems import NotFoundError
from energy.access import ALLOWED, Permission
from energy.books import people, registry
from energy.books.open import look
from energy.books.people import Holder
from energy.registry import Site, Unit, check_name

COOKIE = "carbonwatch_session"
LINK_LIFE_MS = 24 * 3600 * 1000
SESSION_LIFE_MS = 7 * 24 * 3600 * 1000
_HOW = (
    "send a key as `Authorization: Bearer …` (the local one is in DATA/admin.key), sign in by POST /api/v1/sessions, "
    "or open a link of `carbonwatch console`"
)


@dataclass(frozen=True, slots=True)
class Grant:
    """What one request may do: everything that a route reads or changes goes through it.

    ident: the holder as the books know it ("account:NAME", "key:ID", "admin key"); address: where the request came
    from; sites: the sites that are open to it, and no other; units: all units, to tell whether one is open.
    """

    ident: str
    holder: Holder
    address: str
    sites: Mapping[str, Site]
    units: Mapping[str, Unit]

    @property
    def actor(self) -> str:
        """The name that steps and the audit record keep."""
        return self.holder.name

    @property
    def everything(self) -> bool:
        """Whether it is bound to no sites: then it also sees what belongs to none."""
        return self.holder.scope.everything

    def site(self, site: str) -> Site:
        """The site; a name that cannot be is 422, and a site that is not open is 404 as one that does not exist."""
        if check_name("site", site) not in self.sites:
            raise NotFoundError(f"no site {site!r} is open to you: see /api/v1/sites, or register it by PUT")
        return self.sites[site]

    def only(self, column: ColumnElement[str], site: str | None = None) -> ColumnElement[bool]:
        """The condition that keeps a query to the sites that are open, or to one of them."""
        if site is not None:
            return column == self.site(site).id
        return true() if self.everything else column.in_(sorted(self.sites))

    def covers_unit(self, unit: str) -> bool:
        """Whether sites of the unit may be registered and taken away."""
        known = self.units.get(unit)
        return known is not None and self.holder.scope.covers(known.region, unit)


def grant_of(db: Connection, ident: str, address: str, now: int) -> Grant | None:
    """What a holder may at this moment; None when it is disabled, revoked or expired."""
    holder = people.resolve(db, ident, now)
    if holder is None:
        return None
    units = registry.units(db)
    sites = {
        site.id: site
        for site in registry.sites(db).values()
        if holder.scope.covers(units[site.unit].region if site.unit in units else "", site.unit, site.id)
    }
    return Grant(ident, holder, address, sites, units)


@dataclass(frozen=True, slots=True)
class Asker:
    """Who sent a request, None for nobody that is known; `failure` where the books did not say."""

    grant: Grant | None
    failure: SQLAlchemyError | None = None


def ask(request: Request, context: Here) -> Asker:
    """Who sent it, found once for all that need to know; a page that needs nobody answers without the books too."""
    try:
        return Asker(_grant(request, context))
    except SQLAlchemyError as error:
        return Asker(None, error)


Who = Annotated[Asker, Depends(ask)]


def rule(permission: Permission) -> Callable[..., Awaitable[Grant]]:
    """The dependency that every route has: 401 for nobody, 403 for somebody who may not."""

    async def allowed(request: Request, who: Who) -> Grant:
        if who.failure is not None:
            raise who.failure
        grant = _checked(request, who.grant)
        if permission not in ALLOWED[grant.holder.role]:
            raise HTTPException(403, f"the role {grant.holder.role} may not {permission}: ask an administrator")
        return grant

    allowed.permission = permission  # type: ignore[attr-defined]
    return allowed


def authenticate(request: Request, context: Context) -> Grant:
    """Who is asking, by key or by session; 401 otherwise, 403 for a write by cookie without our header."""
    return _checked(request, _grant(request, context))


def _grant(request: Request, context: Context) -> Grant | None:
    now, address = context.now(), request.client.host if request.client else ""
    header = request.headers.get("authorization", "")
    if not header and COOKIE not in request.cookies:
        return None
    with look(context.books) as db:
        ident = _by_key(db, context, header, now) if header else _by_session(db, request, now)
        return grant_of(db, ident, address, now) if ident else None


def _checked(request: Request, grant: Grant | None) -> Grant:
    if grant is None:
        raise HTTPException(401, _HOW, {"WWW-Authenticate": "Bearer"})
    by_cookie = not request.headers.get("authorization")
    if by_cookie and request.method not in ("GET", "HEAD") and request.headers.get("x-carbonwatch") != "1":
        raise HTTPException(403, "a write from a browser needs the header X-Carbonwatch: 1")
    return grant


def set_session(answer: Response, context: Context, secret: str) -> None:
    """Give the browser its session: out of reach of scripts, and never sent from another site."""
    answer.set_cookie(
        COOKIE, secret, max_age=SESSION_LIFE_MS // 1000, httponly=True, samesite="strict",
        secure=context.url.startswith("https:"), path="/",
    )  # fmt: skip


def _by_key(db: Connection, context: Context, header: str, now: int) -> str | None:
    scheme, _, key = header.partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        return None
    if hmac.compare_digest(people.digest(key), context.key_hash):
        return people.BOOTSTRAP
    return people.key_holder(db, key, now)


def _by_session(db: Connection, request: Request, now: int) -> str | None:
    secret = request.cookies.get(COOKIE)
    return people.session_holder(db, secret, now) if secret else None


# What a route takes as its `grant`, named by what it may do.
Reader = Annotated[Grant, Depends(rule(Permission.READ))]
Intake = Annotated[Grant, Depends(rule(Permission.INTAKE))]
Actor = Annotated[Grant, Depends(rule(Permission.ACT))]
Enterer = Annotated[Grant, Depends(rule(Permission.ENTER))]
Registrar = Annotated[Grant, Depends(rule(Permission.REGISTER))]
Exporter = Annotated[Grant, Depends(rule(Permission.EXPORT))]
Auditor = Annotated[Grant, Depends(rule(Permission.AUDIT))]
Administrator = Annotated[Grant, Depends(rule(Permission.ADMINISTER))]
