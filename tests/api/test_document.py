"""The OpenAPI document says everything that a client needs, and its examples have the shape of the real answers."""

import re
from typing import Any

import pytest

from api import schemas
from api.document import operations
from api.examples import BODIES, EXAMPLES
from api.reference import document_of_the_api, reference
from energy.access import Role
from energy.books import parts
from tests.api.calls import PUBLIC
from tests.api.served import Served
from tests.source import ROOT

RANGE = {"from": "2018-01-01", "to": "2018-01-02"}
GIVEN = {
    "/readings": {"site": "steel-1", "meter": "incomer", **RANGE},
    "/energy": {"site": "steel-1", "meter": "incomer", **RANGE}, "/pue": {"site": "dc-1", **RANGE},
}  # fmt: skip
NAMES = {"site": "steel-1", "meter": "incomer", "gateway": "gw-1", "ident": "1", "region": "default", "unit": "default"}
READ = [path for (method, path), one in EXAMPLES.items() if method == "get" and not isinstance(one, str)]
FREE = {"latest", "boundary", "scope", "before", "after"}  # in these an example shows one of several shapes


@pytest.fixture(scope="module")
def document(known: Served) -> dict[str, Any]:
    return known.get("/openapi.json")


def test_every_operation_and_parameter_is_described(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["description"], f"{method} {path}"
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], f"{method} {path} {parameter['name']}"


def test_every_answer_has_an_example_and_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        for status, answer in operation["responses"].items():
            where = f"{method} {path} {status}"
            assert answer["description"], where
            if status in ("204", "304"):
                assert "content" not in answer, where
            elif status < "400" or path == "/health":
                kinds = [{"/stream": "text/event-stream", "/metrics": "text/plain"}.get(path, "application/json")]
                assert list(answer["content"]) == kinds or path.startswith("/exports/"), where
                assert all(content["example"] for content in answer["content"].values()), where
            else:
                [(kind, content)] = answer["content"].items()
                assert kind == "application/problem+json", where
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where
        assert ("401" in operation["responses"]) == (path != "/health")
    assert "HTTPValidationError" not in str(document)


def test_what_is_refused_before_any_route_is_among_the_problems_of_each(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert path == "/health" or {"421", "429", "431"} <= operation["responses"].keys(), f"{method} {path}"
    assert "409" in document["paths"]["/api/v1/journal"]["get"]["responses"]


def test_what_is_open_to_all_says_so_and_all_else_names_the_roles(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        is_open = (method.upper(), f"/api/v1{path}") in PUBLIC
        assert (operation.get("security") == []) == is_open, f"{method} {path}"
        assert bool(operation["x-roles"]) != is_open, f"{method} {path}"


def test_every_body_has_an_example_that_its_schema_takes(document: dict[str, Any]) -> None:
    """The schema's class is asked; what else is wrong with a body, the tests of the record would show."""
    found = {(method, path): one["requestBody"] for method, path, one in operations(document) if "requestBody" in one}
    assert found.keys() == BODIES.keys()
    for where, body in found.items():
        [(kind, content)] = body["content"].items()
        name = content["schema"]["$ref"].rpartition("/")[2]
        assert kind == "application/json"
        assert document["components"]["schemas"][name]["description"], where
        getattr(schemas, name).model_validate(content["example"])


def test_every_field_of_a_body_has_a_type_that_is_bounded(document: dict[str, Any]) -> None:
    """No text, list or number without an end comes in."""
    for name, schema in document["components"]["schemas"].items():
        if not name.endswith("Body") and name != "AccountChange":
            continue
        for field, wanted in schema["properties"].items():
            for one in wanted.get("anyOf", [wanted]):
                if field == "multiplier":  # a number whose digits are counted, also as text
                    continue
                bound = {"string": ("maxLength", "enum", "pattern", "const", "format"), "array": ("maxItems",),
                         "integer": ("maximum",)}.get(one.get("type", ""), ())  # fmt: skip
                assert not bound or set(bound) & one.keys(), f"{name}.{field}"


def test_it_says_how_to_authenticate(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme for choice in document["security"] for scheme in choice} == schemes.keys()
    assert schemes["key"]["scheme"] == "bearer"


def shape(value: Any) -> Any:
    """The keys of an answer; of a list, those of its first item."""
    if isinstance(value, dict):
        inside = ("detail", "evidence", "reasons", "values")
        return {key: None if key in FREE else shape(one) for key, one in value.items() if key not in inside}
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


@pytest.fixture(scope="module")
def busy(known: Served) -> Served:
    """The known world with an account, a key and a session, and on record who made them."""
    scope = {"everything": True}
    password = "as long as it has to be"
    known.http.post("/api/v1/accounts/busy", json={"password": password, "role": "admin", "scope": scope})
    known.http.post("/api/v1/keys", json={"name": "k", "role": "admin", "scope": scope})
    assert known.bare.post("/api/v1/sessions", json={"name": "busy", "password": password}).status_code == 201
    known.bare.cookies.clear()
    return known


@pytest.mark.parametrize("path", READ)
def test_an_example_has_the_keys_of_the_real_answer(busy: Served, document: dict[str, Any], path: str) -> None:
    example = document["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    with busy.context.books.begin() as db:
        parts.say(db, "ingest", ok=True, detail={}, now=busy.context.now())
    real = busy.get(path.format(**NAMES), **GIVEN.get(path, {}))
    assert shape(real) == shape(example)


def test_the_reference_is_the_one_that_the_document_makes() -> None:
    """Make it again by `python -m api.reference > docs/api.md`."""
    assert (ROOT / "docs" / "api.md").read_text("utf-8") == reference(document_of_the_api())


def test_the_reference_has_every_call_with_its_roles_parameters_and_errors(document: dict[str, Any]) -> None:
    page = reference(document)
    parts_of = dict(re.findall(r"^### (\w+ \S+)\n(.*?)(?=^##|\Z)", page, re.MULTILINE | re.DOTALL))
    found = list(operations(document))
    assert len(parts_of) == len(found)
    for method, path, operation in found:
        part = parts_of[f"{method.upper()} {path}"]
        assert operation["description"] in part
        assert f"](#{method}-" in page
        for role in Role:
            named = re.search(rf"^Who may: .*({role}|every role)", part, re.MULTILINE)
            assert bool(named) == (role in operation["x-roles"]), f"{method} {path} {role}"
        for parameter in operation.get("parameters", ()):
            assert f"| `{parameter['name']}` in the {parameter['in']} |" in part
        for status in operation["responses"]:
            assert re.search(rf"^(Answer|Errors:).*\b{status}\b", part, re.MULTILINE), f"{method} {path} {status}"


def test_the_documents_name_the_command_that_makes_the_reference() -> None:
    assert "python -m api.reference > docs/api.md" in (ROOT / "CONTRIBUTING.md").read_text("utf-8")
