"""Signing in: what it tells, the cookie, what ends a session, and that streams end with what they were opened by."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

import httpx
import pytest
from sqlalchemy import select, update

from api import stream
from api.access import COOKIE, SESSION_LIFE_MS
from energy.access import EVERYTHING, Role, Scope
from energy.books import people
from energy.books import tables as t
from energy.books.open import look
from tests.api.served import Served, served

PASSWORD = "correct horse battery"
MANAGER = {"role": "energy_manager", "scope": {"units": ["default"]}}
OURS = {"X-Carbonwatch": "1"}


@pytest.fixture(autouse=True)
def _no_cookie_stays(known: Served) -> None:
    known.bare.cookies.clear()


def add(one: Served, name: str, **body: Any) -> None:
    """Make an account with the tests' password."""
    answer = one.http.post(f"/api/v1/accounts/{name}", json={"password": PASSWORD, **MANAGER, **body})
    assert answer.status_code == 201, answer.text


def sign_in(one: Served, name: str, password: str = PASSWORD) -> httpx.Response:
    """One attempt, from a browser that has no cookie, and is left without one."""
    answer = one.bare.post("/api/v1/sessions", json={"name": name, "password": password})
    one.bare.cookies.clear()
    return answer


def cookie(one: Served, name: str, password: str = PASSWORD) -> dict[str, str]:
    """The header of a new session."""
    answer = sign_in(one, name, password)
    assert answer.status_code == 201, answer.text
    return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}


def status(one: Served, headers: dict[str, str]) -> int:
    """Of a read."""
    return one.bare.get("/api/v1/sites", headers=headers).status_code


def test_whoever_signs_in_learns_what_he_may(known: Served) -> None:
    add(known, "wang")
    answer = sign_in(known, "wang")
    me = answer.json()
    assert (answer.status_code, me["name"], me["role"], me["scope"]) == (
        201, "account wang", "energy_manager", {"units": ["default"]}
    )  # fmt: skip
    assert {"read", "act", "enter", "register", "export", "intake"} == set(me["may"])
    assert known.bare.get("/api/v1/me", headers=cookie(known, "wang")).json() == me


def test_the_cookie_is_out_of_reach_of_scripts_and_of_other_sites(known: Served, tmp_path: Path) -> None:
    add(known, "li")
    attributes = {part.strip().lower() for part in sign_in(known, "li").headers["set-cookie"].split(";")[1:]}
    assert attributes == {"httponly", "samesite=strict", "path=/", f"max-age={SESSION_LIFE_MS // 1000}"}
    with served(tmp_path, public="https://energy.example") as one:
        add(one, "li", role="auditor", scope={"everything": True})
        assert "secure" in sign_in(one, "li").headers["set-cookie"].lower()


def test_each_session_has_a_secret_of_its_own_which_the_books_do_not_have(known: Served) -> None:
    add(known, "zhao")
    secrets = {cookie(known, "zhao")["Cookie"].partition("=")[2] for _ in range(3)}
    chosen = known.bare.post("/api/v1/sessions", json={"name": "zhao", "password": PASSWORD},
                             headers={"Cookie": f"{COOKIE}=chosen-by-somebody-else"})  # fmt: skip
    known.bare.cookies.clear()
    secrets.add(chosen.cookies[COOKIE])
    assert len(secrets) == 4
    assert all(len(secret) >= 43 for secret in secrets)
    with look(known.context.books) as db:
        kept = str(db.execute(select(t.login)).all()) + str(db.execute(select(t.account)).all())
        hashes = db.execute(select(t.account.c.password_hash)).scalars().all()
    assert not [secret for secret in (*secrets, PASSWORD) if secret in kept]
    assert all(one.startswith("$argon2id$") for one in hashes)


def test_wrong_unknown_and_disabled_are_told_alike_and_take_as_long(known: Served) -> None:
    for name in ("sun", "off"):
        add(known, name)
    assert known.http.patch("/api/v1/accounts/off", json={"disabled": True}).status_code == 200
    attempts = {
        "wrong": ("sun", PASSWORD + "x"), "unknown": ("nobody", PASSWORD), "disabled": ("off", PASSWORD),
        "no name": ("a b\x00", PASSWORD), "disabled and wrong": ("off", "x"),
    }  # fmt: skip
    took: dict[str, list[float]] = {kind: [] for kind in attempts}
    said = set()
    for _ in range(3):
        for kind, (name, password) in attempts.items():
            start = time.perf_counter()
            answer = sign_in(known, name, password)
            took[kind].append(time.perf_counter() - start)
            headers = {key: value for key, value in answer.headers.items() if key not in ("date", "ratelimit")}
            said.add((answer.status_code, answer.content, str(headers)))
    assert len(said) == 1
    [(code, content, headers_said)] = said
    assert (code, b"do not fit" in content, "set-cookie" in headers_said) == (401, True, False)
    quickest = {kind: min(times) for kind, times in took.items()}
    usual = median(quickest.values())
    assert all(usual / 2 < one < usual * 2 for one in quickest.values()), quickest


