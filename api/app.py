"""The application: every router, the problems, the rates that hold for all of them, and the guard before it."""

import asyncio

from fastapi import Depends, FastAPI

from api import (
    accounts,
    alerts,
    audit,
    delivery,
    document,
    doors,
    energy,
    etag,
    exports,
    guard,
    health,
    idempotency,
    intake,
    journal,
    keys,
    manual,
    metrics,
    pages,
    problems,
    pue,
    rates,
    readings,
    sessions,
    sites,
    stream,
    units,
)
from api.context import Context

_ROUTES = (
    health, metrics, units, sites, doors, readings, manual, energy, pue, alerts, intake, delivery, journal, exports,
    stream, sessions, accounts, keys, audit,
)  # fmt: skip


def create_app(context: Context, rules: rates.Rules | None = None, walls: guard.Walls | None = None) -> FastAPI:
    """The API under /api/v1 and the console at /; `app.state.stopping` ends the streams.

    Without `walls` it answers to the names of its own address only.
    """
    app = FastAPI(
        title="carbonwatch",
        version="1",
        description="Energy, PUE and alerts of key energy-using units. Lists answer {items, next}.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
        dependencies=[Depends(rates.counted)],
    )
    app.state.context = context
    app.state.stopping = asyncio.Event()
    app.state.rates = rates.Rates(rules or rates.Rules())
    for module in _ROUTES:
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(pages.links, prefix="/api/v1")
    pages.install(app)
    problems.install(app)
    document.install(app)
    app.add_middleware(idempotency.Idempotency)
    app.add_middleware(etag.ETags)
    guard.install(app, walls or guard.Walls(guard.hosts(context.url)), https=context.url.startswith("https:"))
    return app
