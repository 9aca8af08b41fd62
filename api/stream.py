"""The live stream (SSE): newest readings, changed alerts, and health, as they come."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import StreamingResponse
from sqlalchemy import select

from api.access import Grant, Reader, grant_of
from api.alerts import alert_items
from api.context import Context, Here
from api.health import health
from energy.books import tables as t
from energy.books.open import look
from energy.errors import OutsideError
from energy.window import to_text

router = APIRouter(tags=["stream"])
_EVERY_S = 2.0
_RECENT_MS = 10 * 60 * 1000


@router.get("/stream", response_class=StreamingResponse)
async def stream(request: Request, context: Here, grant: Reader) -> StreamingResponse:
    """Server-sent events: `readings` [{site, meter, time, values}], `alert` (one alert), `health` {status, parts}."""
    return StreamingResponse(
        _events(request, context, grant), media_type="text/event-stream", headers={"X-Accel-Buffering": "no"}
    )


class _Watch:
    """What one client has been told so far."""

    def __init__(self, context: Context, grant: Grant) -> None:
        self._context, self._grant = context, grant
        self._times: dict[tuple[str, str], int] = {}
        self._alerts: dict[int, int] | None = None
        self._health = ""

    def news(self) -> list[str] | None:
        """The events since the last call; a store that does not answer shows in `health`.

        None when the client may not listen any more: its key or session has ended.
        """
        grant = self._renewed()
        if grant is None:
            return None
        self._grant = grant
        state = health(self._context)
        out = []
        if (said := json.dumps(state["status"])) != self._health:
            self._health = said
            out.append(_event("health", state))
        try:
            if readings := self._readings():
                out.append(_event("readings", readings))
        except OutsideError:
            return out
        return out + [_event("alert", item) for item in self._changed_alerts()]

    def _renewed(self) -> Grant | None:
        with look(self._context.books) as db:
            return grant_of(db, self._grant.ident, self._grant.address, self._context.now())

    def _readings(self) -> list[dict[str, Any]]:
        fresh = []
        for point in self._context.readings.latest("meter", self._context.now() - _RECENT_MS):
            key = (point.series.site, point.series.meter)
            if key[0] in self._grant.sites and point.time > self._times.get(key, 0):
                self._times[key] = point.time
                values = {name: value for name, value in point.fields.items() if name != "quality"}
                fresh.append({"site": key[0], "meter": key[1], "time": to_text(point.time), "values": values})
        return fresh

    def _changed_alerts(self) -> list[dict[str, Any]]:
        """Alerts that changed since the last call; by alert, for a judgement may be written later than it is dated."""
        before = self._alerts
        with look(self._context.books) as db:
            mine = self._grant.only(t.alert.c.site)
            found = db.execute(select(t.alert.c.id, t.alert.c.updated_at).where(mine)).all()
            self._alerts = {row.id: row.updated_at for row in found}
            changed = [ident for ident, at in self._alerts.items() if before is not None and before.get(ident) != at]
            if not changed:
                return []
            rows = db.execute(select(t.alert).where(t.alert.c.id.in_(changed)).order_by(t.alert.c.id)).mappings().all()
            return alert_items(db, rows)


async def _events(request: Request, context: Context, grant: Grant) -> AsyncIterator[str]:
    watch = _Watch(context, grant)
    while not await request.is_disconnected() and not request.app.state.stopping.is_set():
        events = await asyncio.to_thread(watch.news)
        if events is None:
            return
        for event in events:
            yield event
        yield ": alive\n\n"
        await asyncio.sleep(_EVERY_S)


def _event(name: str, data: Any) -> str:
    return f"event: {name}\ndata: {json.dumps(data, ensure_ascii=False)}\n\n"
