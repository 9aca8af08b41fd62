"""`carbonwatch simulate` into a really running system: all of it arrives, as the truth says."""

import hashlib
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery
from simulators.truth import Truth
from tests.system import COMMAND, System, descendants, plain_environment, running_system

SCENARIOS = Path(__file__).parents[2] / "scenarios"


def simulate(system: System, *args: object) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "simulate", "--data", str(system.data), *(str(arg) for arg in args)]
    return subprocess.run(command, capture_output=True, text=True, timeout=200, env=plain_environment(), check=False)


def summary(system: System, *args: object) -> dict[str, Any]:
    done = simulate(system, *args, "--output", "json")
    assert done.returncode == 0, done.stderr
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["stage"] for line in lines][-1] == "done"
    last: dict[str, Any] = lines[-1]
    return last


@pytest.fixture(scope="module", name="own")
def _own(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    with running_system(tmp_path_factory.mktemp("simulate") / "data", "--no-demo") as one:
        yield one


def test_everything_is_landed_held_or_refused_and_the_bytes_are_the_truths(own: System, tmp_path: Path) -> None:
    heard: list[Delivery] = []
    broker = PahoBroker(own.mqtt, "listener", clean=True)

    def take(delivery: Delivery) -> None:
        heard.append(delivery)
        broker.ack([delivery])

    broker.start(("ecm/v1/#",), take)
    while not broker.connected:
        time.sleep(0.02)
    time.sleep(0.3)
    done = summary(
        own, "--scenario", SCENARIOS / "everything.toml", "--seed", 77, "--days", 2, "--truth", tmp_path / "t"
    )
    broker.stop()
    assert done["received"] == sum(done[name] for name in ("landed", "duplicate", "conflict", "held", "refused"))
    assert done["landed"] > 30_000
    assert done["held"] == 2 * 193
    truth = Truth(tmp_path / "t")
    sent = list(truth.messages())
    assert len(sent) == done["messages"]
    received = {(delivery.topic, bytes(delivery.payload)) for delivery in heard}
    hashes = {(topic, hashlib.sha256(payload).hexdigest()) for topic, payload in received}
    assert {(row["topic"], row["sha256"]) for row in sent} <= hashes
    kinds = {topic.rpartition("/")[2] for topic, _ in received}
    assert kinds == {"telemetry", "birth", "event", "receipt", "death"}


def test_the_same_again_changes_nothing(own: System, tmp_path: Path) -> None:
    args = ("--scenario", SCENARIOS / "registers.toml", "--days", 1)
    first = summary(own, *args, "--truth", tmp_path / "a")
    again = summary(own, *args, "--truth", tmp_path / "b")
    assert first["landed"] > 0
    assert (again["landed"], again["conflict"]) == (0, 0)
    assert again["duplicate"] >= first["landed"]
    for name in ("run.json", "faults.json", "messages.csv", "values.csv", "intervals.csv"):
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()


def test_at_a_speed_time_passes_as_asked(own: System) -> None:
    begun = time.monotonic()
    done = summary(own, "--scenario", SCENARIOS / "registers.toml", "--days", 1, "--seed", 9, "--speed", 30_000)
    assert time.monotonic() - begun >= 86_400 / 30_000
    assert done["messages"] == 99


def test_a_run_into_the_future_is_refused(own: System) -> None:
    done = simulate(own, "--scenario", SCENARIOS / "registers.toml", "--start", "2150-01-01")
    assert done.returncode == 2
    assert "in the future" in done.stderr


def test_a_meter_that_is_there_with_another_register_is_told_so(own: System, tmp_path: Path) -> None:
    scenario = tmp_path / "x.toml"
    scenario.write_text(
        'name = "x"\nstart = 2026-03-02\ndays = 1\n[[site]]\nid = "other"\nkind = "paper_mill"\nonly = ["pumps"]\n'
    )
    own.client.put_site("other", {"name_zh": "纸", "name_en": "paper"})
    own.client.put_meter("other", "pumps", {"name_zh": "泵", "name_en": "pumps", "register": "e_kwh", "digits": 5})
    done = simulate(own, "--scenario", scenario)
    assert done.returncode == 2
    assert "other/pumps is registered with another register" in done.stderr


def test_a_killed_ingest_loses_nothing_in_mid_run(own: System, tmp_path: Path) -> None:
    result: list[dict[str, Any]] = []
    thread = threading.Thread(
        target=lambda: result.append(
            summary(own, "--scenario", SCENARIOS / "delivery.toml", "--speed", 40_000, "--truth", tmp_path / "t")
        )
    )
    thread.start()
    time.sleep(2.5)
    for pid, _ in descendants(own.process.pid):
        if b"\x00ingest\x00" in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    thread.join(150)
    [done] = result
    truth = Truth(tmp_path / "t")
    taken = {(r["meter"], r["quantity"], r["time"]) for r in truth.values() if r["expect"] == "take"}
    assert done["landed"] == len(taken)
