"""ETags: equal answers have equal tags, what a client has is not sent again, and no write undoes an unseen one."""

import threading

import httpx
import pytest

from tests.api.served import Served

BASE = "/api/v1"
PATHS = (
    "/sites", "/sites/steel-1", "/sites/steel-1/meters/incomer", "/meters", "/units", "/units/default", "/regions",
    "/regions/default", "/alerts", "/alerts/1", "/energy?site=steel-1&from=2018-01-01&to=2018-01-02",
    "/pue?site=dc-1&from=2018-01-01&to=2018-01-02", "/gateways", "/quarantine", "/audit", "/accounts", "/me",
    "/readings?site=steel-1&meter=incomer&from=2018-01-01&to=2018-01-02",
)  # fmt: skip
BODIES = {
    "/sites/steel-1": {"name_zh": "新", "unit": "default"},
    "/sites/steel-1/meters/second": {"name_zh": "新", "multiplier": "0.07"},
    "/units/default": {"name_zh": "新"},
    "/regions/default": {"name_zh": "新"},
}


@pytest.mark.parametrize("path", PATHS)
def test_what_a_client_has_is_not_sent_again(one: Served, path: str) -> None:
    first = one.http.get(BASE + path)
    tag = first.headers["etag"]
    assert first.status_code == 200
    assert tag.startswith('"')
    assert tag.endswith('"')
    assert first.headers["cache-control"] == "private, no-cache"
    assert "authorization" in first.headers["vary"].lower()
    for wanted in (tag, f'"other", {tag}', f"W/{tag}", "*"):
        again = one.http.get(BASE + path, headers={"If-None-Match": wanted})
        assert (again.status_code, again.content, again.headers["etag"]) == (304, b"", tag)
        assert "content-length" not in again.headers
    changed = one.http.get(BASE + path, headers={"If-None-Match": '"other"'})
    assert (changed.status_code, changed.json()) == (200, first.json())


def test_errors_streams_files_and_strangers_have_none(one: Served) -> None:
    assert "etag" not in one.http.get(f"{BASE}/sites/nowhere").headers
    assert "etag" not in one.http.get(f"{BASE}/exports/alerts.csv").headers
    assert one.bare.get(f"{BASE}/sites", headers={"If-None-Match": "*"}).status_code == 401
    with one.http.stream("GET", f"{BASE}/stream") as stream:
        assert "etag" not in stream.headers
        assert next(stream.iter_lines())


@pytest.mark.parametrize("path", BODIES)
def test_a_write_that_names_what_it_saw_undoes_nothing(fresh: Served, path: str) -> None:
    seen = fresh.http.get(BASE + path)
    tag = seen.headers["etag"]
    done = fresh.http.put(BASE + path, json=BODIES[path], headers={"If-Match": tag})
    assert done.status_code == 200, done.text
    assert done.headers["etag"] == fresh.http.get(BASE + path).headers["etag"] != tag
    late = fresh.http.put(BASE + path, json={"name_zh": "旧"}, headers={"If-Match": tag})
    assert (late.status_code, late.headers["content-type"]) == (412, "application/problem+json")
    assert "GET it again" in late.json()["detail"]
    assert fresh.http.get(BASE + path).json() == done.json()
    for header in ("*", f'"x", {done.headers["etag"]}'):
        assert fresh.http.put(BASE + path, json=BODIES[path], headers={"If-Match": header}).status_code == 200
    weak = {"If-Match": f"W/{done.headers['etag']}"}
    assert fresh.http.put(BASE + path, json=BODIES[path], headers=weak).status_code == 412


@pytest.mark.parametrize("path", ["/sites/new-1", "/sites/steel-1/meters/new-1", "/units/new-1", "/regions/new-1"])
def test_what_is_not_there_matches_nothing_and_can_be_made_once(fresh: Served, path: str) -> None:
    body = {"name_zh": "新"}
    assert fresh.http.put(BASE + path, json=body, headers={"If-Match": "*"}).status_code == 412
    assert fresh.http.get(BASE + path).status_code == 404
    assert fresh.http.put(BASE + path, json=body, headers={"If-None-Match": "*"}).status_code == 201
    assert fresh.http.put(BASE + path, json=body, headers={"If-None-Match": "*"}).status_code == 412


def test_of_many_who_saw_the_same_one_writes(fresh: Served) -> None:
    path = f"{BASE}/sites/steel-1"
    tag = fresh.http.get(path).headers["etag"]
    answers: list[int] = []

    def write(number: int) -> None:
        body = {"name_zh": str(number)}
        answers.append(
            httpx.put(fresh.url + path, json=body, headers={**fresh.http.headers, "If-Match": tag}).status_code
        )

    threads = [threading.Thread(target=write, args=(n,)) for n in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == [200] + [412] * 7
