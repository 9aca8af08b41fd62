"""A really running `carbonwatch up`, for the tests that need the whole system."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from energy.client import Client
from tests.where_books import books_environment

COMMAND = Path(sys.executable).with_name("carbonwatch")
READY_S = 120.0
STOP_S = 30.0


@dataclass(frozen=True, slots=True)
class System:
    """One `carbonwatch up`: where its API, its broker, its data and its process are; `log` has all that it printed."""

    url: str
    mqtt: str
    data: Path
    client: Client
    process: subprocess.Popen[bytes]
    log: Path


@contextmanager
def running_system(data: Path, *args: str, **environment: str) -> Iterator[System]:
    """Start `carbonwatch up --data DATA ARGS` on free ports and give it when its health is 200; stop it cleanly after.

    Its books are where this run's books are, unless `environment` says otherwise.
    AssertionError with the end of its log when it does not come up, does not end with 0, or leaves a child behind.
    A test that kills the process itself gets no such questions at the end.
    """
    log = data.with_name(f"{data.name}.log")
    with log.open("ab") as out:
        command = [str(COMMAND), "up", "--data", str(data), "--port", "0", "--mqtt-port", "0", *args]
        env = {**plain_environment(), **books_environment(data), **environment}
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT, env=env)
    try:
        system = _ready(process, data, log)
        with closing(system.client):
            yield system
        if process.poll() is None:
            stop(process, log)
    finally:
        _kill(descendants(process.pid) | {(process.pid, _started(process.pid))})
        process.wait()


def stop(process: subprocess.Popen[bytes], log: Path) -> None:
    """SIGTERM; AssertionError unless it ends with 0 in time and every child with it."""
    family = descendants(process.pid)
    process.send_signal(signal.SIGTERM)
    try:
        status = process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        raise AssertionError(f"`carbonwatch up` did not end in {STOP_S:.0f} s after SIGTERM\n{tail(log)}") from None
    left = _wait_gone(family)
    _kill(left)
    assert status == 0, f"`carbonwatch up` ended with {status} on SIGTERM\n{tail(log)}"
    assert not left, f"`carbonwatch up` left children behind: {sorted(left)}\n{tail(log)}"


def plain_environment() -> dict[str, str]:
    """This process's environment without what would steer a `carbonwatch` command."""
    return {key: value for key, value in os.environ.items() if not key.startswith(("CARBONWATCH_", "INFLUX_"))}


def tail(log: Path, size: int = 6000) -> str:
    """The end of what a system printed."""
    return f"--- the end of {log.name} ---\n{log.read_text('utf-8', 'replace')[-size:]}"


def descendants(pid: int) -> set[tuple[int, str]]:
    """Every living process below `pid`, as (pid, its start time in ticks), from /proc."""
    parents: dict[int, list[int]] = {}
    for entry in Path("/proc").glob("[0-9]*/stat"):
        fields = _stat(int(entry.parent.name))
        if fields:
            parents.setdefault(int(fields[1]), []).append(int(entry.parent.name))
    found, open_ = set(), [pid]
    while open_:
        for child in parents.get(open_.pop(), []):
            found.add((child, _started(child)))
            open_.append(child)
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat from the state on; [] when there is no such process, or only its zombie."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
    return [] if fields[0] == "Z" else fields


def _started(pid: int) -> str:
    fields = _stat(pid)
    return fields[19] if fields else ""


def _ready(process: subprocess.Popen[bytes], data: Path, log: Path) -> System:
    """Wait for the addresses and then for a health of 200."""
    deadline = time.monotonic() + READY_S
    last = "no running.json yet"
    while time.monotonic() < deadline:
        assert process.poll() is None, f"`carbonwatch up` ended at once with {process.returncode}\n{tail(log)}"
        where = _addresses(data, process.pid)
        if where:
            last = _health(where["url"])
            if last == "200":
                key = (data / "admin.key").read_text("utf-8").strip()
                return System(where["url"], where["mqtt"], data, Client(where["url"], key), process, log)
        time.sleep(0.2)
    raise AssertionError(f"`carbonwatch up` was not healthy in {READY_S:.0f} s ({last})\n{tail(log)}")


def _addresses(data: Path, pid: int) -> dict[str, str]:
    """What running.json says, once it is this process's; a killed system may have left an older one."""
    try:
        said = json.loads((data / "running.json").read_text("utf-8"))
    except (FileNotFoundError, json.JSONDecodeError):
        return {}
    return {key: str(said[key]) for key in ("url", "mqtt")} if said["pid"] == pid else {}


def _health(url: str) -> str:
    try:
        answer = httpx.get(f"{url}/api/v1/health", timeout=5.0)
    except httpx.HTTPError as error:
        return repr(error)
    return "200" if answer.status_code == 200 else f"{answer.status_code} {answer.text[:500]}"


def _wait_gone(family: set[tuple[int, str]], seconds: float = 5.0) -> set[tuple[int, str]]:
    """The processes of `family` that are still there after `seconds`."""
    deadline = time.monotonic() + seconds
    while True:
        left = {(pid, started) for pid, started in family if _started(pid) == started}
        if not left or time.monotonic() > deadline:
            return left
        time.sleep(0.1)


def _kill(processes: set[tuple[int, str]]) -> None:
    for pid, started in processes:
        if started and _started(pid) == started:
            os.kill(pid, signal.SIGKILL)
