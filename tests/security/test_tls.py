"""TLS by `carbonwatch api --tls-cert --tls-key`: newer than 1.1, with a cookie that never goes in the clear."""

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from deploy import listen
from energy.errors import SetupError
from tests.security.own_api import KEY, data_with_key, own_api
from tests.system import COMMAND, plain_environment
from tests.where_books import books_environment

needs_openssl = pytest.mark.skipif(shutil.which("openssl") is None, reason="OPENSSL IS ABSENT: TLS IS NOT TESTED")


@dataclass(frozen=True, slots=True)
class Secure:
    """A running `carbonwatch api` with TLS: its port, its certificate, and what it logged."""

    port: int
    cert: Path
    log: Path

    @property
    def context(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=str(self.cert))


def certificate(folder: Path, *more: str) -> tuple[Path, Path]:
    """A new self-signed certificate for 127.0.0.1 and localhost, and its key."""
    cert, key = folder / "cert.pem", folder / "key.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-days", "2",
         "-keyout", str(key), "-out", str(cert), "-subj", "/CN=carbonwatch tests",
         "-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost", *(more or ("-nodes",))],
        check=True, capture_output=True,
    )  # fmt: skip
    return cert, key


@pytest.fixture(scope="module")
def secure(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secure]:
    folder = tmp_path_factory.mktemp("tls")
    cert, key = certificate(folder)
    with own_api(folder, "--tls-cert", str(cert), "--tls-key", str(key)) as one:
        yield Secure(one.port, cert, one.log)


@needs_openssl
@pytest.mark.parametrize("name", ["127.0.0.1", "localhost"])
def test_api_and_console_speak_tls(secure: Secure, name: str) -> None:
    with httpx.Client(verify=secure.context, base_url=f"https://{name}:{secure.port}") as client:
        assert client.get("/").status_code == 200
        assert client.get("/api/v1/sites", headers={"Authorization": f"Bearer {KEY}"}).json()["items"] == []
        assert client.get("/").headers["strict-transport-security"] == "max-age=31536000"


@needs_openssl
def test_the_session_is_for_tls_only(secure: Secure) -> None:
    url = f"https://127.0.0.1:{secure.port}"
    with httpx.Client(verify=secure.context, base_url=url, headers={"Authorization": f"Bearer {KEY}"}) as client:
        link = client.post("/api/v1/console-links", json={}).json()["url"]
        assert link.startswith(f"{url}/enter?token=")
        cookie = client.get(link).headers["set-cookie"].lower()
    assert all(part in cookie for part in ("; secure", "; httponly", "; samesite=strict"))


@needs_openssl
def test_a_stream_comes_through_tls(secure: Secure) -> None:
    url = f"https://127.0.0.1:{secure.port}/api/v1/stream"
    with httpx.stream("GET", url, headers={"Authorization": f"Bearer {KEY}"}, verify=secure.context) as answer:
        assert next(answer.iter_lines()).startswith("id: ")


@needs_openssl
def test_old_versions_are_refused(secure: Secure) -> None:
    for version, works in (
        (ssl.TLSVersion.TLSv1_1, False),
        (ssl.TLSVersion.TLSv1_2, True),
        (ssl.TLSVersion.TLSv1_3, True),
    ):
        flag = {ssl.TLSVersion.TLSv1_1: "-tls1_1", ssl.TLSVersion.TLSv1_2: "-tls1_2"}.get(version, "-tls1_3")
        done = subprocess.run(
            ["openssl", "s_client", flag, "-connect", f"127.0.0.1:{secure.port}", "-cipher", "ALL:@SECLEVEL=0"],
            input=b"", capture_output=True, timeout=20, check=False,
        )  # fmt: skip
        assert (done.returncode == 0) == works, (flag, done.stderr[-500:])


@needs_openssl
def test_speaking_in_the_clear_gets_nothing(secure: Secure) -> None:
    with pytest.raises(httpx.HTTPError):
        httpx.get(f"http://127.0.0.1:{secure.port}/", timeout=5)
    with httpx.Client(verify=secure.context) as client:
        assert client.get(f"https://127.0.0.1:{secure.port}/").status_code == 200
    assert "Traceback" not in secure.log.read_text()


@needs_openssl
def test_a_certificate_that_cannot_be_used_is_refused(tmp_path: Path) -> None:
    good, key = certificate(tmp_path)
    for name in ("other", "locked"):
        (tmp_path / name).mkdir()
    other, _ = certificate(tmp_path / "other")
    locked = certificate(tmp_path / "locked", "-passout", "pass:secret-phrase")
    assert listen.secure(good, key).minimum_version is ssl.TLSVersion.TLSv1_2
    for pair in ((other, key), (key, key), (tmp_path / "none", key), locked):
        with pytest.raises(SetupError, match="no certificate with its key"):
            listen.secure(*pair)


@needs_openssl
def test_what_is_wrong_with_it_is_said_in_one_line(tmp_path: Path) -> None:
    cert, key = certificate(tmp_path)
    data = data_with_key(tmp_path)
    for args, said in ((["--tls-cert", str(cert)], "given together"),
                       (["--tls-cert", str(key), "--tls-key", str(key)], "no certificate with its key")):  # fmt: skip
        done = subprocess.run(
            [str(COMMAND), "api", "--data", str(data), *args], capture_output=True, text=True, timeout=60, check=False,
            stdin=subprocess.DEVNULL, env={**plain_environment(), **books_environment(data)},
        )  # fmt: skip
        assert done.returncode == 2, done.stderr
        assert done.stderr.count("\n") == 1
        assert said in done.stderr
