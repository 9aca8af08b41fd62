"""The console's page and files: open to all, without data, and held to their own origin."""

import re

import pytest

from tests.api.served import Served


@pytest.mark.parametrize("path", ["/", "/console/app.js", "/console/style.css", "/console/icon.svg"])
def test_a_page_comes_without_a_key_and_may_load_nothing_from_elsewhere(known: Served, path: str) -> None:
    answer = known.bare.get(path)
    assert answer.status_code == 200
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert (answer.headers["x-content-type-options"], answer.headers["referrer-policy"]) == ("nosniff", "no-referrer")


def test_every_file_that_the_page_names_is_served(known: Served) -> None:
    page = known.bare.get("/").text
    named = re.findall(r'(?:href|src)="(/[^"]+)"', page)
    assert "/console/app.js" in named
    for path in named:
        assert known.bare.get(path).status_code == 200, path
    assert not re.search(r'(?:href|src)="(?:https?:)?//', page)


@pytest.mark.parametrize(
    "path", ["/console/none.js", "/console/", "/console/../app.py", "/console/%2e%2e/app.py", "/console/..%2fapp.py",
             "/nothing", "/docs", "/redoc", "/openapi.json"]
)  # fmt: skip
def test_there_is_nothing_else(known: Served, path: str) -> None:
    answer = known.bare.get(path)
    assert answer.status_code == 404
    assert answer.json()["status"] == 404


def test_answers_of_the_api_are_not_kept_by_browsers(known: Served) -> None:
    """What has an ETag may be kept by whoever asked, and is asked for again before each use; nothing else is kept."""
    answer = known.http.get("/api/v1/sites")
    assert answer.headers["cache-control"] == "private, no-cache"
    assert {"Authorization", "Cookie"} <= {one.strip() for one in answer.headers["vary"].split(",")}
    assert "content-security-policy" in answer.headers
    again = {"If-None-Match": answer.headers["etag"]}
    assert known.bare.get("/api/v1/sites", headers=again).status_code == 401
    for path in ("/sites/none", "/nothing", "/exports/alerts.csv", "/quarantine?limit=x"):
        assert known.http.get(f"/api/v1{path}").headers["cache-control"] == "no-store", path
