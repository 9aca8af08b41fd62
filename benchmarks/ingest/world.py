"""The neighbours of one run: a new Mosquitto, and a new InfluxDB with a bucket for each consumer."""

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx

from tests.neighbours import ORG, free_port, influxd_in, listens, running, set_up_influx

OURS, PEERS = "carbonwatch", "telegraf"  # the buckets
CONFIGURATIONS = Path(__file__).resolve().parent.parent / "telegraf"
_SUBSCRIBED = re.compile(r"^\d+: (\S+) [012] ecm/", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class World:
    """Where they are; `folder` is for whatever belongs to the run."""

    folder: Path
    broker: int
    influx: str
    token: str
    client: httpx.Client

    @property
    def mqtt(self) -> str:
        """The broker's address."""
        return f"mqtt://127.0.0.1:{self.broker}"

    def subscribed(self) -> int:
        """How often any client has subscribed to telemetry so far."""
        return len(_SUBSCRIBED.findall((self.folder / "broker" / "log").read_text("utf-8", "replace")))

    def wait_subscribed(self, times: int, seconds: float = 30.0) -> None:
        """Until there were so many subscriptions; AssertionError when there are not in time."""
        until = time.monotonic() + seconds
        while self.subscribed() < times:
            assert time.monotonic() < until, f"no subscription after {seconds:.0f} s, see the logs in {self.folder}"
            time.sleep(0.02)

    def counted(self, bucket: str, field: str) -> int:
        """How many points of the measurement `meter` have the field."""
        rows = self.select(bucket, f'SELECT count("{field}") FROM "meter"')
        return int(rows[0]["values"][0][1]) if rows else 0

    def select(self, bucket: str, query: str) -> list[dict[str, Any]]:
        """The series that one InfluxQL statement answers, times in ms."""
        form = {"db": bucket, "epoch": "ms", "q": query}
        [result] = self.client.post("/query", data=form).raise_for_status().json()["results"]
        assert "error" not in result, result["error"]
        found: list[dict[str, Any]] = result.get("series", [])
        return found


@contextmanager
def world(folder: Path) -> Iterator[World]:
    """Start both in a new folder, stop both at the end."""
    for name in ("broker", "influx"):
        (folder / name).mkdir(parents=True)
    port, broker = free_port(), free_port()
    with influxd_in(folder / "influx", port), _mosquitto(folder / "broker", broker):
        token, url = set_up_influx(port), f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}, timeout=60) as client:
            for bucket in (OURS, PEERS):
                _make_bucket(client, bucket)
            yield World(folder, broker, url, token, client)


@contextmanager
def _mosquitto(folder: Path, port: int) -> Iterator[None]:
    """The race's configuration on another port, and with a line in the log for each subscription."""
    text = (CONFIGURATIONS / "mosquitto.conf").read_text("utf-8")
    config = folder / "mosquitto.conf"
    config.write_text(text.replace("listener 1883", f"listener {port}") + "log_type subscribe\n", "utf-8")
    with running("mosquitto", ["-c", str(config)], folder, lambda: listens(port)):
        yield


def _make_bucket(client: httpx.Client, bucket: str) -> None:
    [org] = client.get("/api/v2/orgs", params={"org": ORG}).raise_for_status().json()["orgs"]
    wish = {"name": bucket, "orgID": org["id"], "retentionRules": []}
    client.post("/api/v2/buckets", json=wish).raise_for_status()
