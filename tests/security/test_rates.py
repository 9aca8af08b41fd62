"""Rates: they hold for every route of every router, by holder or address, and nobody can use up another's."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter

from api.access import Reader
from api.rates import Rules
from api.walk import walk
from energy.access import EVERYTHING, Role
from energy.books import people
from tests.api.served import Served, served

PASSWORD = "a long sentence is best"


def key_of(one: Served, name: str) -> dict[str, str]:
    now = one.context.now()
    with one.context.books.begin() as db:
        _, secret = people.add_key(db, name, Role.AUDITOR, EVERYTHING, now + 3_600_000, "tests", now)
    return {"Authorization": f"Bearer {secret}"}


@contextmanager
def from_address(one: Served, address: str) -> Iterator[httpx.Client]:
    """A client that has another address of this machine."""
    with httpx.Client(base_url=one.url, transport=httpx.HTTPTransport(local_address=address)) as client:
        yield client


@contextmanager
def strict(folder: Path, requests: int = 1000, sign_ins: int = 1000, streams: int = 20) -> Iterator[Served]:
    with served(folder, Rules(requests, sign_ins, streams)) as one:
        yield one


def addresses(one: Served) -> list[tuple[str, str]]:
    """A method and a path of every route, of files too."""
    found = []
    for route in walk(one.app.routes):
        methods = ["GET"] if route.methods == ("*",) else [name for name in route.methods if name != "HEAD"]
        path = route.path + ("/app.js" if route.path == "/console" else "")
        found += [(method, path.replace("{", "").replace("}", "").replace("ident", "1")) for method in methods]
    return found


def test_every_route_counts_also_one_that_is_included_later(tmp_path: Path) -> None:
    with strict(tmp_path, requests=1) as one:
        inner, outer = APIRouter(), APIRouter()
        outer.include_router(inner, prefix="/inner")
        one.app.include_router(outer, prefix="/later")

        @inner.get("/with-rule")
        def with_rule(grant: Reader) -> str:
            return grant.actor

        @inner.get("/open")
        def open_to_all() -> str:
            return "open"

        routes = addresses(one)
        assert {("GET", "/later/inner/with-rule"), ("GET", "/later/inner/open")} <= set(routes)
        assert len(routes) > 40
        mine = key_of(one, "mine")
        assert one.bare.get("/api/v1/sites", headers=mine).status_code == 200
        assert one.bare.get("/api/v1/health").status_code in (200, 503)
        for method, path in routes:
            if path not in ("/console/app.js", "/api/v1/openapi.json"):  # files are nobody's: they count by address
                assert one.bare.request(method, path, headers=mine).status_code == 429, f"{method} {path} by key"
            assert one.bare.request(method, path).status_code == 429, f"{method} {path} by address"


def test_a_refusal_says_when_to_come_back_and_then_lets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with strict(tmp_path, requests=3) as one:
        seen = [one.http.get("/api/v1/sites") for _ in range(4)]
        assert [answer.status_code for answer in seen] == [200, 200, 200, 429]
        assert [answer.headers["ratelimit"].split(";")[1] for answer in seen] == ["r=2", "r=1", "r=0", "r=0"]
        assert all(answer.headers["ratelimit-policy"] == '"requests";q=3;w=60' for answer in seen)
        refused = seen[-1]
        assert refused.headers["content-type"] == "application/problem+json"
        wait = int(refused.headers["retry-after"])
        assert 1 <= wait <= 60
        assert f"in {wait} s" in refused.json()["detail"]
        real = time.time
        monkeypatch.setattr(time, "time", lambda: real() + wait + 1)
        assert one.http.get("/api/v1/sites").status_code == 200


def test_holders_do_not_use_up_each_others(tmp_path: Path) -> None:
    with strict(tmp_path, requests=2) as one:
        first, second = key_of(one, "first"), key_of(one, "second")
        assert [one.bare.get("/api/v1/me", headers=first).status_code for _ in range(3)] == [200, 200, 429]
        assert one.bare.get("/api/v1/me", headers=second).status_code == 200
        assert one.bare.get("/api/v1/health").status_code != 429
        cookie = {"Cookie": f"carbonwatch_session={session(one, 'wang')}"}
        assert [one.bare.get("/api/v1/me", headers=cookie).status_code for _ in range(3)] == [200, 200, 429]


def test_invented_keys_and_addresses_count_by_the_real_address(tmp_path: Path) -> None:
    with strict(tmp_path, requests=5) as one:
        codes = [
            one.bare.get(
                "/api/v1/me", headers={"Authorization": f"Bearer {n}", "X-Forwarded-For": f"10.0.0.{n}"}
            ).status_code
            for n in range(7)
        ]
        assert codes == [401] * 5 + [429] * 2
        with from_address(one, "127.0.0.2") as other:
            assert other.get("/api/v1/me").status_code == 401
        assert one.http.get("/api/v1/me").status_code == 200


NO_ROUTE = (
    ("GET", "/nothing", None), ("GET", "/api/v1/nothing", None), ("GET", "/console/style.css", None),
    ("GET", "/api/v1/openapi.json", None), ("GET", "/", None), ("PUT", "/api/v1/health", None),
    ("POST", "/api/v1/sessions", b"{no json"), ("POST", "/api/v1/alerts/1/resolve", b"\xff"),
)  # fmt: skip


def test_what_no_route_takes_counts_too(tmp_path: Path) -> None:
    with strict(tmp_path, requests=3) as one:
        for n, (method, path, body) in enumerate(NO_ROUTE):
            with from_address(one, f"127.0.0.{10 + n}") as client:
                headers = {"Content-Type": "application/json"}
                codes = [client.request(method, path, content=body, headers=headers).status_code for _ in range(4)]
            assert 429 not in codes[:3], path
            assert codes[3] == 429, path


def account(one: Served, name: str) -> None:
    with one.context.books.begin() as db:
        people.add_account(db, name, PASSWORD, Role.AUDITOR, EVERYTHING, one.context.now())


def session(one: Served, name: str) -> str:
    account(one, name)
    with one.context.books.begin() as db:
        return people.add_login(db, people.SESSION, f"account:{name}", 60_000, "", one.context.now())


def sign_in(client: httpx.Client, name: str, password: str = "a wrong password") -> int:
    return client.post("/api/v1/sessions", json={"name": name, "password": password}).status_code


def test_guessing_a_password_is_slow_and_locks_nobody_out(tmp_path: Path) -> None:
    with strict(tmp_path, sign_ins=4) as one:
        account(one, "wang")
        account(one, "li")
        assert [sign_in(one.bare, "wang") for _ in range(6)] == [401] * 4 + [429] * 2
        assert sign_in(one.bare, "wang", PASSWORD) == 429, "the right one tells no more than a wrong one"
        assert sign_in(one.bare, "li", PASSWORD) == 201, "another person at the same address"
        with from_address(one, "127.0.0.2") as elsewhere:
            assert sign_in(elsewhere, "wang", PASSWORD) == 201, "the same person at another address"
        codes = [sign_in(one.bare, f"name-{n}") for n in range(12)]
        assert codes.count(401) == 7, "12 a minute for all names of one address, of which 5 are spent"
        assert codes[-1] == 429


def test_a_name_that_is_not_there_is_refused_like_one_that_is(tmp_path: Path) -> None:
    with strict(tmp_path, sign_ins=2) as one:
        account(one, "wang")
        answers = [
            one.bare.post("/api/v1/sessions", json={"name": name, "password": "x" * 12})
            for name in ("wang", "nobody")
            for _ in range(3)
        ]
        assert [answer.status_code for answer in answers] == [401, 401, 429] * 2
        assert answers[0].json() == answers[3].json()


def test_streams_of_one_holder_are_bounded_and_count_once(tmp_path: Path) -> None:
    with strict(tmp_path, requests=20, streams=3) as one, ExitStack() as open_:
        mine, others = key_of(one, "mine"), key_of(one, "others")
        held = [open_.enter_context(one.bare.stream("GET", "/api/v1/stream", headers=mine)) for _ in range(3)]
        assert [answer.status_code for answer in held] == [200] * 3
        lines = [answer.iter_lines() for answer in held]
        for _ in range(6):  # some turns: a stream is one request, however long it lasts
            for each in lines:
                next(each)
        refused = one.bare.get("/api/v1/stream", headers=mine)
        assert refused.status_code == 429
        assert "close one" in refused.json()["detail"]
        assert refused.headers["retry-after"] == "10"
        with one.bare.stream("GET", "/api/v1/stream", headers=others) as other:
            assert other.status_code == 200
        held[0].close()
        until = time.monotonic() + 10
        while time.monotonic() < until:
            with one.bare.stream("GET", "/api/v1/stream", headers=mine) as again:
                if again.status_code == 200:
                    return
            time.sleep(0.5)
        raise AssertionError("a stream that was closed still counts")
