"""Errors as RFC 9457 problems whose text says what to do."""

import logging
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import DataError, IntegrityError, SQLAlchemyError
from starlette.exceptions import HTTPException

from energy.errors import CarbonwatchError, InputError

_log = logging.getLogger(__name__)
_STATUS = {"not_found": 404, "bad_transition": 409, "no_journal": 409}


class NotFoundError(InputError):
    """The thing named in the path or query is not there."""

    def __init__(self, detail: str) -> None:
        super().__init__("not_found", detail)


def install(app: FastAPI) -> None:
    """Have every error of the app answered as a problem."""

    @app.exception_handler(InputError)
    def _input(_: Request, error: InputError) -> JSONResponse:
        return problem(_STATUS.get(error.reason, 422), error.detail, error.reason)

    @app.exception_handler(CarbonwatchError)
    @app.exception_handler(SQLAlchemyError)
    def _outside(_: Request, error: Exception) -> JSONResponse:
        _log.error("a neighbour does not answer: %s", error)
        return problem(503, "a part that this answer needs does not respond now; try again, and see /api/v1/health")

    @app.exception_handler(IntegrityError)
    def _together(_: Request, error: IntegrityError) -> JSONResponse:
        _log.warning("two at once: %s", error)
        return problem(409, "somebody else did the same at this moment: look at what is there now, and try again")

    @app.exception_handler(DataError)
    def _unkept(_: Request, error: DataError) -> JSONResponse:
        _log.warning("cannot be kept: %s", error)
        return problem(
            422, "a text or number in it cannot be kept: no NUL characters, nothing too large", "bad_request"
        )

    @app.exception_handler(RequestValidationError)
    def _invalid(_: Request, error: RequestValidationError) -> JSONResponse:
        said = "; ".join(f"{'.'.join(map(str, e['loc'][1:])) or 'body'}: {e['msg']}" for e in error.errors())
        return problem(422, said, "bad_request")

    @app.exception_handler(Exception)
    def _ours(_: Request, __: Exception) -> JSONResponse:
        return problem(500, "this is a fault of carbonwatch itself; the log of the API says more")

    @app.exception_handler(HTTPException)
    def _http(_: Request, error: HTTPException) -> JSONResponse:
        return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


def problem(status: int, detail: str, kind: str = "about:blank", headers: dict[str, str] | None = None) -> JSONResponse:
    """One problem document; what UTF-8 cannot write of `detail` (half a surrogate pair) becomes "?"."""
    text = detail.encode("utf-8", "replace").decode("utf-8")
    body = {"type": kind, "title": HTTPStatus(status).phrase, "status": status, "detail": text}
    return JSONResponse(body, status, headers, media_type="application/problem+json")
