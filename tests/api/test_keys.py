"""Keys of programs: shown once, kept as a hash, bound to a role and scope, replaced with grace, useless at once."""

import hashlib
from typing import Any

import pytest
from sqlalchemy import select, update

from api.access import COOKIE
from energy.books import tables as t
from energy.books.open import look
from energy.window import parse_time
from tests.api.served import Served

UNIT = {"role": "developer", "scope": {"units": ["default"]}}
_DAY = 24 * 3600 * 1000


def make(one: Served, **body: Any) -> dict[str, Any]:
    """A new key as it is shown this once."""
    answer = one.http.post("/api/v1/keys", json={"name": "k", **UNIT, **body})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def status(one: Served, secret: str) -> int:
    """Of a read with this secret."""
    return one.bare.get("/api/v1/sites", headers={"Authorization": f"Bearer {secret}"}).status_code


def set_row(one: Served, ident: int, **values: object) -> None:
    """Have the books say something else of a key, such as that time has gone by."""
    with one.context.books.begin() as db:
        db.execute(update(t.api_key).where(t.api_key.c.id == ident).values(**values))


def test_a_secret_is_shown_once_and_the_books_have_its_hash(known: Served) -> None:
    key = make(known)
    assert key["secret"].startswith("cw_")
    assert len(key["secret"]) >= 46
    [listed] = [one for one in known.get("/keys")["items"] if one["id"] == key["id"]]
    assert listed == {name: value for name, value in key.items() if name != "secret"}
    with look(known.context.books) as db:
        row = db.execute(select(t.api_key).where(t.api_key.c.id == key["id"])).mappings().one()
    assert row["hash"] == hashlib.sha256(key["secret"].encode()).hexdigest()
    assert key["secret"] not in str(dict(row))
    assert status(known, row["hash"]) == 401, "the hash opens nothing"


def test_a_key_may_what_its_role_and_scope_say(known: Served) -> None:
    secret = make(known, name="of a site", role="plant_operator", scope={"sites": ["dc-1"]})["secret"]
    me = known.bare.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"}).json()
    assert (me["name"], me["role"], me["sites"], me["scope"]) == (
        "key of a site", "plant_operator", ["dc-1"], {"sites": ["dc-1"]}
    )  # fmt: skip


def test_nearly_a_key_is_none(known: Served) -> None:
    secret = make(known)["secret"]
    assert status(known, secret) == 200
    for near in (secret[:-1], secret + "x", secret.upper(), secret.removeprefix("cw_"), "x" + secret[1:], secret * 2):
        assert status(known, near) == 401


def test_a_key_ends_by_itself(known: Served) -> None:
    key = make(known, days=1)
    left = parse_time(key["expires_at"], "UTC") - known.context.now()
    assert _DAY - 60_000 < left <= _DAY
    set_row(known, key["id"], expires_at=known.context.now())
    assert status(known, key["secret"]) == 401
    for days in (0, 731, -1):
        assert known.http.post("/api/v1/keys", json={"name": "k", **UNIT, "days": days}).status_code == 422


def test_a_rotated_key_is_good_for_its_grace_and_no_longer(known: Served) -> None:
    old = make(known, role="plant_operator", scope={"sites": ["dc-1"]}, days=7)
    new = known.http.post(f"/api/v1/keys/{old['id']}/rotate", json={"grace_hours": 2, "days": 30}).json()
    assert {name: new[name] for name in ("name", "role", "scope")} == {name: old[name] for name in
                                                                       ("name", "role", "scope")}  # fmt: skip
    assert new["id"] != old["id"]
    assert new["secret"] != old["secret"]
    left = parse_time(new["expires_at"], "UTC") - known.context.now()
    assert 30 * _DAY - 60_000 < left <= 30 * _DAY
    assert (status(known, old["secret"]), status(known, new["secret"])) == (200, 200)
    [row] = [one for one in known.get("/keys")["items"] if one["id"] == old["id"]]
    grace = parse_time(row["revoked_at"], "UTC") - known.context.now()
    assert 2 * 3_600_000 - 60_000 < grace <= 2 * 3_600_000
    again = known.http.post(f"/api/v1/keys/{old['id']}/rotate", json={})
    assert (again.status_code, again.json()["type"]) == (409, "bad_transition")
    set_row(known, old["id"], revoked_at=known.context.now())
    assert (status(known, old["secret"]), status(known, new["secret"])) == (401, 200)


def test_grace_does_not_make_a_key_live_longer(known: Served) -> None:
    old = make(known, days=1)
    known.http.post(f"/api/v1/keys/{old['id']}/rotate", json={"grace_hours": 720})
    set_row(known, old["id"], expires_at=known.context.now())
    assert status(known, old["secret"]) == 401


