"""The lists by which anybody can check delivery: the ledger by day, what is or was held, and what contradicts."""

from datetime import date
from enum import StrEnum
from typing import Annotated, Any

from fastapi import APIRouter, Query
from sqlalchemy import RowMapping, select

from api.access import Intake
from api.context import Here
from api.paging import Cursor, Limit, oldest_first
from api.schemas import Page
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.reading import Quality
from energy.window import to_text

router = APIRouter(tags=["intake"])

Gateway = Annotated[str | None, Query(description="A gateway's name within its site, see /gateways.")]
From = Annotated[str | None, Query(alias="from", description="The first UTC day, such as 2026-11-22.")]
To = Annotated[str | None, Query(alias="to", description="The UTC day to end before.")]


class HeldState(StrEnum):
    """Whether held values still wait for their meter, or have landed since."""

    WAITING = "waiting"
    LANDED = "landed"


Holding = Annotated[HeldState | None, Query(description="Only what still waits, or only what has landed since.")]


def utc_day(text: str) -> str:
    """A day as the books and the journal write it; InputError for any other text."""
    try:
        return date.fromisoformat(text).isoformat()
    except ValueError as error:
        raise InputError("bad_time", f"{text!r} is not a day such as 2026-11-22") from error


@router.get("/ledger", response_model=Page)
def list_ledger(
    context: Here, grant: Intake, site: str | None = None, gateway: Gateway = None, start: From = None, end: To = None,
    limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """What became of all that came, by gateway and UTC day of arrival, oldest day first.

    messages: all of them, and `undecodable` those of which no value could be read. The rest counts values (meter,
    quantity, time): received = landed + duplicate + conflict + held + refused, on every day. What was held and lands
    later moves from held to landed, duplicate or conflict of the day on which it came.
    """
    c = t.ledger.c
    query = select(t.ledger).where(grant.only(c.site, site)).order_by(c.day, c.site, c.gateway)
    if gateway is not None:
        query = query.where(c.gateway == gateway)
    if start is not None:
        query = query.where(c.day >= utc_day(start))
    if end is not None:
        query = query.where(c.day < utc_day(end))
    first = cursor or 0
    with look(context.books) as db:
        rows = db.execute(query.offset(first).limit(limit + 1)).mappings().all()
    items = [
        {"site": r["site"], "gateway": r["gateway"], "day": r["day"], **{n: r[n] for n in t.LEDGER_COUNTS}}
        for r in rows
    ]
    return {"items": items[:limit], "next": str(first + limit) if len(rows) > limit else None}


@router.get("/held", response_model=Page)
def list_held(
    context: Here, grant: Intake, site: str | None = None, gateway: Gateway = None, state: Holding = None,
    limit: Limit = 1000, cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Readings that came before their meter was registered, oldest first; they land when it is.

    landed_at: when they did, null while they wait.
    """
    h = t.held.c
    query = select(t.held).where(grant.only(h.site, site))
    if gateway is not None:
        query = query.where(h.gateway == gateway)
    if state is not None:
        query = query.where(h.landed_at.is_(None) if state is HeldState.WAITING else h.landed_at.is_not(None))
    with look(context.books) as db:
        rows, after = oldest_first(db, query, h.id, limit, cursor)
    return {"items": [_held(row) for row in rows], "next": after}


@router.get("/conflicts", response_model=Page)
def list_conflicts(
    context: Here, grant: Intake, site: str | None = None, meter: str | None = None, limit: Limit = 1000,
    cursor: Cursor = None,
) -> dict[str, Any]:  # fmt: skip
    """Values that contradict the one that came first for the same meter, quantity and time, oldest first.

    kept: the value that stands; refused: the one that came later.
    """
    c = t.conflict.c
    query = select(t.conflict).where(grant.only(c.site, site))
    if meter is not None:
        query = query.where(c.meter == meter)
    with look(context.books) as db:
        rows, after = oldest_first(db, query, c.id, limit, cursor)
    return {"items": [_conflict(row) for row in rows], "next": after}


def _held(row: RowMapping) -> dict[str, Any]:
    landed = row["landed_at"]
    return {
        "id": row["id"], "at": to_text(row["at"]), "site": row["site"], "gateway": row["gateway"],
        "meter": row["meter"], "time": to_text(row["time"]), "ms": row["time"], "values": row["values"],
        "quality": Quality(row["quality"]).name.lower(), "landed_at": None if landed is None else to_text(landed),
        "journal": place_of(row),
    }  # fmt: skip


def _conflict(row: RowMapping) -> dict[str, Any]:
    return {
        "id": row["id"], "at": to_text(row["at"]), "site": row["site"], "meter": row["meter"],
        "time": to_text(row["time"]), "ms": row["time"], "quantity": row["quantity"], "kept": row["kept"],
        "refused": row["refused"], "journal": place_of(row),
    }  # fmt: skip


def place_of(row: RowMapping) -> dict[str, Any]:
    """Where in the journal a row of the books comes from; item counts from 0 in the message, -1: all of it."""
    return {"worker": row["worker"], "day": row["day"], "row": row["row"], "item": row["item"]}
