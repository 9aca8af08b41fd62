"""What every answer carries, and by which names the API may be asked: clickjacking, sniffing, DNS rebinding, CSRF."""

from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter

from api.access import COOKIE
from api.guard import Walls
from deploy.commands.api import _public, _walls
from energy.access import EVERYTHING, Role
from energy.books import people
from energy.errors import SetupError
from energy.settings import Settings
from tests.api.served import Served, served

ALWAYS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "no-referrer",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}
PASSWORD = "a long sentence is best"


def check_headers(answer: httpx.Response) -> None:
    for name, value in ALWAYS.items():
        assert answer.headers[name] == value, f"{answer.request.url}: {name}"
    policy = {part.split()[0]: part.split()[1:] for part in answer.headers["content-security-policy"].split(";")}
    assert policy["default-src"] == ["'self'"]
    assert policy["frame-ancestors"] == policy["base-uri"] == policy["object-src"] == ["'none'"]
    assert "unsafe" not in answer.headers["content-security-policy"]
    assert "geolocation=()" in answer.headers["permissions-policy"]
    assert answer.headers["cache-control"]
    assert not answer.headers.keys() & {"server", "x-powered-by", "access-control-allow-origin"}


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/", 200), ("GET", "/console/app.js", 200), ("GET", "/console/vendor/uplot/uPlot.min.css", 200),
     ("HEAD", "/console/app.js", 200), ("GET", "/enter?token=x", 303), ("GET", "/api/v1/sites", 200),
     ("GET", "/api/v1/alerts/1", 200), ("GET", "/nothing", 404), ("GET", "/console/none.js", 404),
     ("GET", "/api/v1/sites?limit=x", 422), ("DELETE", "/api/v1/health", 405), ("POST", "/console/app.js", 405),
     ("OPTIONS", "/api/v1/sites", 405), ("PUT", "/api/v1/sites/x", 422), ("GET", "/api/v1/me", 200)]
)  # fmt: skip
def test_every_answer_carries_them(known: Served, method: str, path: str, status: int) -> None:
    answer = known.http.request(method, path)
    assert answer.status_code == status
    check_headers(answer)


def test_refusals_and_faults_of_ours_carry_them_too(fresh: Served) -> None:
    router = APIRouter()

    @router.get("/fault")
    def fault() -> str:
        raise RuntimeError("the inside")

    fresh.app.include_router(router)
    answers = {
        401: fresh.bare.get("/api/v1/sites"),
        413: fresh.http.put("/api/v1/sites/x", content=b" " * 2_000_000),
        421: fresh.bare.get("/", headers={"Host": "evil.example"}),
        500: fresh.http.get("/fault"),
    }
    with fresh.http.stream("GET", "/api/v1/stream") as stream:
        answers[200] = stream
    for status, answer in answers.items():
        assert answer.status_code == status
        check_headers(answer)
    assert "inside" not in answers[500].text


def test_only_what_changes_with_the_version_is_kept_by_browsers(known: Served) -> None:
    assert known.bare.get("/console/vendor/uplot/uPlot.min.css").headers["cache-control"] == "max-age=3600"
    for path in ("/", "/console/app.js", "/console/vendor/none"):
        assert "max-age=3600" not in known.bare.get(path).headers["cache-control"] or path.endswith("none")


def test_a_secure_address_tells_browsers_to_stay_with_it(tmp_path: Path) -> None:
    with served(tmp_path) as one:
        assert "strict-transport-security" not in one.bare.get("/").headers
        assert "secure" not in signed_in(one).headers["set-cookie"].lower()
    (tmp_path / "other").mkdir()
    with served(tmp_path / "other", public="https://carbon.example") as one:
        answer = one.bare.get("/", headers={"Host": "carbon.example"})
        assert (answer.status_code, answer.headers["strict-transport-security"]) == (200, "max-age=31536000")
        assert "; secure" in signed_in(one).headers["set-cookie"].lower()
        link = one.http.post("/api/v1/console-links", json={}).json()["url"]
        assert link.startswith("https://carbon.example/enter?token=")


def signed_in(one: Served, name: str = "wang") -> httpx.Response:
    with one.context.books.begin() as db:
        people.add_account(db, name, PASSWORD, Role.ADMIN, EVERYTHING, one.context.now())
    answer = one.bare.post("/api/v1/sessions", json={"name": name, "password": PASSWORD})
    assert answer.status_code == 201
    one.bare.cookies.clear()
    return answer


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "LocalHost", "localhost."])
def test_its_own_names_are_answered_to(known: Served, host: str) -> None:
    port = known.url.rpartition(":")[2]
    for said in (host, f"{host}:{port}"):
        assert known.http.get("/api/v1/sites", headers={"Host": said}).status_code == 200, said


