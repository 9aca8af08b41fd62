"""Logs and lists of processes: no secret is in them, and nobody can write a line of his own into them."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest
from paho.mqtt.client import Client as Mqtt
from paho.mqtt.enums import CallbackAPIVersion

from tests.neighbours import free_port, influxd_in, set_up_influx
from tests.postgres import postgresql
from tests.system import System, descendants, running_system

FORGED = '{"at": "2026-01-01", "level": "CRITICAL", "part": "forged", "said": "all is well"}'
NASTY = (
    f"a\n{FORGED}",
    f"a\r\n{FORGED}\r\n",
    f"a\u2028{FORGED}",
    f"a\x85{FORGED}",
    "\x1b[2J\x1b]0;x\x07",
    "\x9b31m",
    "\u202e",
)
PASSWORDS = {"password": "Secret-Pass-Sentence-1", "wrong password": "Wrong-Pass-Sentence-2",
             "new password": "Newer-Pass-Sentence-3", "PostgreSQL's password": "Pg-Secret-4"}  # fmt: skip


def check_lines(log: Path) -> int:
    """Every line is one record of ours; how many there are."""
    text = log.read_bytes().decode("utf-8")
    lines = text.splitlines()
    assert len(lines) == text.count("\n"), f"{log.name}: something in it ends a line"
    for line in lines:
        record = json.loads(line)
        assert record.keys() <= {"at", "level", "part", "said", "error"}, line
        assert record["part"] != "forged"
        assert not re.search(r"[\x00-\x1f\x7f-\x9f\u2028-\u202e]", line)
    return len(lines)


def test_a_record_is_one_line_whatever_is_in_it(tmp_path: Path) -> None:
    every = [*NASTY, "\ud800", "\x00", '"}', "%s %d", "{0}", "x" * 100_000]
    program = (
        "import json, logging, sys\n"
        "from deploy.adapters import log_to_stderr\n"
        "log_to_stderr()\n"
        "for said in json.loads(sys.stdin.read()):\n"
        "    logging.getLogger('part ' + said[:50]).warning('it said %s', said)\n"
        "    try:\n        raise ValueError(said)\n"
        "    except ValueError:\n        logging.getLogger('x').exception('failed')\n"
    )
    with (tmp_path / "log").open("wb") as log:
        subprocess.run([sys.executable, "-c", program], input=json.dumps(every).encode(), stderr=log, check=True)
    assert check_lines(tmp_path / "log") == 2 * len(every)


@pytest.fixture(scope="module")
def used(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[System, dict[str, str]]]:
    """A system on PostgreSQL and InfluxDB that has been used, attacked, and cut off from both; and its secrets."""
    folder = tmp_path_factory.mktemp("logs")
    with ExitStack() as stack:
        (folder / "influx").mkdir()
        port = free_port()
        influx = stack.enter_context(influxd_in(folder / "influx", port))
        token = set_up_influx(port)
        server = stack.enter_context(postgresql())
        url = server.url(server.create(), password=PASSWORDS["PostgreSQL's password"])
        system = stack.enter_context(
            running_system(folder / "data", "--no-demo", "--influx", f"http://127.0.0.1:{port}",
                           INFLUX_TOKEN=token, CARBONWATCH_BOOKS=url)
        )  # fmt: skip
        secrets = {**PASSWORDS, "InfluxDB's token": token, "admin key": (system.data / "admin.key").read_text().strip()}
        secrets |= use(system)
        attack(system)
        influx.terminate()
        influx.wait(20)
        fail(system, secrets["admin key"], "/api/v1/health")
        server.stop("immediate")
        fail(system, secrets["admin key"], "/api/v1/sites")
        sign_in(system, "wang", PASSWORDS["password"])
        time.sleep(2)
        secrets["command lines"] = "\n".join(command_lines(system))
        yield system, secrets
        server.start()


def use(system: System) -> dict[str, str]:
    """Sign in, make and rotate keys, open the console; the secrets that came of it."""
    client = system.client
    scope = {"everything": True}
    http = httpx.Client(base_url=f"{system.url}/api/v1", headers={"Authorization": f"Bearer {key_of(system)}"})
    with http:
        body = {"password": PASSWORDS["password"], "role": "admin", "scope": scope}
        assert http.post("/accounts/wang", json=body).status_code == 201
        assert http.post("/accounts/wang", json=body).status_code in (409, 422)
        assert http.post("/accounts/li", json={**body, "password": "Short-9"}).status_code == 422
        made = http.post("/keys", json={"name": "k", "role": "auditor", "scope": scope}).json()
        turned = http.post(f"/keys/{made['id']}/rotate", json={}).json()
        link = client.post("/console-links", {})["url"]
        spent = httpx.get(link).headers["set-cookie"].partition("=")[2].partition(";")[0]
        httpx.get(link)
        session = sign_in(system, "wang", PASSWORDS["password"])
        assert session.status_code == 201
        sign_in(system, "wang", PASSWORDS["wrong password"])
        sign_in(system, "nobody", PASSWORDS["wrong password"])
        assert http.patch("/accounts/wang", json={"password": PASSWORDS["new password"]}).status_code == 200
        http.post("/sessions", content=f'{{"name": 5, "password": "{PASSWORDS["wrong password"]}"'.encode())
        for secret in (made["secret"], turned["secret"], "cw_" + "Invented-Key-6"):
            http.get("/me", headers={"Authorization": f"Bearer {secret}"})
            http.get("/me", headers={"Authorization": f"Basic {secret}"})
    return {
        "key": made["secret"], "rotated key": turned["secret"], "invented key": "Invented-Key-6",
        "link": link.partition("token=")[2], "link's session": spent,
        "session": session.headers["set-cookie"].partition("=")[2].partition(";")[0], "short password": "Short-9",
    }  # fmt: skip


def attack(system: System) -> None:
    """Say nasty things wherever somebody may say something."""
    key = {"Authorization": f"Bearer {key_of(system)}"}
    with httpx.Client(base_url=system.url, headers=key) as http:
        for said in NASTY:
            quoted = "".join(f"%{byte:02x}" for byte in said.encode())
            http.get(f"/{quoted}")
            http.get(f"/api/v1/sites?cursor={quoted}")
            http.put(f"/api/v1/sites/{quoted}", json={"name_en": said})
            http.put("/api/v1/sites/evil", json={"name_en": said, "zone": said})
            http.get("/", headers={b"X-Said": re.sub(rb"[\x00-\x1f\s]+", b" ", said.encode()).strip()})
            sign_in(system, said[:60], said)
    host, _, port = system.mqtt.removeprefix("mqtt://").partition(":")
    gateway = Mqtt(CallbackAPIVersion.VERSION2)
    gateway.connect(host, int(port))
    gateway.loop_start()
    for n, said in enumerate(NASTY):
        for topic in (
            f"ecm/v1/s{n}/{said}/telemetry",
            f"ecm/v1/{said}/g/telemetry",
            f"ecm/{said}",
            "ecm/v1/s/g/telemetry",
        ):
            gateway.publish(topic, json.dumps({"boot": said, "seq": 1, "readings": [{"meter": said, "ts": said}]}), 1)
        gateway.publish("ecm/v1/s/g/telemetry", said.encode(), 1)
    time.sleep(2)
    gateway.disconnect()
    gateway.loop_stop()


def fail(system: System, key: str, path: str) -> None:
    answer = httpx.get(f"{system.url}{path}", headers={"Authorization": f"Bearer {key}"}, timeout=60)
    assert answer.status_code == 503, answer.text


def sign_in(system: System, name: str, password: str) -> httpx.Response:
    return httpx.post(f"{system.url}/api/v1/sessions", json={"name": name, "password": password}, timeout=60)


def key_of(system: System) -> str:
    return (system.data / "admin.key").read_text().strip()


def command_lines(system: System) -> list[str]:
    """What every user of the machine sees of the system's processes."""
    pids = [system.process.pid, *(pid for pid, _ in descendants(system.process.pid))]
    return [Path(f"/proc/{pid}/cmdline").read_bytes().decode("utf-8", "replace") for pid in pids]


