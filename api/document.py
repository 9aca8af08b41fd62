"""The OpenAPI document: how to authenticate, an example of every answer, and every error as a problem."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.access import COOKIE
from api.examples import EXAMPLES, STREAM

Json = dict[str, Any]
_BASE = "/api/v1"
_PARAMETERS = {
    "site": "A site's id, see /sites.",
    "meter": "A meter's id within its site, see /meters.",
    "ident": "An alert's id.",
    "state": "Only alerts that a person has taken so far.",
    "kind": "Only alerts of this kind.",
    "reason": "Only what was refused for this reason; `reasons` in the answer lists them.",
    "step": "The length of each window.",
}
_ERRORS = {
    "400": "The body cannot be read.",
    "401": "No valid key or session.",
    "403": "A write by cookie without the header X-Carbonwatch: 1.",
    "404": "There is no such thing; `detail` says where to look.",
    "409": "The alert's state does not allow this.",
    "422": "A parameter or the body makes no sense; `detail` says which and why.",
    "503": "A part that the answer needs does not respond now; try again.",
}
_PROBLEM = {
    "type": "object",
    "description": "A problem as in RFC 9457; `type` is a short stable word, `detail` says what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["not_found"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["no site 'steel-9': see /api/v1/sites"]},
    },
}


def install(app: FastAPI) -> None:
    """Have `app.openapi()` give the whole document."""
    plain = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            _describe(plain())
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]


def _describe(document: Json) -> None:
    document["security"] = [{"key": []}, {"console": []}]
    components = document["components"]
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer", "description": "The key in DATA/admin.key."},
        "console": {"type": "apiKey", "in": "cookie", "name": COOKIE, "description": "Set by a console link."},
    }
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = _PROBLEM
    for method, path, operation in _operations(document):
        for parameter in operation.get("parameters", ()):
            parameter.setdefault("description", _PARAMETERS.get(parameter["name"], ""))
        _answers(method, path, operation)


def _operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path.removeprefix(_BASE), operation


def _answers(method: str, path: str, operation: Json) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    well = next(iter(answers.values()))
    if path == "/stream":
        well["content"] = {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}}
    elif (method, path) in EXAMPLES:
        well["content"]["application/json"]["example"] = EXAMPLES[method, path]
    if path == "/health":
        operation["security"] = []
        answers["503"] = {**well, "description": "A part is not well."}
        return
    if method == "put":
        answers["201"] = {**well, "description": "It is new."}
    for status in _errors(method, path):
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers[status] = {"description": _ERRORS[status], "content": content}


def _errors(method: str, path: str) -> list[str]:
    writes = ["400", "403"] if method in ("put", "post") else []
    moves = ["409"] if path.endswith(("/acknowledge", "/resolve")) else []
    return sorted(["401", "404", "422", "503", *writes, *moves])
