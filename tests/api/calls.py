"""A call of every route that an application has, made from the routes themselves and the OpenAPI document."""

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
import pandas
from fastapi import FastAPI

from api.walk import walk
from energy.access import ALLOWED, Permission, Role

# What is open to all, and says nothing of anybody's data.
PUBLIC = {
    ("GET", "/api/v1/health"), ("POST", "/api/v1/sessions"), ("GET", "/api/v1/openapi.json"),
    ("HEAD", "/api/v1/openapi.json"), ("GET", "/enter"), ("GET", "/metrics"), ("GET", "/"), ("*", "/console"),
}  # fmt: skip
WRITES = ("POST", "PUT", "PATCH", "DELETE")


@dataclass(frozen=True, slots=True)
class Call:
    """One guarded operation: its path with names in braces, what the document says of it, its permission."""

    method: str
    path: str
    operation: dict[str, Any]
    permission: Permission

    @property
    def key(self) -> tuple[str, str]:
        """Method and path below /api/v1."""
        return self.method, self.path.removeprefix("/api/v1")

    @property
    def writes(self) -> bool:
        """Whether it may change something."""
        return self.method in WRITES

    @property
    def parameters(self) -> list[dict[str, Any]]:
        """Those of the path and the query."""
        return [one for one in self.operation.get("parameters", []) if one["in"] in ("path", "query")]

    def allowed(self, role: Role) -> bool:
        """Whether the role may."""
        return self.permission in ALLOWED[role]

    def names(self, name: str) -> bool:
        """Whether the path, the query or the body asks for this."""
        return any(one["name"] == name for one in self.parameters) or name in (self.body({}) or {})

    def body(self, given: Mapping[str, Any]) -> Any:
        """The example body with the given names in it, None where there is none."""
        if "requestBody" not in self.operation:
            return None
        body = deepcopy(self.operation["requestBody"]["content"]["application/json"]["example"])
        return body | {name: value for name, value in given.items() if name in body}

    def request(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The arguments for httpx: what is required of path and query, and whatever else is given."""
        path = re.sub(r"\{(\w+)\}", lambda found: str(given[found[1]]), self.path)
        query = {
            one["name"]: given[one["name"]]
            for one in self.parameters
            if one["in"] == "query" and (one["required"] or one["name"] in given)
        }
        return {"method": self.method, "url": path, "params": query, "json": self.body(given)}


def calls(app: FastAPI) -> list[Call]:
    """Every guarded operation; KeyError for a guarded route that the document does not know."""
    paths = app.openapi()["paths"]
    return [
        Call(method, found.path, paths[found.path][method.lower()], found.permissions[0])
        for found in walk(app.routes)
        if found.permissions
        for method in found.methods
        if method != "HEAD"
    ]


def unruled(app: FastAPI) -> Iterator[str]:
    """The routes that have no rule, or several, and are not among those that are open to all."""
    for found in walk(app.routes):
        for method in found.methods:
            wanted = 0 if (method, found.path) in PUBLIC else 1
            if len(found.permissions) != wanted:
                yield f"{method} {found.path}"


def said(answer: httpx.Response) -> str:
    """Everything that an answer says as text, also in the cells of a workbook or the columns of a Parquet file."""
    content = answer.content
    out = [str(answer.headers)]
    if content.startswith(b"PK"):
        with zipfile.ZipFile(io.BytesIO(content)) as parts:
            out += [parts.read(name).decode("utf-8", "replace") for name in parts.namelist()]
    elif content.startswith(b"PAR1"):
        out.append(pandas.read_parquet(io.BytesIO(content)).to_csv())
    else:
        out.append(content.decode("utf-8", "replace"))
    return "\n".join(out)
