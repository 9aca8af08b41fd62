"""Every error is an RFC 9457 problem that says what to do, and nothing that anybody sends is our fault."""

import json
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.api.served import Served

HUGE = str(10**30)


def check_problem(answer: httpx.Response, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body = dict(answer.json())
    assert body.keys() >= {"type", "title", "status", "detail"}
    assert body["status"] == status
    assert body["title"]
    assert body["detail"]
    return body


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/nothing", 404),
        ("GET", "/", 404),
        ("GET", "/sites/steel-1/meters/incomer/x", 404),
        ("GET", "/readings?site=nobody&meter=incomer", 404),
        ("GET", "/readings?site=steel-1&meter=nobody", 404),
        ("GET", "/energy?site=nobody", 404),
        ("GET", "/energy?site=steel-1&meter=nobody", 404),
        ("GET", "/pue?site=nobody", 404),
        ("GET", "/meters?site=nobody", 404),
        ("GET", "/alerts/9999", 404),
        ("GET", f"/alerts/{HUGE}", 404),
        ("GET", f"/alerts/-{HUGE}", 404),
        ("POST", f"/alerts/-{HUGE}/resolve", 404),
        ("POST", "/alerts/9999/acknowledge", 404),
        ("PUT", "/sites/nobody/meters/m", 404),
        ("DELETE", "/sites/steel-1", 405),
        ("POST", "/sites", 405),
        ("PATCH", "/alerts/1", 405),
        ("POST", "/health", 405),
        ("GET", "/energy", 422),
        ("GET", "/energy?site=steel-1&step=week", 422),
        ("GET", "/energy?site=steel-1&meter=gauge", 422),
        ("GET", "/energy?site=steel-1&from=1990-01-01&to=2018-01-01", 422),
        ("GET", "/pue?site=steel-1", 422),
        ("GET", "/pue?site=dc-1&step=15m", 422),
        ("GET", "/pue?site=dc-1&from=2010-01-01&to=2018-01-01", 422),
        ("GET", "/alerts?state=open", 422),
        ("GET", "/alerts?kind=odd", 422),
        ("GET", "/alerts/one", 422),
    ],
)
def test_an_error_is_a_problem(known: Served, method: str, path: str, status: int) -> None:
    answer = known.http.request(method, f"/api/v1{path}", json={} if method in ("PUT", "POST") else None)
    check_problem(answer, status)
    assert ("allow" in answer.headers) == (status == 405)


@pytest.mark.parametrize(
    "path",
    [
        "/sites",
        "/meters",
        "/alerts",
        "/quarantine",
        "/gateways",
        "/readings?site=steel-1&meter=incomer",
        "/energy?site=steel-1",
        "/pue?site=dc-1",
    ],
)
@pytest.mark.parametrize(
    "page", ["limit=0", "limit=-1", "limit=1e9", "limit=1000000000", f"limit={HUGE}", "limit=x", "limit=", "cursor=x",
             "cursor=-1", f"cursor={HUGE}", "cursor=1.5", "cursor=null", "cursor=%00", "cursor='%20OR%201=1"]
)  # fmt: skip
def test_a_page_that_cannot_be_is_refused_on_every_list(known: Served, path: str, page: str) -> None:
    answer = known.http.get(f"/api/v1{path}{'&' if '?' in path else '?'}{page}")
    check_problem(answer, 422)


@pytest.mark.parametrize("path", ["/readings?site=steel-1&meter=incomer", "/energy?site=steel-1", "/pue?site=dc-1"])
@pytest.mark.parametrize(
    "times",
    ["from=yesterday", "to=2018-02-30", "from=1e9", "from=2018-01-02&to=2018-01-01", "from=2018-01-01&to=2018-01-01",
     "from=0001-01-01&to=0001-01-02", "to=9999-12-31T23:59:59-12:00", "from=9999-12-31", "from=%00",
     "from=2018-01-01T00:00%2b99:00", "from=1514736000000", "from=" + "9" * 5000]
)  # fmt: skip
def test_a_time_that_cannot_be_is_refused(known: Served, path: str, times: str) -> None:
    assert check_problem(known.http.get(f"/api/v1{path}&{times}"), 422)["type"] in ("bad_time", "bad_range")


NAMES = ["a b", "a%00b", "%00", "a%0ab", "x" * 65, "x" * 5000, "%ff", "a%2f..%2fb", "..%5c", "*", "%23", "%F0%9F%94%A5"]


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_cannot_be_is_refused_everywhere(known: Served, name: str) -> None:
    for path in (f"/sites/{name}", f"/sites/steel-1/meters/{name}", f"/sites/{name}/meters/m"):
        answer = known.http.put(f"/api/v1{path}", json={})
        assert answer.status_code == (404 if "%2f" in name else 422), path
    site = f"site={name}"
    for path in (f"/energy?{site}", f"/pue?{site}", f"/readings?{site}&meter=incomer", f"/meters?{site}",
                 f"/alerts?{site}", f"/gateways?{site}", f"/quarantine?{site}", f"/readings?site=steel-1&meter={name}",
                 f"/energy?site=steel-1&meter={name}", f"/alerts?meter={name}", f"/sites?unit={name}",
                 f"/units?region={name}"):  # fmt: skip
        assert check_problem(known.http.get(f"/api/v1{path}"), 422)["type"] == "bad_name", path
    found = known.http.get(f"/api/v1/quarantine?reason={name}")
    assert found.status_code == 422 or found.json()["items"] == []  # which of the two, the books decide


