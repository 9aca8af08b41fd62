"""Writes the reference of the HTTP API, docs/api.md, from the OpenAPI document: `python -m api.reference`."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from sqlalchemy import create_engine

from api.app import create_app
from api.context import Context
from api.document import Json, operations
from energy.access import Role
from energy.store.sqlite import SqliteStore

_HEAD = """# The HTTP API

Made by `python -m api.reference` from what `/api/v1/openapi.json` says; do not edit it by hand.

- **Where**: every path below is under `/api/v1`. `/` is the console, `/enter?token=` spends a console link.
- **Who**: send a key as `Authorization: Bearer KEY`, or sign in (`POST /sessions`) and send the cookie. A write by
  cookie needs the header `X-Carbonwatch: 1` as well.
- **What is open to you**: sites, and all that belongs to them, within the regions, units or sites that your account or
  key is bound to. What is not open to you answers 404, as what does not exist.
- **Lists** answer `{"items": […], "next": …}`: repeat the call with `cursor` = `next` until that is null.
- **Times** are taken as a date, a time of the site's zone, or RFC 3339 with an offset, and shown in RFC 3339.
- **Errors** are problems (RFC 9457, `application/problem+json`) such as

```json
%s
```
"""
_WIDE = 110
_PLAIN = {
    "object": "object",
    "string": "text",
    "integer": "whole number",
    "number": "number",
    "boolean": "true or false",
}


def reference(document: Json) -> str:
    """The whole page, in Markdown."""
    named = document["components"]["schemas"]
    found = list(operations({"paths": _inlined(document["paths"], named)}))
    problem = {name: field["examples"][0] for name, field in named["Problem"]["properties"].items()}
    parts = [_HEAD % _json(problem), _errors(found), _overview(found)]
    for tag in dict.fromkeys(operation["tags"][0] for _, _, operation in found):
        parts.append(f"## {tag[0].upper()}{tag[1:]}\n")
        parts += [_call(*one) for one in found if one[2]["tags"][0] == tag]
    return "\n".join(parts)


def _overview(found: list[tuple[str, str, Json]]) -> str:
    rows = ["| call | who may |", "|---|---|"]
    rows += [f"| [`{method.upper()} {path}`](#{_anchor(method, path)}) | {_who(one)} |" for method, path, one in found]
    return "## All calls\n\n" + "\n".join(rows) + "\n"


def _errors(found: list[tuple[str, str, Json]]) -> str:
    said = {
        status: answer["description"]
        for _, _, operation in found
        for status, answer in operation["responses"].items()
        if "application/problem+json" in answer.get("content", {})
    }
    rows = ["| status | meaning |", "|---|---|", *(f"| {status} | {said[status]} |" for status in sorted(said))]
    return "\n".join(rows) + "\n"


def _anchor(method: str, path: str) -> str:
    return f"{method} {path}".replace(" ", "-").translate(str.maketrans("", "", "/{}"))


def _who(operation: Json) -> str:
    if operation.get("security") == []:
        return "anybody, without a key"
    roles = operation["x-roles"]
    return "every role" if len(roles) == len(Role) else ", ".join(roles)


def _call(method: str, path: str, operation: Json) -> str:
    lines = [f"### {method.upper()} {path}", "", operation["description"], "", f"Who may: {_who(operation)}.", ""]
    lines += _parameters(operation)
    if "requestBody" in operation:
        for kind, content in operation["requestBody"]["content"].items():
            lines += [f"Body ({kind}):", "", *_fields(content["schema"])]
            lines += _example(content)
    for status, answer in operation["responses"].items():
        if status < "400":
            lines += [f"Answer {status}: {answer['description']}", ""]
            for kind, content in answer.get("content", {}).items():
                lines += [] if kind == "application/json" else [f"As `{kind}`:", ""]
                lines += _example(content) if status != "201" or method != "put" else []
    errors = [f"{status}" for status in operation["responses"] if status >= "400"]
    return "\n".join([*lines, f"Errors: {', '.join(errors)}.", ""])


def _parameters(operation: Json) -> list[str]:
    rows = [
        _row(f"`{one['name']}` in the {one['in']}", one["schema"], one["required"], one["description"])
        for one in operation.get("parameters", ())
    ]
    return [*_table("parameter"), *rows, ""] if rows else []


def _fields(schema: Json) -> list[str]:
    rows = list(_below("", schema))
    return [*_table("field"), *rows, ""] if rows else []


def _below(prefix: str, schema: Json) -> Iterator[str]:
    """A row for each field, and below an object those of its own."""
    for name, field in schema.get("properties", {}).items():
        inner = next((one for one in _choices(field) if "properties" in one), {})
        said = field.get("description") or inner.get("description", "")
        yield _row(f"`{prefix}{name}` of the body", field, name in schema.get("required", ()), said)
        yield from _below(f"{prefix}{name}.", inner)


def _table(first: str) -> list[str]:
    return [f"| {first} | type | default | meaning |", "|---|---|---|---|"]


def _row(first: str, schema: Json, required: bool, said: str) -> str:
    return f"| {first} | {_type(schema)} | {_needed(schema, required)} | {' '.join(said.replace('|', '').split())} |"


def _inlined(part: Any, named: Json) -> Any:
    """The part of a document with every reference to a schema replaced by the schema."""
    if isinstance(part, dict):
        if "$ref" in part:
            return _inlined(named[part["$ref"].rpartition("/")[2]], named)
        return {key: _inlined(value, named) for key, value in part.items()}
    return [_inlined(one, named) for one in part] if isinstance(part, list) else part


def _choices(schema: Json) -> list[Json]:
    return list(schema.get("anyOf", [schema]))


def _type(schema: Json) -> str:
    return " or ".join(dict.fromkeys(_one_type(one) for one in _choices(schema)))


def _one_type(schema: Json) -> str:
    if "enum" in schema or "const" in schema:
        return ", ".join(f"`{value}`" for value in schema.get("enum", [schema.get("const")]))
    kind = str(schema.get("type", "anything"))
    if kind == "array":
        return f"list of {_type(schema.get('items', {}))}"
    return _PLAIN.get(kind, kind) + _bounds(schema)


def _bounds(schema: Json) -> str:
    low, high = schema.get("minimum"), schema.get("maximum")
    if isinstance(low, int) and isinstance(high, int):
        return f", {low} to {high}"
    return f", at most {schema['maxLength']} characters" if "maxLength" in schema else ""


def _needed(schema: Json, required: bool) -> str:
    if required:
        return "must be given"
    default = schema.get("default")
    return "" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"


def _example(content: Json) -> Iterator[str]:
    example: Any = content.get("example")
    if isinstance(example, str):
        yield from ("```text", *example.rstrip().splitlines(), "```", "")
    elif example is not None:
        yield from ("```json", _json(example), "```", "")


def _json(value: Any, before: str = "") -> str:
    """JSON for reading: what fits stands on one line."""
    line = json.dumps(value, ensure_ascii=False)
    if len(before) + len(line) <= _WIDE or not isinstance(value, dict | list):
        return line
    inner = before + "  "
    if isinstance(value, dict):
        items = [f"{inner}{json.dumps(key, ensure_ascii=False)}: {_json(one, inner)}" for key, one in value.items()]
    else:
        items = [f"{inner}{_json(one, inner)}" for one in value]
    first, last = "{}" if isinstance(value, dict) else "[]"
    return first + "\n" + ",\n".join(items) + f"\n{before}{last}"


def document_of_the_api() -> Json:
    """The OpenAPI document of this version, without anything running."""
    with TemporaryDirectory() as folder:
        store = SqliteStore(Path(folder) / "none.db")
        document: Json = create_app(Context(create_engine("sqlite://"), store, store, "", "", ())).openapi()
        store.close()
    return document


if __name__ == "__main__":
    sys.stdout.write(reference(document_of_the_api()))
