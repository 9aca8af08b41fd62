"""The doctor sees what is really so: at brokers that are set up well and badly, in stores, books, clocks and files."""

import json
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx
import pytest

from deploy.doctor import broker, config, outside
from deploy.doctor.finding import Finding, Verdict
from energy.broker.address import Access, address_of
from tests import neighbours, postgres
from tests.deploy.broker_folder import make_certificates, mosquitto_in
from tests.system import COMMAND, System, plain_environment

OK, WARN, FAIL = Verdict.OK, Verdict.WARN, Verdict.FAIL


def verdicts(findings: Iterator[Finding]) -> dict[str, Verdict]:
    return {one.check: one.verdict for one in findings}


def run(data: Path, *words: str, status: int, **environment: str) -> dict[str, dict[str, Any]]:
    """The command's checks by name; AssertionError for another exit code."""
    command = [str(COMMAND), "doctor", "--data", str(data), "--format", "json", *words]
    done = subprocess.run(command, env={**plain_environment(), **environment}, capture_output=True, text=True,
                          check=False)  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    said = json.loads(done.stdout)
    assert (said["verdict"] == "fail") == (status == 1)
    assert all(row["mend"] for row in said["checks"] if row["verdict"] != "ok"), "each says how to mend it"
    return {row["check"]: row for row in said["checks"]}


@contextmanager
def bare_mosquitto(folder: Path, *lines: str) -> Iterator[str]:
    """A Mosquitto with nothing set but these lines; its address."""
    port = neighbours.free_port()
    path = folder / "mosquitto.conf"
    root = ("user root",) if os.geteuid() == 0 else ()
    path.write_text("\n".join([f"listener {port} 127.0.0.1", *root, *lines, ""]), "utf-8")
    with neighbours.running("mosquitto", ["-c", str(path)], folder, lambda: neighbours.listens(port)):
        yield f"mqtt://127.0.0.1:{port}"


@pytest.mark.needs("mosquitto")
def test_a_mosquitto_with_its_defaults_fails_where_it_should(tmp_path: Path) -> None:
    with bare_mosquitto(tmp_path, "allow_anonymous true") as url:
        found = {one.check: one for one in broker.look(address_of(url, Access()), embedded=False)}
    assert {name: one.verdict for name, one in found.items()} == {
        "broker": OK, "in flight": FAIL, "queue": FAIL, "anonymous": FAIL
    }  # fmt: skip
    assert found["in flight"].figures == {"in_flight": 20}
    assert 1000 <= found["queue"].figures["kept"] <= 1020
    assert "mosquitto version" in found["broker"].said
    assert verdicts(config.look(tmp_path / "mosquitto.conf")) == {
        "persistence": FAIL, "max_queued_messages": WARN, "max_queued_bytes": OK, "max_inflight_messages": WARN,
        "doors": FAIL, "broker files": OK,
    }  # fmt: skip


@pytest.mark.needs("mosquitto")
def test_the_shipped_mosquitto_is_well_and_nothing_is_left_behind_in_it(tmp_path: Path) -> None:
    folder = tmp_path / "mosquitto"
    done = subprocess.run([COMMAND, "gateway", "init", "--dir", str(folder), "--format", "json"], check=True,
                          capture_output=True, text=True, env=plain_environment())  # fmt: skip
    service = json.loads(done.stdout)
    make_certificates(folder)
    with mosquitto_in(folder) as port:
        access = {"CARBONWATCH_MQTT_USER": service["user"], "CARBONWATCH_MQTT_PASSWORD": service["password"],
                  "CARBONWATCH_MQTT_CA": str(folder / "ca.crt")}  # fmt: skip
        data = tmp_path / "data"
        data.mkdir(mode=0o700)
        words = ("--mqtt", f"mqtts://127.0.0.1:{port}", "--config", str(folder / "mosquitto.conf"))
        found = run(data, *words, status=0, **access)
        wrong = run(data, *words, status=1, **{**access, "CARBONWATCH_MQTT_PASSWORD": "wrong"})
        (folder / "passwords").chmod(0o644)
        loose = run(data, *words, status=1, **access)
        address = address_of(words[1], Access(service["user"], service["password"], folder / "ca.crt"))
        kept = next(iter(broker.look(address, embedded=False))).figures
    broker_checks = ("broker", "in flight", "queue", "anonymous", "persistence", "max_queued_messages", "doors",
                     "broker files", "max_queued_bytes", "max_inflight_messages", "broker clock")  # fmt: skip
    assert {name: found[name]["verdict"] for name in broker_checks} == dict.fromkeys(broker_checks, "ok")
    assert found["in flight"]["figures"]["in_flight"] == 300
    assert "with TLS" in found["broker"]["said"]
    assert (wrong["broker"]["verdict"], "in flight" in wrong) == ("fail", False)
    assert "passwords" in loose["broker files"]["said"]
    assert int(kept["store/messages/count"]) < 300, "what was kept for the probe is gone with its session"


