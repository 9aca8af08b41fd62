"""Who may ask: nobody without a key or a session, and a session only from a link that was spent once."""

from urllib.parse import urlsplit

import httpx
import pytest
from sqlalchemy import update

from api.access import COOKIE
from energy.books import tables as t
from tests.api.served import KEY, Served

OPEN = {("get", "/api/v1/health"), ("post", "/api/v1/sessions")}


def operations(one: Served) -> list[tuple[str, str]]:
    paths = one.app.openapi()["paths"]
    return [(method, path) for path, methods in paths.items() for method in methods]


def test_every_route_but_health_asks_for_the_key(known: Served) -> None:
    routes = operations(known)
    assert len(routes) >= 14
    for method, path in routes:
        address = path.replace("{site}", "steel-1").replace("{meter}", "incomer").replace("{ident}", "1")
        params = {"site": "steel-1", "meter": "incomer"}
        answer = known.bare.request(method, address, params=params, json={} if method in ("put", "post") else None)
        if (method, path) in OPEN:
            assert answer.status_code in (200, 422, 503)
            continue
        assert answer.status_code == 401, f"{method} {path}"
        assert answer.headers["WWW-Authenticate"] == "Bearer"
        assert answer.headers["content-type"] == "application/problem+json"
        assert "admin.key" in answer.json()["detail"]


@pytest.mark.parametrize(
    "header",
    ["", "Bearer", "Bearer  x", f"Bearer {KEY}x", f"Bearer {KEY[:-1]}", f"Basic {KEY}", KEY, f"Token {KEY}", "Bearer é",
     "Bearer " + "x" * 8000],
)  # fmt: skip
def test_another_header_than_the_keys_is_refused(known: Served, header: str) -> None:
    answer = known.bare.get("/api/v1/sites", headers={b"Authorization": header.encode("latin-1")})
    assert answer.status_code == 401


def test_the_schemes_name_may_be_written_small(known: Served) -> None:
    assert known.bare.get("/api/v1/sites", headers={"Authorization": f"bearer {KEY}"}).status_code == 200


def enter(one: Served) -> tuple[httpx.Response, str]:
    """Ask for a link and spend it: the answer and the link's path."""
    url = urlsplit(one.http.post("/api/v1/console-links", json={}).json()["url"])
    path = f"{url.path}?{url.query}"
    return one.bare.get(path), path


def check_spent(answer: httpx.Response) -> None:
    """The way to the page that says how to get another link, and no cookie."""
    assert (answer.status_code, answer.headers["location"]) == (303, "/?link=spent")
    assert "set-cookie" not in answer.headers


def session(one: Served) -> dict[str, str]:
    answer, _ = enter(one)
    one.bare.cookies.clear()
    return {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}"}


def test_a_link_opens_the_console_once(fresh: Served) -> None:
    answer, path = enter(fresh)
    assert (answer.status_code, answer.headers["location"]) == (303, "/")
    cookie = answer.headers["set-cookie"].lower()
    assert all(part in cookie for part in ("httponly", "samesite=strict", "path=/", "max-age=604800"))
    assert KEY not in answer.headers["set-cookie"]
    assert fresh.bare.get("/api/v1/sites").status_code == 200
    fresh.bare.cookies.clear()
    check_spent(fresh.bare.get(path))


@pytest.mark.parametrize("path", ["/enter?token=", "/enter?token=nonsense", "/enter?token=%00%ff"])
def test_what_is_no_link_opens_nothing(known: Served, path: str) -> None:
    check_spent(known.bare.get(path))


def test_without_a_token_there_is_nothing_to_spend(known: Served) -> None:
    answer = known.bare.get("/enter")
    assert (answer.status_code, answer.json()["status"], "set-cookie" in answer.headers) == (422, 422, False)


def age(one: Served) -> None:
    with one.context.books.begin() as db:
        db.execute(update(t.login).values(expires_at=one.context.now() - 1))


def test_a_link_and_a_session_that_are_too_old_are_refused(fresh: Served) -> None:
    url = fresh.http.post("/api/v1/console-links", json={}).json()["url"]
    age(fresh)
    check_spent(fresh.bare.get(url))
    cookie = session(fresh)
    assert fresh.bare.get("/api/v1/sites", headers=cookie).status_code == 200
    age(fresh)
    assert fresh.bare.get("/api/v1/sites", headers=cookie).status_code == 401


def test_a_link_is_no_session_and_a_session_no_link(fresh: Served) -> None:
    token = fresh.http.post("/api/v1/console-links", json={}).json()["url"].partition("token=")[2]
    assert fresh.bare.get("/api/v1/sites", headers={"Cookie": f"{COOKIE}={token}"}).status_code == 401
    secret = session(fresh)["Cookie"].partition("=")[2]
    check_spent(fresh.bare.get("/enter", params={"token": secret}))


def test_a_write_by_cookie_needs_our_header(fresh: Served) -> None:
    cookie = session(fresh)
    for headers in ({}, {"X-Carbonwatch": "0"}):
        answer = fresh.bare.post("/api/v1/alerts/1/acknowledge", headers=cookie | headers, json={})
        assert (answer.status_code, answer.json()["status"]) == (403, 403)
        assert "X-Carbonwatch: 1" in answer.json()["detail"]
    assert fresh.get("/alerts/1")["state"] == "active"
    done = fresh.bare.post("/api/v1/alerts/1/acknowledge", headers=cookie | {"X-Carbonwatch": "1"}, json={})
    assert done.status_code == 200
    assert done.json()["steps"][-1]["actor"] == "admin key", "whoever asked for the link"


def test_a_wrong_key_is_not_helped_by_a_cookie(fresh: Served) -> None:
    headers = session(fresh) | {"Authorization": "Bearer wrong"}
    assert fresh.bare.get("/api/v1/sites", headers=headers).status_code == 401


def test_the_books_hold_no_secret(fresh: Served) -> None:
    secret = session(fresh)["Cookie"].partition("=")[2]
    with fresh.context.books.begin() as db:
        kept = str(db.execute(t.login.select()).all())
    assert secret not in kept
    assert KEY not in kept