@pytest.mark.parametrize("password", ["", "short", "x" * 1001])
def test_a_password_is_neither_short_nor_endless(known: Served, password: str) -> None:
    answer = known.http.post("/api/v1/accounts/qian", json={"password": password, **MANAGER})
    assert answer.status_code == 422
    assert password not in answer.text or not password


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data"])
def test_no_form_of_another_site_signs_anybody_in(known: Served, content_type: str) -> None:
    body = f'{{"name": "wang", "password": "{PASSWORD}"}}'
    answer = known.bare.post("/api/v1/sessions", content=body, headers={"Content-Type": content_type})
    assert (answer.status_code, "set-cookie" in answer.headers) == (422, False)


def test_a_write_by_cookie_needs_our_header_whatever_it_is(known: Served) -> None:
    add(known, "wu", role="admin", scope={"everything": True})
    by_cookie = cookie(known, "wu")
    for method, path in (("PUT", "/regions/r-1"), ("POST", "/alerts/1/acknowledge"), ("DELETE", "/sessions/current"),
                         ("PATCH", "/accounts/wu"), ("POST", "/console-links")):  # fmt: skip
        for headers in ({}, {"X-Carbonwatch": "0"}, {"X-Carbonwatch": ""}, {"Origin": "https://elsewhere.example"}):
            answer = known.bare.request(method, f"/api/v1{path}", json={}, headers={**by_cookie, **headers})
            assert answer.status_code == 403, f"{method} {path}"
    assert status(known, by_cookie) == 200
    assert known.bare.put("/api/v1/regions/r-1", json={}, headers={**by_cookie, **OURS}).status_code == 201


def test_signing_out_ends_this_session_only(known: Served) -> None:
    add(known, "zheng")
    first, second = cookie(known, "zheng"), cookie(known, "zheng")
    answer = known.bare.delete("/api/v1/sessions/current", headers={**first, **OURS})
    assert answer.status_code == 204
    assert f'{COOKIE}=""' in answer.headers["set-cookie"]
    assert "max-age=0" in answer.headers["set-cookie"].lower()
    assert (status(known, first), status(known, second)) == (401, 200)
    assert known.bare.delete("/api/v1/sessions/current", headers={**first, **OURS}).status_code == 401
    assert known.http.delete("/api/v1/sessions/current").status_code == 404


def test_an_administrator_sees_and_ends_sessions(known: Served) -> None:
    add(known, "feng")
    mine = cookie(known, "feng")
    [found] = [one for one in known.get("/sessions")["items"] if one["holder"] == "account:feng"]
    assert found["address"] == "127.0.0.1"
    assert known.http.delete(f"/api/v1/sessions/{found['id']}").status_code == 204
    assert status(known, mine) == 401
    assert known.http.delete(f"/api/v1/sessions/{found['id']}").status_code == 404
    known.http.post("/api/v1/console-links")
    with look(known.context.books) as db:
        link = db.execute(select(t.login.c.id).where(t.login.c.kind == people.LINK)).scalars().first()
    assert known.http.delete(f"/api/v1/sessions/{link}").status_code == 404, "a link is no session"


def test_a_session_ends_by_itself(known: Served) -> None:
    add(known, "chen")
    mine = cookie(known, "chen")
    with known.context.books.begin() as db:
        ends = db.execute(select(t.login.c.expires_at).where(t.login.c.holder == "account:chen")).scalar_one()
        assert 0 <= known.context.now() + SESSION_LIFE_MS - ends < 60_000
        db.execute(update(t.login).where(t.login.c.holder == "account:chen").values(expires_at=known.context.now() - 1))
    assert status(known, mine) == 401