def test_nobody_there_is_a_failure_and_the_rest_is_looked_at_all_the_same(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    words = ("--mqtt", f"mqtt://127.0.0.1:{neighbours.free_port()}")
    found = run(data, *words, status=1)
    assert (found["broker"]["verdict"], found["disk"]["verdict"], found["file modes"]["verdict"]) == (
        "fail",
        "ok",
        "ok",
    )
    assert found["witness"]["verdict"] == found["journal"]["verdict"] == found["API"]["verdict"] == "warn"
    (data / "admin.key").write_text("x")
    (data / "admin.key").chmod(0o644)
    found = run(data, *words, status=1, CARBONWATCH_DISK_FREE_BYTES=str(10**16))
    assert (found["disk"]["verdict"], found["file modes"]["verdict"]) == ("fail", "fail")
    assert found["disk"]["figures"]["free_bytes"] > 0


def test_the_embedded_broker_is_called_what_it_is(up: System) -> None:
    found = run(up.data, status=0)
    assert "demonstration" in found["broker"]["said"]
    assert [found[name]["verdict"] for name in ("broker", "persistence", "anonymous")] == ["warn"] * 3
    assert found["API clock"]["verdict"] == found["queue"]["verdict"] == "ok"
    client = up.client
    assert not [one for one in client.gateways() if one["site"].startswith("doctor")], "no probe was taken for data"


@pytest.mark.parametrize(("hours", "verdict"), [(0.0, OK), (1.0, FAIL), (-1.0, FAIL), (10 / 3600, WARN)])
def test_a_clock_that_is_off_is_seen(hours: float, verdict: Verdict) -> None:
    class Late(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(200)
            self.send_header("Date", format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002
            pass

    with HTTPServer(("127.0.0.1", 0), Late) as server:
        thread = Thread(target=server.serve_forever)
        thread.start()
        found = outside._clock("API", f"http://127.0.0.1:{server.server_port}/")
        server.shutdown()
        thread.join()
    assert found.verdict == verdict, found
    assert abs(found.figures["skew_s"] - hours * 3600) <= 1.5


@pytest.mark.needs("postgresql")
@pytest.mark.parametrize(("off", "verdict"), [("", "ok"), ("fsync", "fail"), ("synchronous_commit", "fail")])
def test_commits_that_are_not_durable_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, off: str, verdict: str
) -> None:
    data = tmp_path / "data"
    data.mkdir(mode=0o700)
    durable = {"fsync": "on", "full_page_writes": "on"}
    server = {**postgres._SETTINGS, **durable, **({"fsync": "off"} if off == "fsync" else {})}
    monkeypatch.setattr(postgres, "_SETTINGS", server)
    with postgres.postgresql() as cluster:
        url = cluster.url(cluster.create())
        if off == "synchronous_commit":
            url += "?options=-c%20synchronous_commit%3Doff"
        words = ("--mqtt", f"mqtt://127.0.0.1:{neighbours.free_port()}")
        found = run(data, *words, status=1, CARBONWATCH_BOOKS=url)
    assert found["PostgreSQL"]["verdict"] == verdict
    assert [name for name in ("fsync", "synchronous_commit") if found["PostgreSQL"]["figures"][name] == "off"] == (
        [off] if off else []
    )
    assert found["PostgreSQL clock"]["verdict"] == "ok"


@pytest.mark.needs("influxdb")
def test_a_bucket_is_missing_or_forgets_or_keeps(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "journal").mkdir(mode=0o700, parents=True)
    data.chmod(0o700)
    with neighbours.influxd() as (url, token):
        words = ("--mqtt", f"mqtt://127.0.0.1:{neighbours.free_port()}", "--influx", url)
        given = {"INFLUX_TOKEN": token, "CARBONWATCH_INFLUX_ORG": neighbours.ORG, "CARBONWATCH_INFLUX_BUCKET": "doctor"}
        assert run(data, *words, status=1, **given)["InfluxDB"]["verdict"] == "fail"
        with httpx.Client(base_url=url, headers={"Authorization": f"Token {token}"}) as api:
            org = api.get("/api/v2/orgs", params={"org": neighbours.ORG}).json()["orgs"][0]["id"]
            wish = {"orgID": org, "name": "doctor", "retentionRules": [{"type": "expire", "everySeconds": 86_400}]}
            bucket = api.post("/api/v2/buckets", json=wish).raise_for_status().json()["id"]
            found = run(data, *words, status=1, **given)
            assert found["InfluxDB"]["verdict"] == found["InfluxDB clock"]["verdict"] == "ok"
            assert (found["retention"]["verdict"], found["retention"]["figures"]["keeps_s"]) == ("warn", 86_400)
            rules = {"retentionRules": [{"type": "expire", "everySeconds": 0}]}
            api.patch(f"/api/v2/buckets/{bucket}", json=rules).raise_for_status()
            assert run(data, *words, status=1, **given)["retention"]["verdict"] == "ok"
        neighbours.drop_bucket(url, token, "doctor")
