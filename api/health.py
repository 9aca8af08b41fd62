"""Health: every part says how it is; 200 when all are well, else 503 with the reasons."""

import shutil
from pathlib import Path
from typing import Any

from fastapi import APIRouter, Response
from sqlalchemy.exc import SQLAlchemyError

from api.context import Context, Here
from energy.books import parts
from energy.books.open import look
from energy.errors import OutsideError
from energy.store.port import Series

router = APIRouter(tags=["health"])
_NOBODY = Series("meter", "-", "-")


@router.get("/health")
def get_health(context: Here, response: Response) -> dict[str, Any]:
    """No key is needed; `parts` lists each part with ok, detail and the age of its last word."""
    state = health(context)
    response.status_code = 200 if state["status"] == "ok" else 503
    return state


def health(context: Context) -> dict[str, Any]:
    """{status, parts}; a part that is expected and has not said anything is not well."""
    found = {"api": _part("api", ok=True), "store": _store(context), "books": _part("books", ok=True)}
    try:
        with look(context.books) as db:
            said = parts.heard(db, context.now())
    except SQLAlchemyError as error:
        said = {}
        found["books"] = _part("books", ok=False, reason=f"the books do not answer: {type(error).__name__}")
    for name in context.expected_parts:
        found[name] = said.get(name) or _part(name, ok=False, reason="has not started yet")
    if context.journal is not None and context.journal.parent.is_dir():
        found["disk"] = _disk(context.journal.parent, context.disk_free)
    well = all(part["ok"] for part in found.values())
    return {"status": "ok" if well else "degraded", "parts": [found[name] for name in sorted(found)]}


def _store(context: Context) -> dict[str, Any]:
    try:
        context.readings.before(_NOBODY, "p_kw", 0)  # the least that it can be asked
    except OutsideError as error:
        return _part("store", ok=False, reason=str(error))
    return _part("store", ok=True, kind=type(context.readings).__name__)


def _disk(folder: Path, least: int) -> dict[str, Any]:
    """The room that is left beside the journals: asked here too, for ingest cannot say it when there is none."""
    free = shutil.disk_usage(folder).free
    if free < least:
        reason = f"the disk is nearly full: {free:,} bytes are left, the limit is {least:,}"
        return _part("disk", ok=False, free_bytes=free, reason=reason)
    return _part("disk", ok=True, free_bytes=free)


def _part(name: str, *, ok: bool, **detail: Any) -> dict[str, Any]:
    return {"name": name, "ok": ok, "detail": detail, "age_s": 0.0}