SITE = "/sites/never-made"
METER = "/sites/steel-1/meters/never-made"


@pytest.mark.parametrize(
    ("path", "body"),
    [
        (SITE, '{"zone": "Mars/Olympus"}'), (SITE, '{"zone": "../../etc/passwd"}'), (SITE, '{"zone": ""}'),
        (SITE, '{"zone": "Asia"}'), (SITE, '{"zone": "a\\u0000b"}'), (SITE, '{"zone": "zone.tab"}'),
        (SITE, '{"kind": "' + "x" * 33 + '"}'), (SITE, '{"unknown": 1}'), (SITE, '{"\\ud800": 1}'),
        (SITE, '{"name_zh": "\\ud800"}'), (SITE, '{"name_en": 5}'), (SITE, "[]"), (SITE, "null"), (SITE, '"x"'),
        (SITE, "{"), (SITE, ""), (SITE, "\x00"), (SITE, "[" * 100_000), (SITE, '{"boundary": {}}'),
        (SITE, '{"boundary": {"facility": [], "it": ["a"]}}'),
        (SITE, '{"boundary": {"facility": ["a b"], "it": ["a"]}}'),
        (SITE, '{"boundary": {"facility": ["a"], "it": ["a"], "category": "PUE9"}}'),
        (METER, '{"register": "p_kw"}'), (METER, '{"digits": 0}'), (METER, '{"digits": 1e400}'),
        (METER, '{"digits": NaN}'),
        (METER, '{"digits": 12, "decimals": 6}'), (METER, '{"multiplier": 0}'), (METER, '{"multiplier": "NaN"}'),
        (METER, '{"multiplier": "1e99999"}'), (METER, '{"multiplier": "-1"}'), (METER, '{"multiplier": Infinity}'),
        (METER, '{"parent": "never-made"}'), (METER, '{"parent": "nobody"}'), (METER, '{"reports_every": 0}'),
        (METER, '{"reports_every": ' + HUGE + "}"), (METER, '{"source": "' + "x" * 501 + '"}'),
        ("/sites/steel-1/meters/incomer", '{"parent": "furnace"}'),
    ],
)  # fmt: skip
def test_a_body_that_cannot_be_is_refused_and_changes_nothing(known: Served, path: str, body: str) -> None:
    before = known.get("/sites"), known.get("/meters")
    answer = known.http.put(f"/api/v1{path}", content=body.encode(), headers={"Content-Type": "application/json"})
    check_problem(answer, answer.status_code)
    assert answer.status_code in (400, 422)
    assert (known.get("/sites"), known.get("/meters")) == before


def test_a_body_that_is_not_json_by_its_type_or_bytes_is_refused(known: Served) -> None:
    for content, kind in (
        (b"\xff\xfe\x00", "application/json"),
        (b"a=1", "application/x-www-form-urlencoded"),
        (b"{}", ""),
    ):
        answer = known.http.put(f"/api/v1{SITE}", content=content, headers={"Content-Type": kind})
        check_problem(answer, answer.status_code)
        assert answer.status_code in (400, 422)


def test_a_move_that_makes_no_sense_is_a_conflict(fresh: Served) -> None:
    assert fresh.http.post("/api/v1/alerts/1/resolve", json={}).status_code == 200
    for action in ("acknowledge", "resolve"):
        problem = check_problem(fresh.http.post(f"/api/v1/alerts/1/{action}", json={}), 409)
        assert problem["type"] == "bad_transition"
    assert [step["action"] for step in fresh.get("/alerts/1")["steps"]] == ["raise", "resolve"]


def test_a_note_that_is_too_long_is_refused(known: Served) -> None:
    check_problem(known.http.post("/api/v1/alerts/2/acknowledge", json={"note": "x" * 2001}), 422)


def test_a_failure_of_ours_is_a_problem_without_its_inside(fresh: Served) -> None:
    fresh.context.books.dispose()
    object.__setattr__(fresh.context, "books", None)
    body = check_problem(fresh.http.get("/api/v1/sites"), 500)
    assert "NoneType" not in json.dumps(body)


odd = st.one_of(
    st.text(st.characters(codec="utf-8"), max_size=30),
    st.integers().map(str),
    st.sampled_from(["", "\x00", "steel-1", "dc-1", "incomer", "2018-01-01", "null", "1e9", "-0", "١٢", "∞", "true"]),
)
QUERIES = {
    "/sites": ("limit", "cursor"), "/meters": ("site", "limit", "cursor"),
    "/readings": ("site", "meter", "from", "to", "limit", "cursor"),
    "/energy": ("site", "meter", "from", "to", "step", "limit", "cursor"),
    "/pue": ("site", "from", "to", "step", "limit", "cursor"),
    "/alerts": ("site", "meter", "state", "kind", "limit", "cursor"), "/quarantine": ("reason", "limit", "cursor"),
    "/gateways": ("site", "limit", "cursor"),
}  # fmt: skip


@settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_no_query_is_our_fault(known: Served, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(QUERIES)))
    good = {"site": "dc-1" if path == "/pue" else "steel-1", "meter": "incomer"}
    params = {name: data.draw(odd) for name in data.draw(st.sets(st.sampled_from(QUERIES[path])))}
    answer = known.http.get(
        f"/api/v1{path}", params={name: good[name] for name in QUERIES[path] if name in good} | params
    )
    assert answer.status_code in (200, 404, 422), answer.text
    if answer.status_code != 200:
        check_problem(answer, answer.status_code)
