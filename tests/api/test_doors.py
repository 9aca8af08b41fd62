"""The register of gateways over the API: what a change keeps, what cannot be registered, and that books follow."""

import pytest

from energy.books import doors
from energy.books.open import look
from tests.api.served import Served

GATEWAY = "/api/v1/sites/dc-1/gateways/gw-1"


def let_in(one: Served) -> doors.Doors:
    with look(one.context.books) as db:
        return doors.let_in(db)


def test_a_gateway_is_registered_disabled_and_taken_off(fresh: Served) -> None:
    assert "dc-1" not in let_in(fresh)
    made = fresh.http.put(GATEWAY, json={"credential": "abc123"})
    assert (made.status_code, made.json()["enabled"], made.json()["credential"]) == (201, True, "abc123")
    assert let_in(fresh)["dc-1"] == {"gw-1"}
    changed = fresh.http.put(GATEWAY, json={"enabled": False})
    assert (changed.status_code, changed.json()["enabled"], changed.json()["credential"]) == (200, False, "abc123")
    assert changed.json()["created_at"] == made.json()["created_at"]
    assert let_in(fresh)["dc-1"] == set()
    assert fresh.http.delete(GATEWAY).status_code == 204
    assert "dc-1" not in let_in(fresh)
    assert fresh.http.delete(GATEWAY).status_code == 404


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/api/v1/sites/dc-1/gateways/manual", {}, 422), ("/api/v1/sites/dc-1/gateways/a%20b", {}, 422),
        ("/api/v1/sites/none-1/gateways/gw-1", {}, 404), (GATEWAY, {"credential": "no hex"}, 422),
    ],
)  # fmt: skip
def test_what_cannot_be_registered(known: Served, path: str, body: dict[str, str], status: int) -> None:
    answer = known.http.put(path, json=body)
    assert answer.status_code == status, answer.text
    assert "dc-1" not in let_in(known)


def test_only_what_was_seen_is_changed(fresh: Served) -> None:
    assert fresh.http.put(GATEWAY, json={}, headers={"If-None-Match": "*"}).status_code == 201
    assert fresh.http.put(GATEWAY, json={}, headers={"If-None-Match": "*"}).status_code == 412
    seen = fresh.http.get(GATEWAY).headers["etag"]
    assert fresh.http.put(GATEWAY, json={"enabled": False}, headers={"If-Match": seen}).status_code == 200
    assert fresh.http.put(GATEWAY, json={"enabled": True}, headers={"If-Match": seen}).status_code == 412