@pytest.mark.parametrize(
    "change", [{"role": "auditor", "scope": {"everything": True}}, {"password": PASSWORD + "!"}, {"disabled": True}]
)
def test_a_change_of_the_account_ends_its_sessions_and_links(known: Served, change: dict[str, Any]) -> None:
    name = f"wei-{next(iter(change))}"
    add(known, name)
    mine = cookie(known, name)
    url = known.bare.post("/api/v1/console-links", headers={**mine, **OURS}).json()["url"]
    assert known.http.patch(f"/api/v1/accounts/{name}", json=change).status_code == 200
    assert status(known, mine) == 401
    assert known.bare.get(url).headers["location"] == "/?link=spent"
    if "role" in change:
        assert sign_in(known, name).json()["role"] == "auditor"
    else:
        assert sign_in(known, name).status_code == 401
    assert known.http.patch(f"/api/v1/accounts/{name}", json={"disabled": False}).status_code == 200
    assert status(known, mine) == 401, "what has ended does not begin again"


def test_a_link_is_spent_by_one_of_many_at_once(known: Served) -> None:
    url = known.http.post("/api/v1/console-links").json()["url"]
    went: list[str] = []

    def spend() -> None:
        went.append(httpx.get(url).headers["location"])

    threads = [threading.Thread(target=spend) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(went) == ["/"] + ["/?link=spent"] * 7


class Listener:
    """A stream in a thread of its own: that it has begun, and when it ended."""

    def __init__(self, one: Served, headers: dict[str, str]) -> None:
        self.begun, self.ended = threading.Event(), 0.0
        self._url, self._headers = f"{one.url}/api/v1/stream", headers
        self.thread = threading.Thread(target=self._listen)
        self.thread.start()

    def _listen(self) -> None:
        with httpx.stream("GET", self._url, headers=self._headers, timeout=30) as answer:
            for line in answer.iter_lines():
                if line.startswith(":"):
                    self.begun.set()
        self.ended = time.monotonic()


def test_a_stream_asks_every_few_seconds_whether_it_may_go_on() -> None:
    assert stream._EVERY_S <= 3


@pytest.mark.usefixtures("quick_stream")
def test_a_stream_ends_in_a_turn_or_two_after_what_it_was_opened_by(known: Served) -> None:
    now = known.context.now()
    for name in ("out", "ended", "changed", "disabled", "expired", "linked", "stays"):
        add(known, name)
    with known.context.books.begin() as db:
        made = [
            people.add_key(db, "s", Role.AUDITOR, EVERYTHING, now + 10**9, "tests", now) for _ in ("revoked", "expired")
        ]
    by = {name: cookie(known, name) for name in ("out", "ended", "changed", "disabled", "expired", "stays")}
    by["key revoked"], by["key expired"] = ({"Authorization": f"Bearer {secret}"} for _, secret in made)
    listeners = {name: Listener(known, headers) for name, headers in by.items()}
    assert all(one.begun.wait(10) for one in listeners.values())

    def expire() -> None:
        with known.context.books.begin() as db:
            db.execute(update(t.login).where(t.login.c.holder == "account:expired").values(expires_at=1))
            db.execute(update(t.api_key).where(t.api_key.c.id == made[1][0]).values(expires_at=1))

    [session] = [one["id"] for one in known.get("/sessions")["items"] if one["holder"] == "account:ended"]
    ends: list[Callable[[], object]] = [
        lambda: known.bare.delete("/api/v1/sessions/current", headers={**by["out"], **OURS}),
        lambda: known.http.delete(f"/api/v1/sessions/{session}"),
        lambda: known.http.patch("/api/v1/accounts/changed", json={"role": "auditor", "scope": {"everything": True}}),
        lambda: known.http.patch("/api/v1/accounts/disabled", json={"disabled": True}),
        lambda: known.http.delete(f"/api/v1/keys/{made[0][0]}"),
        expire,
    ]
    for end in ends:
        end()
    ended = time.monotonic()
    for name, one in listeners.items():
        if name != "stays":
            one.thread.join(8)
            assert one.ended, f"{name}: the stream goes on"
            assert one.ended - ended < 4
    assert not listeners["stays"].ended
    known.http.patch("/api/v1/accounts/stays", json={"disabled": True})
    listeners["stays"].thread.join(8)
    assert listeners["stays"].ended


def test_a_holder_whose_kind_nobody_knows_is_nobody(known: Served) -> None:
    now = known.context.now()
    with look(known.context.books) as db:
        assert people.resolve(db, "account:nobody", now) is None
        assert people.resolve(db, "key:999999", now) is None
        assert people.resolve(db, people.BOOTSTRAP, now) == people.Holder(people.BOOTSTRAP, Role.ADMIN, EVERYTHING)
    assert Scope.from_json({}).covers("default", "default", "steel-1") is False
