"""What came in: gateways with their sequence and ledger, and what was refused or is held."""

from itertools import pairwise
from typing import Any

from fastapi import APIRouter
from sqlalchemy import RowMapping, func, select

from api.access import Intake
from api.context import Here
from api.delivery import place_of
from api.paging import Cursor, Limit, newest_first, slice_from
from api.schemas import Page
from energy.books import tables as t
from energy.books.open import look
from energy.window import to_text

router = APIRouter(tags=["intake"])
_BOOTS = 20  # shown of each gateway


@router.get("/gateways", response_model=Page)
def list_gateways(
    context: Here, grant: Intake, site: str | None = None, limit: Limit = 1000, cursor: Cursor = None
) -> dict[str, Any]:
    """Each gateway with its ledger over all days, its newest boot, and under `boots` what arrived of each boot.

    seq: highest number up to which every message landed, was held or refused; gaps: what never arrived.
    """
    g, c = t.gateway.c, t.ledger.c
    query = select(t.gateway).where(grant.only(g.site, site)).order_by(g.site, g.gateway, g.last_at.desc())
    sums = select(c.site, c.gateway, *(func.sum(c[name]).label(name) for name in t.LEDGER_COUNTS))
    sums = sums.where(grant.only(c.site, site)).group_by(c.site, c.gateway)
    boots: dict[tuple[str, str], list[dict[str, Any]]] = {}
    with look(context.books) as db:
        for row in db.execute(query).mappings():
            boots.setdefault((row["site"], row["gateway"]), []).append(_boot(row))
        counts = {
            (row.site, row.gateway): {name: int(getattr(row, name)) for name in t.LEDGER_COUNTS}
            for row in db.execute(sums)
        }
    page, after = slice_from(sorted(counts.keys() | boots.keys()), limit, cursor)
    items = []
    for key in page:
        known = boots.get(key, [])
        newest = known[0] if known else {}
        ledger = counts.get(key, dict.fromkeys(t.LEDGER_COUNTS, 0))
        items.append({"site": key[0], "gateway": key[1], **newest, "ledger": ledger, "boots": known[:_BOOTS]})
    return {"items": items, "next": after}


def _boot(row: RowMapping) -> dict[str, Any]:
    seen, base = row["seen"], row["base"]
    gaps = [[a[1] + 1, b[0] - 1] for a, b in pairwise([[0, 0], *seen]) if b[0] > a[1] + 1]
    return {
        "boot": row["boot"], "seq": next((b for a, b in seen if a <= base <= b), base - 1), "last_seq": row["last_seq"],
        "gaps": gaps, "first_at": to_text(row["first_at"]), "last_at": to_text(row["last_at"]),
    }  # fmt: skip


@router.get("/quarantine", response_model=Page)
def list_quarantine(
    context: Here,
    grant: Intake,
    site: str | None = None,
    reason: str | None = None,
    limit: Limit = 100,
    cursor: Cursor = None,
) -> dict[str, Any]:
    """What was refused, newest first, with its reason and journal position; and the values held for unknown meters."""
    q, h = t.quarantine.c, t.held.c
    query = select(t.quarantine).where(grant.only(q.site, site))
    if reason is not None:
        query = query.where(q.reason == reason)
    held = (
        select(h.site, h.meter, func.count().label("readings"), func.min(h.time).label("first"),
               func.max(h.time).label("last"))
        .where(h.landed_at.is_(None), grant.only(h.site, site)).group_by(h.site, h.meter).order_by(h.site, h.meter)
        .limit(1000)
    )  # fmt: skip
    with look(context.books) as db:
        rows, after = newest_first(db, query, q.id, limit, cursor)
        waiting = db.execute(held).mappings().all()
        reasons = db.execute(select(q.reason, func.count()).where(grant.only(q.site, site)).group_by(q.reason)).all()
        conflicts = db.execute(
            select(func.count(t.conflict.c.id)).where(grant.only(t.conflict.c.site, site))
        ).scalar_one()
    return {
        "items": [
            {"id": row["id"], "at": to_text(row["at"]), "site": row["site"], "gateway": row["gateway"],
             "reason": row["reason"], "detail": row["detail"],
             "topic": row["topic"], "excerpt": row["excerpt"], "size": row["size"], "values": row["count"],
             "journal": place_of(row)}
            for row in rows
        ],
        "next": after,
        "reasons": {row[0]: row[1] for row in reasons},
        "held": {"count": sum(row["readings"] for row in waiting),
                 "meters": [{**row, "first": to_text(row["first"]), "last": to_text(row["last"])} for row in waiting]},
        "conflicts": conflicts,
    }  # fmt: skip
