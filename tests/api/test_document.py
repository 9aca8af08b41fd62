"""The OpenAPI document says everything that a client needs, and its examples have the shape of the real answers."""

from collections.abc import Iterator
from typing import Any

import pytest

from tests.api.served import Served

READ = {
    "/health": {}, "/sites": {}, "/meters": {}, "/alerts": {}, "/alerts/{ident}": {}, "/gateways": {},
    "/quarantine": {},
    "/readings": {"site": "steel-1", "meter": "incomer", "from": "2018-01-01", "to": "2018-01-02"},
    "/energy": {"site": "steel-1", "meter": "incomer", "from": "2018-01-01", "to": "2018-01-02"},
    "/pue": {"site": "dc-1", "from": "2018-01-01", "to": "2018-01-02"},
}  # fmt: skip


@pytest.fixture(scope="module")
def document(known: Served) -> dict[str, Any]:
    return known.get("/openapi.json")


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path.removeprefix("/api/v1"), operation


def test_every_operation_and_parameter_is_described(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        assert operation["description"], f"{method} {path}"
        for parameter in operation.get("parameters", ()):
            assert parameter["description"], f"{method} {path} {parameter['name']}"


def test_every_answer_has_an_example_and_every_error_is_a_problem(document: dict[str, Any]) -> None:
    for method, path, operation in operations(document):
        where = f"{method} {path}"
        for status, answer in operation["responses"].items():
            [(kind, content)] = answer["content"].items()
            if status < "400" or path == "/health":
                assert content["example"], where
                assert kind == ("text/event-stream" if path == "/stream" else "application/json"), where
            else:
                assert kind == "application/problem+json", where
                assert content["schema"] == {"$ref": "#/components/schemas/Problem"}, where
        assert ("401" in operation["responses"]) == (operation.get("security") != []), where
    assert "HTTPValidationError" not in str(document)


def test_every_body_has_descriptions_and_examples(document: dict[str, Any]) -> None:
    named = document["components"]["schemas"]
    bodies = [operation["requestBody"] for _, _, operation in operations(document) if "requestBody" in operation]
    assert len(bodies) >= 4
    for body in bodies:
        schema = named[body["content"]["application/json"]["schema"]["$ref"].rpartition("/")[2]]
        assert schema["description"]
        assert any("examples" in field for field in schema["properties"].values())


def test_it_says_how_to_authenticate(document: dict[str, Any]) -> None:
    schemes = document["components"]["securitySchemes"]
    assert {scheme for choice in document["security"] for scheme in choice} == schemes.keys()
    assert schemes["key"]["scheme"] == "bearer"


def shape(value: Any) -> Any:
    """The keys of an answer; of a list, those of its first item."""
    if isinstance(value, dict):
        return {
            key: shape(inner) for key, inner in value.items() if key not in ("detail", "evidence", "reasons", "values")
        }
    return [shape(value[0])] if isinstance(value, list) and value and isinstance(value[0], dict) else None


@pytest.mark.parametrize("path", READ)
def test_an_example_has_the_keys_of_the_real_answer(known: Served, document: dict[str, Any], path: str) -> None:
    example = document["paths"][f"/api/v1{path}"]["get"]["responses"]["200"]["content"]["application/json"]["example"]
    real = known.get(path.replace("{ident}", "1"), **READ[path])
    for item in (example, real):
        for one in item.get("items", []):
            one.pop("latest", None)
            one.pop("boundary", None)
    assert shape(real) == shape(example)
