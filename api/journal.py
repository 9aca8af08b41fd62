"""The journal as it lies there: every message that came, whether it is intact, and what is missing."""

import hashlib
import re
from pathlib import Path
from typing import Annotated, Any, NamedTuple

from fastapi import APIRouter, Query
from sqlalchemy import select

from api.access import Grant, Intake
from api.context import Context, Here
from api.delivery import Gateway, utc_day
from api.paging import Limit
from api.schemas import Page
from energy import manual
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.journal import START, JournalReader, Position, workers
from energy.journal_scan import Hole, Kept, scan
from energy.sender import sender
from energy.window import to_text

router = APIRouter(tags=["intake"])
_LOOK_AT = 5000  # rows of a page, wanted or not; bounds the time that an answer takes
_CURSOR = re.compile(r"(\w[\w.\-]{0,63})/((?:\d{4}-\d\d-\d\d)?)/(\d{1,18})")

Worker = Annotated[str | None, Query(description="Whose journal: `w1` is the broker's, `manual` the one by hand.")]
Day = Annotated[str | None, Query(description="The UTC day of the file, such as 2026-11-22.")]
After = Annotated[str | None, Query(max_length=100, alias="cursor", description="`next` of the page before.")]


class _Place(NamedTuple):
    worker: str
    position: Position


@router.get("/journal", response_model=Page)
def list_journal(
    context: Here, grant: Intake, site: str | None = None, gateway: Gateway = None, worker: Worker = None,
    day: Day = None, limit: Limit = 1000, cursor: After = None,
) -> dict[str, Any]:  # fmt: skip
    """Every journaled message in order of worker, day and row; those of no site only for who may see all sites.

    sha256: of the payload as it came; intact: whether the stored `leaf` is the one computed anew from received_at,
    topic and payload. A page looks at some thousands of rows, so with `site` or `gateway` it may be empty and have a
    `next`. Rows of a day are numbered from 1 without a gap, whoever sent them: `holes` are the numbers that are
    missing where this page looked, and `cut_short` says where a journal ends before what has landed from it. A day
    whose whole file is gone shows in /ledger, which counts more messages of it.
    """
    only = None if site is None else grant.site(site).id
    wanted_day = None if day is None else utc_day(day)
    begin = _begin(cursor)
    landed = _landed(context)  # before the files are looked at: these only grow
    folder = _folder(context, landed)
    items: list[dict[str, Any]] = []
    holes: list[dict[str, Any]] = []
    looked, after = 0, None
    for name in [one for one in workers(folder) if worker in (None, one) and one >= begin.worker]:
        start = begin.position if name == begin.worker else START
        sifter = _Sifter(grant, name, only, gateway)
        left = {"keep": limit - len(items), "look_at": _LOOK_AT - looked}
        found = scan(JournalReader(folder, name), start, sifter, **left, day=wanted_day)
        looked += sifter.looked
        items += [_item(name, kept) for kept in found.kept]
        holes += [_hole(name, hole) for hole in found.holes]
        if found.after is not None:
            after = f"{name}/{found.after.day}/{found.after.row}"
            break
    asked = {n: at for n, at in landed.items() if worker in (None, n) and wanted_day in (None, at.day)}
    return {"items": items, "next": after, "holes": holes, "cut_short": _cut_short(folder, asked)}


class _Sifter:
    """Tells whether somebody may see, and wants, the message of a topic."""

    def __init__(self, grant: Grant, worker: str, site: str | None, gateway: str | None) -> None:
        self._grant, self._worker, self._site, self._gateway = grant, worker, site, gateway
        self.looked = 0

    def __call__(self, topic: str) -> bool:
        self.looked += 1
        site, gateway = _sender(self._worker, topic)
        if not self._grant.everything and site not in self._grant.sites:
            return False
        return self._site in (None, site) and self._gateway in (None, gateway)


def _sender(worker: str, topic: str) -> tuple[str | None, str | None]:
    """Site and gateway of a message; None of both where its topic names none, as ingest has it."""
    try:
        if worker == manual.WORKER:
            return manual.parse_topic(topic), manual.GATEWAY
        return sender(topic)
    except InputError:
        return None, None


def _item(worker: str, kept: Kept) -> dict[str, Any]:
    site, gateway = _sender(worker, kept.topic)
    return {
        "worker": worker, "day": kept.position.day, "row": kept.position.row, "received_at": _time(kept.received_at),
        "ms": kept.received_at, "topic": kept.topic, "site": site, "gateway": gateway, "size": len(kept.payload),
        "sha256": hashlib.sha256(kept.payload).hexdigest(), "leaf": kept.leaf.hex(), "intact": kept.intact,
    }  # fmt: skip


def _hole(worker: str, hole: Hole) -> dict[str, Any]:
    return {"worker": worker, **hole._asdict()}


def _time(ms: int) -> str | None:
    """RFC 3339; None for what no clock shows, which only a changed row has."""
    try:
        return to_text(ms)
    except OverflowError:
        return None


def _begin(cursor: str | None) -> _Place:
    if cursor is None:
        return _Place("", START)
    found = _CURSOR.fullmatch(cursor)
    if found is None:
        raise InputError("bad_cursor", "cursor: take `next` of the page before")
    return _Place(found[1], Position(found[2], int(found[3])))


def _landed(context: Context) -> dict[str, Position]:
    """Up to where each worker's journal has landed, as the books know it."""
    c = t.cursor.c
    with look(context.books) as db:
        rows = db.execute(select(c.worker, c.day, c.row).where(c.day != "").order_by(c.worker)).all()
    return {row.worker: Position(row.day, row.row) for row in rows}


def _folder(context: Context, landed: dict[str, Position]) -> Path:
    folder = context.journal
    if folder is None or (landed and not workers(folder)):
        raise InputError("no_journal", "no journal lies where this API runs: ask the one that runs beside ingest")
    return folder


def _cut_short(folder: Path, landed: dict[str, Position]) -> list[dict[str, Any]]:
    """The journals that end before what has landed from them; last: the highest row that there is of that day."""
    found = [(worker, at, JournalReader(folder, worker).last(at.day)) for worker, at in landed.items()]
    return [
        {"worker": worker, "day": at.day, "last": last, "landed": at.row} for worker, at, last in found if last < at.row
    ]
