"""Behind a reverse proxy: whom it asks for is believed where the operator said so, and only then."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.security.own_api import KEY, own_api


@pytest.fixture(scope="module")
def behind(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    settings = {"CARBONWATCH_PROXIES": "127.0.0.1", "CARBONWATCH_PUBLIC_URL": "https://carbon.example/",
                "CARBONWATCH_SIGN_INS_PER_MINUTE": "2", "CARBONWATCH_BODY_BYTES": "1000",
                "CARBONWATCH_STREAMS_PER_HOLDER": "1", "CARBONWATCH_REQUESTS_PER_MINUTE": "50",
                "CARBONWATCH_NAMES": "carbon.lan"}  # fmt: skip
    with own_api(tmp_path_factory.mktemp("proxy"), **settings) as one:
        yield f"http://127.0.0.1:{one.port}"


def sign_in(url: str, address: str) -> httpx.Response:
    headers = {"Host": "carbon.example", "X-Forwarded-For": address, "X-Forwarded-Proto": "https"}
    return httpx.post(f"{url}/api/v1/sessions", json={"name": "wang", "password": "wrong"}, headers=headers)


def test_each_address_that_the_proxy_asks_for_counts_apart(behind: str) -> None:
    assert [sign_in(behind, "10.0.0.1").status_code for _ in range(3)] == [401, 401, 429]
    assert sign_in(behind, "10.0.0.2").status_code == 401
    # Of IPv6 a whole network counts as one.
    assert [sign_in(behind, f"2001:db8::{n}").status_code for n in range(1, 4)] == [401, 401, 429]
    assert sign_in(behind, "2001:db8:0:1::1").status_code == 401


def test_the_record_has_the_address_that_was_asked_for(behind: str) -> None:
    headers = {"Authorization": f"Bearer {KEY}", "X-Forwarded-For": "10.9.8.7"}
    link = httpx.post(f"{behind}/api/v1/console-links", json={}, headers=headers).json()["url"]
    assert link.startswith("https://carbon.example/enter?token=")
    newest = httpx.get(f"{behind}/api/v1/audit?limit=1", headers=headers).json()["items"][0]
    assert (newest["action"], newest["address"]) == ("link.make", "10.9.8.7")


def test_the_settings_reach_the_api(behind: str) -> None:
    key = {"Authorization": f"Bearer {KEY}"}
    assert httpx.get(f"{behind}/api/v1/me", headers=key).headers["ratelimit-policy"] == '"requests";q=50;w=60'
    put = httpx.put(
        f"{behind}/api/v1/sites/x", content=b" " * 1001, headers={**key, "Content-Type": "application/json"}
    )
    assert put.status_code == 413
    for host, status in (("carbon.lan:99", 200), ("carbon.example", 200), ("evil.example", 421)):
        assert httpx.get(f"{behind}/", headers={"Host": host}).status_code == status
    with httpx.stream("GET", f"{behind}/api/v1/stream", headers=key) as first:
        assert first.status_code == 200
        lines = first.iter_lines()
        next(lines)
        assert httpx.get(f"{behind}/api/v1/stream", headers=key).status_code == 429


def test_without_the_setting_nobody_is_believed(tmp_path: Path) -> None:
    with own_api(tmp_path, CARBONWATCH_SIGN_INS_PER_MINUTE="2") as one:
        url = f"http://127.0.0.1:{one.port}"
        codes = []
        for n in range(3):
            answer = httpx.post(
                f"{url}/api/v1/sessions", json={"name": "wang", "password": "wrong"},
                headers={"X-Forwarded-For": f"10.0.0.{n}"},
            )  # fmt: skip
            codes.append(answer.status_code)
        assert codes == [401, 401, 429]
