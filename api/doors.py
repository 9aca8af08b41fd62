"""The register of gateways: which of them may send for a site, once there is one that may."""

from typing import Any

from fastapi import APIRouter, Response

from api import audit
from api.access import Reader, Registrar
from api.context import Here
from api.etag import IfMatch
from api.paging import Cursor, Limit, slice_from
from api.problems import NotFoundError
from api.schemas import DoorBody, Page
from energy.books import doors, registry
from energy.books.doors import Door
from energy.books.open import look
from energy.errors import InputError
from energy.registry import check_name
from energy.topic import MANUAL
from energy.window import to_text

router = APIRouter(tags=["registry"])


@router.get("/registered-gateways", response_model=Page)
def list_doors(
    context: Here, grant: Reader, site: str | None = None, limit: Limit = 1000, cursor: Cursor = None
) -> dict[str, Any]:
    """The gateways that are registered; for a site with any of them the enabled ones may send, and no other."""
    if site is not None:
        grant.site(site)
    with look(context.books) as db:
        known = doors.doors(db, site).values()
    page, after = slice_from([door for door in known if door.site in grant.sites], limit, cursor)
    return {"items": [door_item(door) for door in page], "next": after}


@router.put("/sites/{site}/gateways/{gateway}")
def put_door(
    site: str, gateway: str, body: DoorBody, context: Here, grant: Registrar, if_match: IfMatch, response: Response
) -> dict[str, Any]:
    """Register a gateway, or change it: 201 when it is new.

    With its first one a site is closed to all gateways that are not registered and enabled: what these send is
    refused and kept in quarantine as `gateway_not_let_in`. The password is the broker's; `credential` only tells
    which one is in use.
    """
    grant.site(site)
    if check_name("gateway", gateway) == MANUAL:
        raise InputError("bad_name", f"no gateway may be called {MANUAL!r}: that is for entries by hand")
    with context.books.begin() as db:
        registry.hold(db)
        before = doors.doors(db, site).get((site, gateway))
        if_match.check(door_item(before) if before else None)
        credential = body.credential if body.credential is not None else before.credential if before else ""
        new = doors.put(
            db, site, gateway, enabled=body.enabled, credential=credential, actor=grant.actor, now=context.now()
        )
        audit.record(
            db, grant, context.now(), "gateway.put", f"gateway/{site}/{gateway}", site=site,
            before=door_item(before) if before else None, after=door_item(new),
        )  # fmt: skip
    response.status_code = 200 if before else 201
    return door_item(new)


@router.get("/sites/{site}/gateways/{gateway}")
def get_door(site: str, gateway: str, context: Here, grant: Reader) -> dict[str, Any]:
    """One registered gateway; what it sent is in /gateways."""
    grant.site(site)
    with look(context.books) as db:
        return door_item(_find(doors.doors(db, site), site, gateway))


@router.delete("/sites/{site}/gateways/{gateway}", status_code=204)
def remove_door(site: str, gateway: str, context: Here, grant: Registrar) -> None:
    """Take a gateway off the register; a site without any registered one takes every gateway again."""
    grant.site(site)
    with context.books.begin() as db:
        registry.hold(db)
        before = _find(doors.doors(db, site), site, gateway)
        doors.remove(db, site, gateway, grant.actor, context.now())
        audit.record(
            db, grant, context.now(), "gateway.remove", f"gateway/{site}/{gateway}", site=site,
            before=door_item(before),
        )  # fmt: skip


def door_item(door: Door) -> dict[str, Any]:
    """A registered gateway as the API shows it."""
    return {
        "site": door.site, "gateway": door.gateway, "enabled": door.enabled, "credential": door.credential,
        "created_at": to_text(door.created_at), "changed_at": to_text(door.changed_at),
    }  # fmt: skip


def _find(known: dict[tuple[str, str], Door], site: str, gateway: str) -> Door:
    if (site, check_name("gateway", gateway)) not in known:
        raise NotFoundError(
            f"no gateway {gateway!r} is registered at site {site!r}: see /api/v1/registered-gateways?site={site}"
        )
    return known[site, gateway]