def test_without_grace_the_old_secret_is_useless_at_once_and_so_is_what_it_opened(known: Served) -> None:
    old = make(known)
    headers = {"Authorization": f"Bearer {old['secret']}"}
    link = known.bare.post("/api/v1/console-links", headers=headers).json()["url"]
    session = {"Cookie": f"{COOKIE}={known.bare.get(link).cookies[COOKIE]}"}
    known.bare.cookies.clear()
    other = known.bare.post("/api/v1/console-links", headers=headers).json()["url"]
    assert known.bare.get("/api/v1/me", headers=session).json()["role"] == "developer"
    new = known.http.post(f"/api/v1/keys/{old['id']}/rotate", json={"grace_hours": 0}).json()
    assert (status(known, old["secret"]), status(known, new["secret"])) == (401, 200)
    assert known.bare.get("/api/v1/me", headers=session).status_code == 401
    assert known.bare.get(other).headers["location"] == "/?link=spent"


def test_a_revoked_key_is_useless_at_once_and_stays_so(known: Served) -> None:
    key = make(known)
    headers = {"Authorization": f"Bearer {key['secret']}"}
    link = known.bare.post("/api/v1/console-links", headers=headers).json()["url"]
    assert known.http.delete(f"/api/v1/keys/{key['id']}").status_code == 204
    assert status(known, key["secret"]) == 401
    assert known.bare.get(link).headers["location"] == "/?link=spent"
    assert known.http.post(f"/api/v1/keys/{key['id']}/rotate", json={}).status_code == 409
    for ident in (0, 10**6, 2**62, -1):
        assert known.http.delete(f"/api/v1/keys/{ident}").status_code == 404


def test_a_link_that_outlived_its_key_opens_nothing(known: Served) -> None:
    key = make(known)
    link = known.bare.post("/api/v1/console-links", headers={"Authorization": f"Bearer {key['secret']}"}).json()["url"]
    set_row(known, key["id"], expires_at=known.context.now())
    answer = known.bare.get(link)
    assert (answer.headers["location"], "set-cookie" in answer.headers) == ("/?link=spent", False)


SCOPES: list[tuple[str, dict[str, Any]]] = [
    ("officer", {}), ("officer", {"everything": True}), ("officer", {"units": ["default"]}),
    ("officer", {"regions": ["default"], "sites": ["dc-1"]}), ("officer", {"regions": []}),
    ("energy_manager", {"regions": ["default"]}), ("energy_manager", {"units": ["default"], "everything": True}),
    ("plant_operator", {"units": ["default"]}), ("developer", {"sites": ["dc-1"]}), ("auditor", {}),
    ("auditor", {"units": ["default"]}), ("admin", {"sites": ["dc-1"]}), ("admin", {}),
    ("officer", {"regions": ["none"]}), ("energy_manager", {"units": ["default", "none"]}),
    ("plant_operator", {"sites": ["dc-1", "dc-2"]}), ("plant_operator", {"sites": ["\x00"]}),
]  # fmt: skip


@pytest.mark.parametrize(("role", "scope"), SCOPES)
def test_a_scope_that_does_not_suit_its_role_is_refused_everywhere(
    known: Served, role: str, scope: dict[str, Any]
) -> None:
    bound = {"role": role, "scope": scope}
    known.http.post("/api/v1/accounts/scoped", json={"password": "long enough it is", **UNIT})
    before = known.get("/keys"), known.get("/accounts")
    for answer in (
        known.http.post("/api/v1/keys", json={"name": "k", **bound}),
        known.http.post("/api/v1/accounts/never", json={"password": "long enough it is", **bound}),
        known.http.patch("/api/v1/accounts/scoped", json=bound),
    ):
        assert (answer.status_code, answer.json()["type"]) == (422, "bad_scope")
    assert (known.get("/keys"), known.get("/accounts")) == before


@pytest.mark.parametrize("change", [{"role": "admin"}, {"scope": {"everything": True}}])
def test_role_and_scope_are_changed_together(known: Served, change: dict[str, Any]) -> None:
    known.http.post("/api/v1/accounts/both", json={"password": "long enough it is", **UNIT})
    assert known.http.patch("/api/v1/accounts/both", json=change).status_code == 422


def test_an_account_is_made_once(known: Served) -> None:
    body = {"password": "long enough it is", **UNIT}
    assert known.http.post("/api/v1/accounts/one", json=body).status_code == 201
    again = known.http.post("/api/v1/accounts/one", json=body)
    assert (again.status_code, again.json()["type"]) == (422, "taken")
    for name in ("a b", "x" * 65, "%00"):
        assert known.http.post(f"/api/v1/accounts/{name}", json=body).status_code == 422
        assert known.http.patch(f"/api/v1/accounts/{name}", json={}).status_code == 422
    assert known.http.patch("/api/v1/accounts/nobody", json={}).status_code == 404
