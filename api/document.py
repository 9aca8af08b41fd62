"""The OpenAPI document: who may call what, how to authenticate, and an example of every answer, body and problem."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from api.access import COOKIE
from api.examples import BODIES, EXAMPLES, STREAM
from api.idempotency import HEADER, SECRET
from api.walk import walk
from energy.access import Role

Json = dict[str, Any]
BASE = "/api/v1"
WRITES = ("post", "put", "patch", "delete")
_PARAMETERS = {
    "site": "A site's id, see /sites.",
    "meter": "A meter's id within its site, see /meters.",
    "gateway": "A gateway's name within its site, see /registered-gateways.",
    "unit": "A unit's id, see /units.",
    "region": "A region's id, see /regions.",
    "name": "An account's name, see /accounts.",
    "ident": "The id that the list of these things shows.",
    "state": "Only alerts that a person has taken so far.",
    "kind": "Only alerts of this kind.",
    "reason": "Only what was refused for this reason; `reasons` in the answer lists them.",
    "step": "The length of each window.",
    "actor": "Only what this one did, named as in the entries.",
    "action": "Only this kind of action, such as `site.put`.",
}
_ERRORS = {
    "400": "The body cannot be read.",
    "401": "No valid key or session.",
    "403": "Your role may not do this, or a write by cookie came without the header `X-Carbonwatch: 1`.",
    "404": "There is no such thing, or none that is open to you; `detail` says where to look.",
    "408": "The body came too slowly.",
    "409": "The state of the thing does not allow this, or somebody else changed it at this moment.",
    "412": "It is not as `If-Match` or `If-None-Match` says; read it again.",
    "413": "The body is larger than this may bring.",
    "421": "The request's `Host` is no name of this API; `detail` says how to give it one.",
    "422": "A parameter or the body makes no sense; `detail` says which and why.",
    "429": "Too many requests; `Retry-After` says in how many seconds to come again.",
    "431": "The request's head, with its query, is too large.",
    "503": "A part that the answer needs does not respond now; try again.",
}
_ONCE = {
    "name": HEADER, "in": "header", "required": False, "schema": {"type": "string", "maxLength": 255},
    "description": "Any text of your own, such as a UUID: sent again with it, the call has its effect once.",
}  # fmt: skip
_PROBLEM = {
    "type": "object",
    "description": "A problem as in RFC 9457; `type` is a short stable word, `detail` says what to do.",
    "required": ["type", "title", "status", "detail"],
    "properties": {
        "type": {"type": "string", "examples": ["not_found"]},
        "title": {"type": "string", "examples": ["Not Found"]},
        "status": {"type": "integer", "examples": [404]},
        "detail": {"type": "string", "examples": ["no site 'steel-9' is open to you: see /api/v1/sites"]},
    },
}


def install(app: FastAPI) -> None:
    """Have `app.openapi()` give the whole document."""
    plain = app.openapi

    def described() -> Json:
        if app.openapi_schema is None:
            document = plain()
            roles = {
                (method.lower(), found.path): found.roles if found.permissions else None
                for found in walk(app.routes)
                for method in found.methods
            }
            _describe(document, roles)
        return app.openapi_schema or {}

    app.openapi = described  # type: ignore[method-assign]


def operations(document: Json) -> Iterator[tuple[str, str, Json]]:
    """Every operation: its method in small letters, its path below /api/v1, and what the document says of it."""
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path.removeprefix(BASE), operation


def _describe(document: Json, roles: dict[tuple[str, str], tuple[Role, ...] | None]) -> None:
    document["security"] = [{"key": []}, {"session": []}]
    components = document["components"]
    components["securitySchemes"] = {
        "key": {"type": "http", "scheme": "bearer",
                "description": "An API key, see /keys; the first one is in DATA/admin.key."},
        "session": {"type": "apiKey", "in": "cookie", "name": COOKIE,
                    "description": "Set by signing in or by a console link; a write then needs `X-Carbonwatch: 1`."},
    }  # fmt: skip
    for name in ("HTTPValidationError", "ValidationError"):
        components["schemas"].pop(name, None)
    components["schemas"]["Problem"] = _PROBLEM
    for method, path, operation in operations(document):
        allowed = roles[method, BASE + path]
        if allowed is None:
            operation["security"] = []
        operation["x-roles"] = [str(role) for role in allowed or ()]
        if method in WRITES and allowed is not None and not (method == "post" and SECRET.fullmatch(path)):
            operation.setdefault("parameters", []).append(dict(_ONCE))
        for parameter in operation.get("parameters", ()):
            parameter.setdefault("description", _PARAMETERS.get(parameter["name"], ""))
        if (method, path) in BODIES:
            operation["requestBody"]["content"]["application/json"]["example"] = BODIES[method, path]
        _answers(method, path, operation)


def _answers(method: str, path: str, operation: Json) -> None:
    answers = operation["responses"]
    answers.pop("422", None)
    status, well = next(iter(answers.items()))
    well["description"] = {"201": "It is made.", "204": "It is done."}.get(status, "The answer.")
    if path == "/stream":
        well["content"] = {"text/event-stream": {"schema": {"type": "string"}, "example": STREAM}}
    elif (method, path) in EXAMPLES:
        example = EXAMPLES[method, path]
        text = "text/plain" if path == "/metrics" else "text/csv"
        well["content"][text if isinstance(example, str) else "application/json"]["example"] = example
    if path == "/health":
        answers["503"] = {**well, "description": "A part is not well."}
        return
    if method == "get" and "application/json" in well["content"]:
        answers["304"] = {"description": "It is as `If-None-Match`, the ETag of an answer before, says."}
    if method == "put":
        well["description"] = "It was there, and is like this now."
        answers["201"] = {**well, "description": "It is new."}
    for error in _errors(method, path, operation):
        content = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
        answers[error] = {"description": _ERRORS[error], "content": content}


def _errors(method: str, path: str, operation: Json) -> list[str]:
    said = ["421", "429", "431", "503"]
    guarded, names = operation.get("security", True), operation.get("parameters", ())
    if guarded or "requestBody" in operation:
        said += ["401"]
    if names or "requestBody" in operation:
        said += ["422"]
    known = [one["name"] for one in names if one["in"] == "path"] + ["ident"] * (method == "delete")
    if known or {"site", "meter"} & {*(one["name"] for one in names), *BODIES.get((method, path), ())}:
        said += ["404"]
    if guarded and (method in WRITES or len(operation["x-roles"]) < len(Role)):
        said += ["403"]
    if (method in WRITES and guarded) or path == "/journal":
        said += ["409"]
    if "requestBody" in operation:
        said += ["400", "408", "413"]
    if any(one["name"] == "if-match" for one in names):
        said += ["412"]
    return sorted(said)
