"""The console's page and files, and the single-use link that opens it."""

from pathlib import Path

from fastapi import APIRouter, FastAPI, Response
from fastapi.responses import FileResponse, RedirectResponse
from fastapi.staticfiles import StaticFiles
from starlette.exceptions import HTTPException

from api.access import COOKIE, LINK_LIFE_MS, SESSION_LIFE_MS, Actor, make_secret, open_session
from api.context import Here

_FILES = Path(__file__).parent / "console"
links = APIRouter(tags=["console"])
pages = APIRouter(include_in_schema=False)


@links.post("/console-links", status_code=201)
def make_link(context: Here, _: Actor) -> dict[str, str]:
    """A link that opens the console once, within a day."""
    with context.books.begin() as db:
        secret = make_secret(db, "link", LINK_LIFE_MS, context.now())
    return {"url": f"{context.url}/enter?token={secret}"}


@pages.get("/enter")
def enter(token: str, context: Here) -> Response:
    """Spend a link: set the session cookie and go to the console."""
    session = open_session(context, token)
    if session is None:
        raise HTTPException(401, "this link was used already or is too old: get another by `carbonwatch console`")
    answer = RedirectResponse("/", status_code=303)
    answer.set_cookie(
        COOKIE, session, max_age=SESSION_LIFE_MS // 1000, httponly=True, samesite="strict",
        secure=context.url.startswith("https:"), path="/",
    )  # fmt: skip
    return answer


@pages.get("/")
def index() -> FileResponse:
    """The console; the page itself holds no data."""
    return FileResponse(_FILES / "index.html")


def install(app: FastAPI) -> None:
    """Serve the page and its files."""
    app.include_router(pages)
    app.mount("/console", StaticFiles(directory=_FILES), name="console")
