"""Health turns red, with the reason in words, when what it is about really happens; and green again after it."""

import contextlib
import json
import os
import resource
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from energy.books import registry
from energy.broker.paho import PahoBroker
from energy.registry import Meter, Site
from tests import neighbours
from tests.api.served import Served, served
from tests.contract.brokers import Place, running, wait
from tests.source import ROOT
from tests.system import plain_environment
from tests.where_books import books_environment

NOW = 1_795_306_500_000
TOPIC = "ecm/v1/steel-1/gw-1/telemetry"
MIB = 1024 * 1024


@dataclass(slots=True)
class Watched:
    """A served API beside a real ingest on a real broker, in one data directory."""

    one: Served
    broker: Place
    data: Path
    process: subprocess.Popen[bytes]
    giver: PahoBroker = field(init=False)
    sent: int = 0

    def health(self) -> tuple[int, dict[str, Any]]:
        """Status, and the parts by name."""
        answer = self.one.bare.get("/api/v1/health")
        return answer.status_code, {part["name"]: part for part in answer.json()["parts"]}

    def green(self) -> bool:
        """Whether all is well."""
        status, parts = self.health()
        assert (status == 200) == all(part["ok"] for part in parts.values())
        return status == 200

    def red(self, reason: str, part: str = "ingest") -> bool:
        """Whether a part is not well, for this reason."""
        status, parts = self.health()
        return status == 503 and not parts[part]["ok"] and reason in parts[part]["detail"].get("reason", "")

    def send(self, size: int = 0) -> None:
        """One reading, in a payload of at least this size."""
        self.sent += 1
        body = {"boot": "b", "seq": self.sent, "note": "x" * size, "readings": [
            {"meter": "m-1", "ts": NOW + self.sent * 1000, "e_kwh": float(self.sent)}]}  # fmt: skip
        assert self.giver.publish(TOPIC, json.dumps(body).encode())

    def landed(self) -> int:
        """How many values have landed."""
        return sum(day["landed"] for day in self.one.get("/ledger")["items"])


@contextlib.contextmanager
def watched(folder: Path, *words: str, **environment: str) -> Iterator[Watched]:
    """Start all of it, and wait until ingest is connected."""
    data = folder / "data"
    data.mkdir(exist_ok=True)
    with running("iotcore", folder / "broker") as broker, served(data) as one:
        with one.context.books.begin() as db:
            registry.put_site(db, Site("steel-1", "钢厂", "Steel"), "tests", NOW)
            registry.put_meter(db, Meter("steel-1", "m-1", "m", "m"), "tests", NOW)
        command = [sys.executable, "-P", "-m", "deploy", "ingest", "--data", str(data), "--mqtt", broker.url, *words]
        env = {**plain_environment(), **books_environment(data), **environment}
        with (folder / "ingest.log").open("ab") as log:
            process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=ROOT)
        try:
            made = Watched(one, broker, data, process)
            made.giver = broker.client("giver", clean=True)
            wait(lambda: made.health()[1]["ingest"]["detail"].get("broker"))  # before that nobody keeps what is sent
            yield made
        finally:
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(15)
            process.kill()
            process.wait()


def test_the_broker_is_gone(tmp_path: Path) -> None:
    with watched(tmp_path) as seen:
        wait(seen.green)
        seen.broker.stop()
        wait(lambda: seen.red("no connection to the broker"))
        seen.broker.start()
        wait(seen.green)


def test_the_store_refuses(tmp_path: Path) -> None:
    with watched(tmp_path) as seen:
        seen.send()
        wait(lambda: seen.green() and seen.landed() == 1)
        with contextlib.closing(sqlite3.connect(seen.data / "readings.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")  # nobody else may write now
            seen.send()
            wait(lambda: seen.red("landing waits"))
            assert seen.health()[1]["ingest"]["detail"]["store_errors"] >= 1
            other.execute("ROLLBACK")
        wait(lambda: seen.green() and seen.landed() == 2)


def test_the_journal_cannot_be_written(tmp_path: Path) -> None:
    """A file of it may not grow beyond a size: what a full disk does, without one."""
    with watched(tmp_path) as seen:
        seen.send()
        wait(lambda: seen.green() and seen.landed() == 1)
        resource.prlimit(seen.process.pid, resource.RLIMIT_FSIZE, (2 * MIB, resource.RLIM_INFINITY))
        for _ in range(20):
            seen.send(200 * 1024)
        wait(lambda: seen.red("journal of "))
        resource.prlimit(seen.process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        wait(lambda: seen.green() and seen.landed() == 21)


def test_there_is_little_room_left(tmp_path: Path) -> None:
    with watched(tmp_path, CARBONWATCH_DISK_FREE_BYTES=str(10**16)) as seen:
        wait(lambda: seen.red("the disk is nearly full"))
        assert seen.health()[1]["disk"]["ok"], "the API was not told a limit"
        seen.one.app.state.context = replace(seen.one.context, disk_free=10**16)
        wait(lambda: seen.red("the disk is nearly full", "disk"))
        assert "the limit is 10,000,000,000,000,000" in seen.health()[1]["disk"]["detail"]["reason"]


def test_a_disk_that_is_really_full_is_said_though_ingest_cannot_say_it(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=24m", "carbonwatch-test", str(tmp_path / "data")]
    if os.geteuid() != 0 or subprocess.run(mount, capture_output=True, check=False).returncode != 0:
        pytest.skip("a disk of its own can be mounted by root alone")
    try:
        with watched(tmp_path, CARBONWATCH_DISK_FREE_BYTES="1000000") as seen:
            seen.one.app.state.context = replace(seen.one.context, disk_free=1_000_000)
            seen.send()
            wait(lambda: seen.green() and seen.landed() == 1)
            filler = seen.data / "filler"
            with contextlib.suppress(OSError), filler.open("wb", buffering=0) as out:
                while out.write(b"x" * 65536):
                    pass
            seen.send()
            wait(lambda: seen.red("the disk is nearly full", "disk"))
            filler.unlink()
            wait(lambda: seen.green() and seen.landed() == 2)
    finally:
        subprocess.run(["umount", "-l", str(tmp_path / "data")], check=True)


@pytest.mark.needs("influxdb")
def test_landing_is_behind_a_store_that_stalls(tmp_path: Path) -> None:
    home, port = tmp_path / "influxd", neighbours.free_port()
    home.mkdir()
    with neighbours.influxd_in(home, port) as influxd:
        token, url = neighbours.set_up_influx(port), f"http://127.0.0.1:{port}"
        environment = {"INFLUX_TOKEN": token, "CARBONWATCH_LAG_SECONDS": "3", "CARBONWATCH_INFLUX_ORG": neighbours.ORG}
        with watched(tmp_path, "--influx", url, **environment) as seen:
            seen.send()
            wait(lambda: seen.green() and seen.landed() == 1)
            influxd.send_signal(signal.SIGSTOP)
            try:
                seen.send()
                wait(lambda: seen.red("landing is behind: a message has waited"))
            finally:
                influxd.send_signal(signal.SIGCONT)
            wait(lambda: seen.green() and seen.landed() == 2)
            assert httpx.get(f"{url}/health", timeout=5).status_code == 200
