"""The live stream (SSE): newest readings, changed alerts, and health, as they come."""

import asyncio
import json
import re
from collections.abc import AsyncIterator
from contextlib import AbstractContextManager
from typing import Annotated, Any

from fastapi import APIRouter, Header, Query, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError
from starlette.exceptions import HTTPException
from starlette.types import Receive, Scope, Send

from api.access import Grant, Reader, authenticate
from api.alerts import alert_items
from api.context import Context, Here
from api.health import health
from api.point import shown
from api.rates import rates_of
from energy.access import ALLOWED, Permission
from energy.books import tables as t
from energy.books.open import look
from energy.errors import OutsideError
from energy.window import to_text

router = APIRouter(tags=["stream"])
_EVERY_S = 2.0
_RECENT_MS = 10 * 60 * 1000
_HOUR_MS = 3600 * 1000
_DAY_MS = 24 * _HOUR_MS
_LAG_MS = _HOUR_MS  # a judgement may be written so much later than it is dated
_OLDEST_MS = 7 * _DAY_MS  # what a client has missed since is too much to be told
_ALERTS_AT_ONCE = 200
_ID = re.compile(r"[0-9]{1,15}")
_Event = tuple[str, Any]  # its name and data


@router.get("/stream", response_class=StreamingResponse)
async def stream(
    request: Request, context: Here, grant: Reader,
    last_event_id: Annotated[str | None, Header(description="The newest event's id; browsers send it by themselves.")]
    = None,
    after: Annotated[str | None, Query(description="The same, for clients that cannot send that header.")] = None,
) -> StreamingResponse:  # fmt: skip
    """Server-sent events: `readings` [{site, meter, time, values, quality}], `alert` (one), `health` {status, parts}.

    Without an event's id it begins with the newest readings; alerts come as they change, so read /alerts first. With
    one it goes on there: every alert that has changed since comes at least once, and each meter's newest reading.
    """
    watch = _Watch(request, context, grant, _position(last_event_id or after or "", context.now()))
    hold = rates_of(request).stream(grant.ident)
    return _Held(hold, _events(request, watch), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


class _Held(StreamingResponse):
    """Counts as one of its holder's streams as long as it lasts."""

    def __init__(self, hold: AbstractContextManager[None], *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._hold = hold

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        with self._hold:
            await super().__call__(scope, receive, send)


class _Watch:
    """What one client has been told so far; `since` is where it was told up to by a stream before this one.

    The id of an event is the time (ms UTC) up to which a client that has it knows everything: nothing else is in it.
    """

    def __init__(self, request: Request, context: Context, grant: Grant, since: int | None) -> None:
        self._request, self._context, self._grant = request, context, grant
        self._position, self._reach = since, _RECENT_MS if since is None else _DAY_MS
        self._times: dict[tuple[str, str], int] = {}
        self._alerts: dict[int, int] | None = None
        self._waiting: set[int] = set()  # alerts that are to be told
        self._health = ""

    @property
    def behind(self) -> bool:
        """Whether there is more to be told at once."""
        return bool(self._waiting)

    def news(self) -> list[str] | None:
        """The events since the last call; a store or books that do not answer show in `health`.

        None when the client may not listen any more: its key or session has ended.
        """
        now, state = self._context.now(), health(self._context)
        out: list[_Event] = []
        if (said := json.dumps(state["status"])) != self._health:
            self._health = said
            out.append(("health", state))
        try:
            grant = self._renewed()
            if grant is None:
                return None
            self._grant = grant
            if readings := self._readings():
                out.append(("readings", readings))
            out += [("alert", item) for item in self._changed_alerts()]
        except (OutsideError, SQLAlchemyError):
            return self._numbered(out, self._position)
        return self._numbered(out, self._position if self.behind else now)

    def _numbered(self, events: list[_Event], position: int | None) -> list[str]:
        """The events as they are sent: only the last stands for all that are told with it."""
        before, last = self._position, len(events) - 1
        if events:
            self._position = position
        return [_text(position if n == last else before, name, data) for n, (name, data) in enumerate(events)]

    def _renewed(self) -> Grant | None:
        """What the same request may now: not only its holder, its key or session too may have ended."""
        try:
            grant = authenticate(self._request, self._context)
        except HTTPException:
            return None
        return grant if Permission.READ in ALLOWED[grant.holder.role] else None

    def _readings(self) -> list[dict[str, Any]]:
        fresh = []
        for point in self._context.readings.latest("meter", self._context.now() - self._reach):
            key = (point.series.site, point.series.meter)
            if key[0] in self._grant.sites and point.time > self._times.get(key, 0):
                self._times[key] = point.time
                fresh.append({"site": key[0], "meter": key[1], "time": to_text(point.time), **shown(point.fields)})
        self._reach = _RECENT_MS
        return fresh

    def _changed_alerts(self) -> list[dict[str, Any]]:
        """Alerts that changed since the last call; by alert, for a judgement may be written later than it is dated."""
        with look(self._context.books) as db:
            mine = self._grant.only(t.alert.c.site)
            found = db.execute(select(t.alert.c.id, t.alert.c.updated_at).where(mine)).all()
            known, waiting = {row.id: row.updated_at for row in found}, set(self._waiting)
            if self._alerts is not None:
                waiting |= {ident for ident, at in known.items() if self._alerts.get(ident) != at}
            elif self._position is not None:
                waiting = {ident for ident, at in known.items() if at >= self._position - _LAG_MS}
            told = sorted(waiting)[:_ALERTS_AT_ONCE]
            query = select(t.alert).where(t.alert.c.id.in_(told), mine).order_by(t.alert.c.id)
            items = alert_items(db, db.execute(query).mappings().all()) if told else []
        self._alerts, self._waiting = known, waiting - set(told)  # only now: books that fail are asked again
        return items


async def _events(request: Request, watch: _Watch) -> AsyncIterator[str]:
    while not await request.is_disconnected() and not request.app.state.stopping.is_set():
        events = await asyncio.to_thread(watch.news)
        if events is None:
            return
        for event in events:
            yield event
        yield ": alive\n\n"
        if not watch.behind:
            await asyncio.sleep(_EVERY_S)


def _position(said: str, now: int) -> int | None:
    """The time that an event's id stands for; None for what is no id of ours, or too old to go on from."""
    at = int(said) if _ID.fullmatch(said) else 0
    return at if now - _OLDEST_MS <= at <= now else None


def _text(position: int | None, name: str, data: Any) -> str:
    mark = "" if position is None else f"id: {position}\n"
    return f"{mark}event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
