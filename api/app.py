"""The application: every router, the problems, and the headers that every answer carries."""

import asyncio
from collections.abc import Awaitable, Callable

from fastapi import FastAPI, Request, Response

from api import (
    accounts,
    alerts,
    audit,
    document,
    energy,
    health,
    intake,
    keys,
    pages,
    problems,
    pue,
    readings,
    sessions,
    sites,
    stream,
    units,
)
from api.context import Context

_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'self'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


def create_app(context: Context) -> FastAPI:
    """The API under /api/v1 and the console at /; `app.state.stopping` ends the streams."""
    app = FastAPI(
        title="carbonwatch",
        version="1",
        description="Energy, PUE and alerts of key energy-using units. Lists answer {items, next}.",
        openapi_url="/api/v1/openapi.json",
        docs_url=None,
        redoc_url=None,
    )
    app.state.context = context
    app.state.stopping = asyncio.Event()
    for module in (
        health,
        units,
        sites,
        readings,
        energy,
        pue,
        alerts,
        intake,
        stream,
        sessions,
        accounts,
        keys,
        audit,
    ):
        app.include_router(module.router, prefix="/api/v1")
    app.include_router(pages.links, prefix="/api/v1")
    pages.install(app)
    problems.install(app)
    document.install(app)

    @app.middleware("http")
    async def _headers(request: Request, call: Callable[[Request], Awaitable[Response]]) -> Response:
        answer = await call(request)
        for name, value in _HEADERS.items():
            answer.headers.setdefault(name, value)
        if request.url.path.startswith("/console/vendor/"):
            answer.headers["Cache-Control"] = "max-age=3600"
        return answer

    return app