@pytest.mark.parametrize(
    "host", ["evil.example", "evil.example:{port}", "127.0.0.1.evil.example:{port}", "localhost.evil.example",
             "127.0.0.1:1", "localhost:{port}1", "192.168.1.5:{port}", "0.0.0.0:{port}", "127.0.0.1@evil.example",
             "evil.example#127.0.0.1:{port}", "[::2]:{port}", "", "a b", "127.0.0.1:", "127.0.0.1:{port}:{port}",
             "localhost:{port}/", "2130706433:{port}"]
)  # fmt: skip
def test_a_page_of_another_name_that_was_rebound_to_our_address_gets_nothing(known: Served, host: str) -> None:
    said = host.replace("{port}", known.url.rpartition(":")[2])
    for path in ("/", "/api/v1/sites", "/api/v1/health", "/console/app.js", "/nothing"):
        answer = known.http.get(path, headers={"Host": said})
        assert answer.status_code == 421, path
        assert "steel-1" not in answer.text


@pytest.fixture
def names(tmp_path: Path) -> Iterator[Served]:
    """Served as behind a proxy with a name, told two names besides."""
    with served(tmp_path, public="https://carbon.example") as one:
        yield one


def test_a_public_address_is_answered_to_beside_the_loopback(names: Served) -> None:
    port = names.url.rpartition(":")[2]
    for host, status in (("carbon.example", 200), ("carbon.example:443", 200), ("carbon.example:80", 421),
                         (f"localhost:{port}", 200), ("other.example", 421)):  # fmt: skip
        assert names.bare.get("/", headers={"Host": host}).status_code == status, host


def test_the_walls_of_the_command() -> None:
    settings = Settings(names="Carbon.lan, api:9000")
    walls = _walls(settings, "0.0.0.0", ["http://0.0.0.0:8080", "https://carbon.example"], ("pod",))
    assert walls.any_address
    assert {"carbon.lan:*", "api:9000", "pod:*", "carbon.example:443", "localhost:8080"} <= walls.hosts
    assert not _walls(Settings(), "127.0.0.1", ["http://127.0.0.1:8080"], ()).any_address


def test_any_address_is_answered_to_where_it_listens_on_all(tmp_path: Path) -> None:
    with served(tmp_path, walls=Walls(any_address=True)) as one:
        port = one.url.rpartition(":")[2]
        for host, status in ((f"192.168.1.5:{port}", 200), ("10.0.0.1", 200), ("192.168.1.5:1", 421),
                             (f"[fd00::5]:{port}", 200), (f"evil.example:{port}", 421)):  # fmt: skip
            assert one.bare.get("/", headers={"Host": host}).status_code == status, host


@pytest.mark.parametrize(
    "url", ["carbon.example", "ftp://x", "https://x/path", "https://u@x", "https://x:99999", "https://"]
)
def test_a_public_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(SetupError, match="must look like"):
        _public(url)


WRITES = (
    ("POST", "/api/v1/alerts/1/acknowledge"), ("PUT", "/api/v1/sites/new"), ("DELETE", "/api/v1/sessions/1"),
    ("POST", "/api/v1/keys"), ("PATCH", "/api/v1/accounts/wang"), ("POST", "/api/v1/console-links"),
)  # fmt: skip


def test_a_foreign_page_cannot_write_with_a_browsers_session(fresh: Served) -> None:
    answer = signed_in(fresh)
    assert "samesite=strict" in answer.headers["set-cookie"].lower()
    assert "httponly" in answer.headers["set-cookie"].lower()
    foreign = {"Origin": "https://evil.example"}
    cookie = {"Cookie": f"{COOKIE}={answer.cookies[COOKIE]}", **foreign}
    before = fresh.get("/alerts/1"), fresh.get("/sites")
    for method, path in WRITES:
        for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
            done = fresh.bare.request(method, path, headers=cookie | {"Content-Type": kind}, content=b"{}")
            assert done.status_code == 403, f"{method} {path}: what a form of another site can send"
            assert "X-Carbonwatch: 1" in done.json()["detail"]
        # A page that asks whether it may set the header is not told so: browsers then do not send it.
        asks = {"Access-Control-Request-Method": method, "Access-Control-Request-Headers": "x-carbonwatch"}
        asked = fresh.bare.options(path, headers=foreign | asks)
        assert asked.status_code == 405
        assert not [name for name in asked.headers if name.startswith("access-control")]
    assert (fresh.get("/alerts/1"), fresh.get("/sites")) == before


def test_a_form_of_another_site_cannot_sign_somebody_in(fresh: Served) -> None:
    signed_in(fresh)
    body = b'{"name": "wang", "password": "' + PASSWORD.encode() + b'"}'
    for kind in ("text/plain", "application/x-www-form-urlencoded"):
        answer = fresh.bare.post("/api/v1/sessions", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 422
        assert "set-cookie" not in answer.headers
