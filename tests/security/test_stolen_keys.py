"""A key or session that got into wrong hands: it ends by itself, and at once when somebody says so."""

import time
from typing import Any

import httpx
import pytest
from sqlalchemy import update

from api.access import COOKIE
from energy.access import EVERYTHING, Role
from energy.books import people
from energy.books import tables as t
from tests.api.served import Served

PASSWORD = "a long sentence is best"
WANTED = {"name": "gateway shop", "role": "auditor", "scope": {"everything": True}}


def make(one: Served, **more: Any) -> dict[str, Any]:
    answer = one.http.post("/api/v1/keys", json={**WANTED, **more})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def works(one: Served, secret: str) -> bool:
    answer = one.bare.get("/api/v1/me", headers={"Authorization": f"Bearer {secret}"})
    assert answer.status_code in (200, 401)
    return answer.status_code == 200


def later(one: Served, monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    now = one.context.now() + round(seconds * 1000)
    monkeypatch.setattr(type(one.context), "now", staticmethod(lambda: now))


def test_a_key_ends_when_its_days_are_over(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    secret = make(fresh, days=1)["secret"]
    assert works(fresh, secret)
    later(fresh, monkeypatch, 24 * 3600 - 5)
    assert works(fresh, secret)
    later(fresh, monkeypatch, 10)
    assert not works(fresh, secret)


def test_no_key_is_for_ever(fresh: Served) -> None:
    for days in (0, -1, 731, 10**9):
        assert fresh.http.post("/api/v1/keys", json={**WANTED, "days": days}).status_code == 422


def test_a_key_that_is_revoked_is_of_no_use_at_once(fresh: Served) -> None:
    key = make(fresh)
    link = fresh.bare.post(
        "/api/v1/console-links", headers={"Authorization": f"Bearer {key['secret']}"}, json={}
    ).json()
    cookie = fresh.bare.get(link["url"]).cookies[COOKIE]
    fresh.bare.cookies.clear()
    other = fresh.bare.post(
        "/api/v1/console-links", headers={"Authorization": f"Bearer {key['secret']}"}, json={}
    ).json()
    assert fresh.http.delete(f"/api/v1/keys/{key['id']}").status_code == 204
    assert not works(fresh, key["secret"])
    assert fresh.bare.get("/api/v1/me", headers={"Cookie": f"{COOKIE}={cookie}"}).status_code == 401, "its session"
    assert "set-cookie" not in fresh.bare.get(other["url"]).headers, "a link that it made"


def test_a_stream_ends_when_its_key_is_revoked(fresh: Served) -> None:
    key = make(fresh)
    headers = {"Authorization": f"Bearer {key['secret']}"}
    with fresh.bare.stream("GET", "/api/v1/stream", headers=headers) as answer:
        lines = answer.iter_lines()
        next(lines)
        fresh.http.delete(f"/api/v1/keys/{key['id']}")
        began = time.monotonic()
        for _ in lines:
            assert time.monotonic() - began < 8
    assert time.monotonic() - began < 8


def test_a_key_is_replaced_without_a_gap(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    old = make(fresh)
    new = fresh.http.post(f"/api/v1/keys/{old['id']}/rotate", json={"grace_hours": 1}).json()
    assert new["secret"] != old["secret"]
    assert (new["role"], new["scope"]) == (old["role"], old["scope"])
    assert works(fresh, old["secret"])
    assert works(fresh, new["secret"])
    later(fresh, monkeypatch, 3601)
    assert not works(fresh, old["secret"])
    assert works(fresh, new["secret"])


def test_a_stolen_key_is_replaced_at_once(fresh: Served) -> None:
    old = make(fresh)
    new = fresh.http.post(f"/api/v1/keys/{old['id']}/rotate", json={"grace_hours": 0}).json()
    assert not works(fresh, old["secret"])
    assert works(fresh, new["secret"])


def test_a_secret_is_shown_once_and_kept_nowhere(fresh: Served) -> None:
    key = make(fresh)
    for path in ("/keys", "/audit"):
        assert key["secret"] not in fresh.http.get(f"/api/v1{path}").text
    with fresh.context.books.begin() as db:
        kept = "".join(str(db.execute(table.select()).all()) for table in t.META.sorted_tables)
    assert key["secret"] not in kept
    assert people.digest(key["secret"]) in kept
    assert len(key["secret"]) > 40


@pytest.mark.parametrize(
    "change",
    [{"disabled": True}, {"password": "another long sentence"}, {"role": "auditor", "scope": {"everything": True}}],
)
def test_a_changed_account_ends_its_sessions(fresh: Served, change: dict[str, Any]) -> None:
    cookie = sign_in(fresh)
    assert me(fresh, cookie) == 200
    assert fresh.http.patch("/api/v1/accounts/wang", json=change).status_code == 200
    assert me(fresh, cookie) == 401


def test_a_session_ends_by_its_holder_by_an_administrator_and_by_itself(fresh: Served) -> None:
    cookie = sign_in(fresh)
    done = fresh.bare.delete("/api/v1/sessions/current", headers={**cookie, "X-Carbonwatch": "1"})
    assert done.status_code == 204
    assert me(fresh, cookie) == 401
    cookie = sign_in(fresh)
    newest = fresh.get("/sessions")["items"][0]
    assert newest["holder"] == "account:wang"
    assert fresh.http.delete(f"/api/v1/sessions/{newest['id']}").status_code == 204
    assert me(fresh, cookie) == 401
    cookie = sign_in(fresh)
    with fresh.context.books.begin() as db:
        db.execute(update(t.login).values(expires_at=fresh.context.now() - 1))
    assert me(fresh, cookie) == 401


def sign_in(one: Served) -> dict[str, str]:
    with one.context.books.begin() as db:
        if db.execute(t.account.select()).first() is None:
            people.add_account(db, "wang", PASSWORD, Role.ADMIN, EVERYTHING, one.context.now())
    answer = httpx.post(f"{one.url}/api/v1/sessions", json={"name": "wang", "password": PASSWORD})
    assert answer.status_code == 201
    return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}


def me(one: Served, cookie: dict[str, str]) -> int:
    return one.bare.get("/api/v1/me", headers=cookie).status_code
