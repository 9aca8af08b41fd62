"""The console's page and files, and the single-use link that opens it."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Request, Response
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles

from api import audit
from api.access import LINK_LIFE_MS, SESSION_LIFE_MS, Reader, grant_of, set_session
from api.context import Here
from energy.books import people

_FILES = Path(__file__).parent / "console"
links = APIRouter(tags=["console"])
pages = APIRouter(include_in_schema=False)


@links.post("/console-links", status_code=201)
def make_link(context: Here, grant: Reader) -> dict[str, str]:
    """A link that opens the console once, within a day, as whoever asks for it."""
    now = context.now()
    with context.books.begin() as db:
        secret = people.add_login(db, people.LINK, grant.ident, LINK_LIFE_MS, grant.address, now)
        audit.record(db, grant, now, "link.make", "console")
    return {"url": f"{context.url}/enter?token={secret}"}


@pages.get("/enter")
def enter(token: str, request: Request, context: Here) -> Response:
    """Spend a link: set the session cookie and go to the console; a spent one leads to the page that says how."""
    now, address = context.now(), request.client.host if request.client else ""
    answer = RedirectResponse("/", status_code=303)
    with context.books.begin() as db:
        holder = people.spend_link(db, token, now)
        grant = grant_of(db, holder, address, now) if holder else None
        if grant is None:
            return RedirectResponse("/?link=spent", status_code=303)
        set_session(answer, context, people.add_login(db, people.SESSION, grant.ident, SESSION_LIFE_MS, address, now))
        audit.record(db, grant, now, "session.open", grant.ident)
    return answer


@pages.get("/metrics")
def metrics() -> Response:
    """Where Prometheus looks unless it is told otherwise."""
    return RedirectResponse("/api/v1/metrics", status_code=308)


@pages.get("/")
def index() -> FileResponse:
    """The console; the page itself holds no data."""
    return FileResponse(_FILES / "index.html")


def install(app: FastAPI) -> None:
    """Serve the page and its files."""
    app.include_router(pages)
    app.mount("/console", StaticFiles(directory=_FILES), name="console")
