"""The real neighbours that tests run with: which of them are here, and how to start one for a while."""

import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx

ORG = os.environ.get("INFLUX_ORG", "carbonwatch")
_START_S = 30
_STOP_S = 10
# For each neighbour the commands that tell its version; the first that can be found counts.
_COMMANDS: dict[str, tuple[tuple[str, str], ...]] = {
    "mosquitto": (("mosquitto", "-h"),),
    "influxdb": (("influxd", "version"),),
    "postgresql": (("postgres", "--version"),),
    "chromium": (("chromium", "--version"), ("chromium-browser", "--version"), ("google-chrome", "--version")),
    "openssl": (("openssl", "version"),),
    "alertmanager": (("prometheus-alertmanager", "--version"), ("alertmanager", "--version")),
}


@cache
def present(name: str) -> str | None:
    """The version of a neighbour that tests can run with, or None where it is absent; KeyError for an unknown name."""
    if name == "influxdb" and "INFLUX_URL" in os.environ:
        try:
            health = httpx.get(f"{os.environ['INFLUX_URL'].rstrip('/')}/health", timeout=5).json()
        except (httpx.HTTPError, ValueError):
            return None
        return f"{str(health.get('version', 'unknown')).removeprefix('v')} at INFLUX_URL"
    for command, flag in _COMMANDS[name]:
        path = find(command)
        if path is not None:
            done = subprocess.run([path, flag], capture_output=True, text=True, timeout=60, check=False)
            version = re.search(r"\d+(\.\d+)+", done.stdout + done.stderr)
            return version[0] if version else "unknown"
    return None


def find(command: str) -> str | None:
    """The path of a neighbour's program, also where Debian keeps it off the PATH; None where it is absent."""
    debian = ["/usr/sbin", *sorted(map(str, Path("/usr/lib/postgresql").glob("*/bin")), reverse=True)]
    return shutil.which(command) or shutil.which(command, path=os.pathsep.join(debian))


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def influxd() -> Iterator[tuple[str, str]]:
    """A real InfluxDB 2 as (url, all-access token) with organisation ORG: INFLUX_URL and INFLUX_TOKEN, or a new one."""
    if "INFLUX_URL" in os.environ:
        yield os.environ["INFLUX_URL"].rstrip("/"), os.environ["INFLUX_TOKEN"]
        return
    with tempfile.TemporaryDirectory(prefix="influxd-") as folder:
        port = free_port()
        with influxd_in(Path(folder), port):
            yield f"http://127.0.0.1:{port}", set_up_influx(port)


@contextmanager
def influxd_in(folder: Path, port: int) -> Iterator[subprocess.Popen[bytes]]:
    """A real InfluxDB 2 on 127.0.0.1 that keeps all in `folder`, as its process."""
    arguments = [
        *("--http-bind-address", f"127.0.0.1:{port}"),
        *("--bolt-path", f"{folder}/bolt", "--engine-path", f"{folder}/engine", "--sqlite-path", f"{folder}/sqlite"),
        *("--reporting-disabled", "--log-level", "warn"),
    ]
    with running("influxd", arguments, folder, lambda: _answers(f"http://127.0.0.1:{port}/health")) as process:
        yield process


def set_up_influx(port: int) -> str:
    """Make a new InfluxDB's first user and organisation ORG; its all-access token."""
    token = "token-of-the-tests"
    wish = {"username": "tests", "password": "password", "org": ORG, "bucket": "setup", "token": token}
    httpx.post(f"http://127.0.0.1:{port}/api/v2/setup", json=wish, timeout=_START_S).raise_for_status()
    return token


def drop_bucket(url: str, token: str, bucket: str) -> None:
    """Delete an InfluxDB's bucket of organisation ORG, if it is there."""
    with httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}, timeout=_START_S) as client:
        for found in client.get("/api/v2/buckets", params={"name": bucket, "org": ORG}).json().get("buckets", []):
            client.delete(f"/api/v2/buckets/{found['id']}").raise_for_status()


@contextmanager
def mosquitto(
    port: int | None = None, folder: Path | None = None, settings: str = "allow_anonymous true"
) -> Iterator[int]:
    """A real Mosquitto on 127.0.0.1 as its port, open to anybody unless `settings` say otherwise.

    A `folder` that is given keeps its sessions.
    """
    taken = port or free_port()
    with tempfile.TemporaryDirectory(prefix="mosquitto-") as made:
        home = folder or Path(made)
        config = home / "mosquitto.conf"
        config.write_text(
            f"listener {taken} 127.0.0.1\n{settings}\n"
            f"persistence true\npersistence_location {home}/\nautosave_interval 1\n"
            "max_inflight_messages 1000\nmax_queued_messages 0\nmax_queued_bytes 0\n"
            + ("user root\n" if os.geteuid() == 0 else "")
        )
        with running("mosquitto", ["-c", str(config)], home, lambda: listens(taken)):
            yield taken


@contextmanager
def running(
    command: str, arguments: list[str], folder: Path, ready: Callable[[], bool]
) -> Iterator[subprocess.Popen[bytes]]:
    """A neighbour's process, awaited until `ready`, stopped at the end; its output is in folder/log."""
    path = find(command)
    assert path is not None, f"{command} is not installed"
    log = folder / "log"
    with log.open("wb") as output, subprocess.Popen([path, *arguments], stdout=output, stderr=output) as process:
        try:
            deadline = time.monotonic() + _START_S
            while not ready():
                assert process.poll() is None, f"{command} ended at once: {log.read_text(errors='replace')[-2000:]}"
                assert time.monotonic() < deadline, f"{command} is not ready after {_START_S} s"
                time.sleep(0.05)
            yield process
        finally:
            stop(process)


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a process, in the hard way where it does not listen."""
    process.terminate()
    try:
        process.wait(_STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def listens(port: int) -> bool:
    """Whether somebody listens on a port of 127.0.0.1."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
