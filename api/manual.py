"""Readings by hand: filled in after an outage, with who and why, into a journal that ingest lands like any other."""

from collections.abc import Iterable
from contextlib import closing
from pathlib import Path
from typing import Any

from fastapi import APIRouter

from api import audit
from api.access import Enterer
from api.context import Context, Here
from api.schemas import ManualBody, ManualReading
from api.sites import find_meter
from energy import manual
from energy.books import registry
from energy.books.open import look
from energy.broker.port import Delivery
from energy.errors import InputError, OutsideError
from energy.journal import Journal, Position
from energy.manual import Entered, Entry
from energy.quantity import QUANTITIES, Kind
from energy.reading import EARLIEST, MAX_AHEAD
from energy.registry import Meter
from energy.window import parse_time, to_text

router = APIRouter(tags=["readings"])
_SHOWN = 10


@router.post("/manual-readings", status_code=201)
def enter_readings(body: ManualBody, context: Here, grant: Enterer) -> dict[str, Any]:
    """Enter readings of one meter by hand, all or none; on 201 they are durable, and land within seconds.

    A value that is there already stands: the same again is a duplicate, another one a conflict, and both are counted
    for the gateway `manual`. `journal` says where the entry lies, with its author and reason.
    """
    site = grant.site(body.site)
    with look(context.books) as db:
        meter = find_meter(registry.meters(db, site.id), site.id, body.meter)
    now = context.now()
    reason = body.reason.strip()
    if not reason or "\x00" in reason:
        raise InputError("bad_request", "reason: say why these readings are entered by hand")
    entered = _checked(body.readings, meter, site.zone, now)
    entry = manual.encode(Entry(grant.actor, reason, meter.id, entered))
    said = {"reason": reason, "readings": len(entered), "first": to_text(min(one.time for one in entered), site.zone),
            "last": to_text(max(one.time for one in entered), site.zone)}  # fmt: skip
    with closing(Journal(_folder(context), manual.WORKER)) as journal, context.books.begin() as db:
        place = _place(journal.append([Delivery(manual.topic(site.id), entry, now, None)]))
        target = f"meter/{site.id}/{meter.id}"
        audit.record(db, grant, now, "readings.enter", target, site=site.id, after={**said, "journal": place})
    return {"site": site.id, "meter": meter.id, "author": grant.actor, "at": to_text(now, site.zone), **said,
            "values": sum(len(one.values) for one in entered), "journal": place}  # fmt: skip


def _folder(context: Context) -> Path:
    if context.journal is None:
        raise OutsideError("this API was started without a journal")
    return context.journal


def _place(position: Position) -> dict[str, Any]:
    return {"worker": manual.WORKER, "day": position.day, "row": position.row}


def _checked(readings: Iterable[ManualReading], meter: Meter, zone: str, now: int) -> list[Entered]:
    """The readings with their times in ms UTC; InputError that names each one that cannot be, by its index."""
    out: list[Entered] = []
    wrong: list[str] = []
    seen: dict[int, int] = {}
    for index, one in enumerate(readings):
        try:
            time = parse_time(one.time, zone)
            _check(one, meter, time, now)
            if time in seen:
                raise InputError("bad_reading", f"the same time as readings.{seen[time]}")
        except InputError as error:
            wrong.append(f"readings.{index}: {error.detail}")
        else:
            seen[time] = index
            out.append(Entered(time, dict(one.values), one.quality))
    if wrong:
        more = f"; and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        raise InputError("bad_reading", "; ".join(wrong[:_SHOWN]) + more + "; nothing was entered")
    return out


def _check(one: ManualReading, meter: Meter, time: int, now: int) -> None:
    if time < EARLIEST:
        raise InputError("bad_reading", "the time is before 2010")
    if time > now + MAX_AHEAD:
        raise InputError("bad_reading", f"the time {one.time!r} is in the future")
    for key, value in one.values.items():
        quantity = QUANTITIES.get(key)
        if quantity is None:
            raise InputError("bad_reading", f"{key[:40]!r} is no quantity; there are {', '.join(QUANTITIES)}")
        if quantity.kind is Kind.REGISTER and quantity.carrier and key != meter.register:
            raise InputError("bad_reading", f"{key} is not this meter's register, which is {meter.register or 'none'}")
        if not quantity.low <= value <= quantity.high:
            raise InputError("bad_reading", f"{key} {value} is not within {quantity.low} to {quantity.high}")