@pytest.mark.needs("influxdb", "postgresql")
def test_no_log_and_no_command_line_has_a_secret(used: tuple[System, dict[str, str]]) -> None:
    system, secrets = used
    seen = secrets.pop("command lines")
    assert "deploy" in seen
    logs = {path.name: path.read_text("utf-8", "replace") for path in (system.data / "logs").iterdir()}
    assert {"api.log", "ingest.log", "analytics.log"} <= logs.keys()
    assert sum(len(text) for text in logs.values()) > 1000, "the failures were logged"
    everywhere = {**logs, "what up printed": system.log.read_text("utf-8", "replace"), "command lines": seen}
    for name, text in everywhere.items():
        for what, secret in secrets.items():
            assert secret not in text, f"{what} is in {name}"
        assert "$argon2" not in text, name
    secrets["command lines"] = seen


@pytest.mark.needs("influxdb", "postgresql")
def test_nobody_wrote_a_line_of_his_own(used: tuple[System, dict[str, str]]) -> None:
    system, _ = used
    assert sum(check_lines(path) for path in (system.data / "logs").iterdir()) > 5


@pytest.mark.needs("influxdb", "postgresql")
def test_only_their_owner_reads_the_secrets_that_are_kept(used: tuple[System, dict[str, str]]) -> None:
    system, _ = used
    assert (system.data / "admin.key").stat().st_mode & 0o777 == 0o600
    running = (system.data / "running.json").read_text()
    assert key_of(system) not in running
    assert PASSWORDS["PostgreSQL's password"] not in running
