"""Load on real brokers: the feed is valid telemetry, all of it is acknowledged, and a broker's trouble is said."""

import json
import os
import signal
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from energy.errors import OutsideError, SetupError
from ingest.decode import json_v1
from simulators.load import Borne, Load
from simulators.load_feed import Feed
from simulators.publisher import Publisher
from tests import neighbours
from tests.contract.brokers import BROKERS, Inbox, Place, running, wait
from tests.system import COMMAND, System, plain_environment

NOW = 1_795_306_500_000


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


def feed(gateway: str = "g1", meters: int = 3, per_message: int = 2) -> Feed:
    return Feed("load", gateway, "7f3a", [f"m{n}" for n in range(meters)], per_message, ["e_kwh", "p_kw", "pf"])


def run(place: Place, gateways: int, rate: float | None, seconds: float, patience: float = 5.0) -> Borne:
    publisher = Publisher(place.url, [f"load-{n}" for n in range(gateways)])
    try:
        publisher.open(10)
        feeds = [feed(f"g{n}") for n in range(gateways)]
        return Load(publisher, feeds, 2).run(rate, seconds, patience, lambda _: None, lambda: False)
    finally:
        publisher.close()


@pytest.mark.parametrize(("meters", "per_message"), [(1, 1), (4, 2), (5, 2), (7, 7), (3, 1)])
def test_the_feed_is_telemetry_that_ingest_takes_whole(meters: int, per_message: int) -> None:
    one = feed(meters=meters, per_message=per_message)
    payloads = [one.next(NOW + n // 3) for n in range(1500)]
    assert {len(payload) for payload in payloads} == {one.size}
    seen: dict[str, list[tuple[int, float]]] = {}
    for seq, payload in enumerate(payloads, 1):
        message = json_v1.decode(payload)
        assert (message.boot, message.seq, len(message.items)) == ("7f3a", seq, per_message)
        for item in message.items:
            assert not item.refusals
            assert item.reading is not None
            assert set(item.reading.values) == {"e_kwh", "p_kw", "pf"}
            seen.setdefault(item.reading.meter, []).append((item.reading.time, item.reading.values["e_kwh"]))
    assert set(seen) == {f"m{n}" for n in range(meters)}
    for rows in seen.values():
        assert all(a[0] < b[0] and a[1] < b[1] for a, b in pairwise(rows))
    assert json.loads(payloads[7])["sent"] == "2026-11-22T00:15:00.002+00:00"


def test_the_feeds_times_are_the_clocks_where_it_is_slow_enough() -> None:
    one = feed(meters=1, per_message=1)
    assert [json.loads(one.next(NOW + n * 10))["readings"][0]["ts"] for n in range(3)] == [NOW, NOW + 10, NOW + 20]


@pytest.mark.parametrize(
    ("meters", "per_message", "quantities", "said"),
    [
        (2, 3, ["e_kwh"], "1 to 2 readings"),
        (9999, 9999, ["e_kwh"], "at most 262144"),
        (1, 1, ["x"], "quantities must be some of"),
        (1, 1, ["e_kwh", "e_kwh"], "each once"),
        (1, 1, [], "quantities"),
    ],
)
def test_a_feed_that_no_system_would_take_is_refused(
    meters: int, per_message: int, quantities: list[str], said: str
) -> None:
    with pytest.raises(SetupError, match=said):
        Feed("load", "g", "b", [f"m{n}" for n in range(meters)], per_message, quantities)


def test_all_that_is_acknowledged_has_arrived_in_order(place: Place) -> None:
    inbox = Inbox()
    place.client("reader", inbox)
    borne = run(place, gateways=3, rate=400, seconds=1.0)
    assert (borne.trouble, borne.unacknowledged, borne.resent, borne.connections_lost) == ("", 0, 0, 0)
    assert 390 <= borne.sent == borne.acknowledged <= 402
    assert 0 < borne.latency_ms[0] <= borne.latency_ms[1] <= borne.latency_ms[2] <= borne.latency_ms[3] < 5000
    wait(lambda: len(inbox) == borne.sent)
    numbers: dict[str, list[int]] = {}
    for delivery in inbox.tokens:
        numbers.setdefault(delivery.topic, []).append(json.loads(delivery.payload)["seq"])
    assert sorted(numbers) == [f"ecm/v1/load/g{n}/telemetry" for n in range(3)]
    for seqs in numbers.values():
        assert seqs == list(range(1, len(seqs) + 1))
    assert max(map(len, numbers.values())) - min(map(len, numbers.values())) <= 1


def test_as_fast_as_it_goes_is_more_than_any_pace(place: Place) -> None:
    borne = run(place, gateways=2, rate=None, seconds=0.5)
    assert borne.trouble == ""
    assert borne.sent == borne.acknowledged > 500
    assert borne.rate * borne.seconds <= borne.sent
    assert borne.readings_rate == pytest.approx(2 * borne.rate, abs=0.2)


def test_what_a_broken_connection_left_is_sent_again(tmp_path: Path) -> None:
    """The broker dies in the midst of it and comes again on its port."""
    with running("iotcore", tmp_path / "broker") as place:

        def again() -> None:
            place.stop()
            place.start()

        threading.Timer(0.5, again).start()
        borne = run(place, gateways=2, rate=2000, seconds=3.0, patience=20.0)
        assert (borne.unacknowledged, borne.connections_lost) == (0, 2)
        assert borne.sent == borne.acknowledged


def test_a_broker_that_dies_ends_the_run_with_a_reason(tmp_path: Path) -> None:
    with running("iotcore", tmp_path / "broker") as place:
        threading.Timer(0.4, place.stop).start()
        begun = time.monotonic()
        borne = run(place, gateways=2, rate=None, seconds=60.0, patience=1.0)
        assert time.monotonic() - begun < 20
        assert borne.trouble.startswith("no acknowledgement for 1 s (")


@pytest.mark.needs("mosquitto")
def test_a_broker_that_hangs_ends_the_run_with_a_reason(tmp_path: Path) -> None:
    port = neighbours.free_port()
    config = ["-p", str(port)]
    with neighbours.running("mosquitto", config, tmp_path, lambda: neighbours.listens(port)) as process:
        url = f"mqtt://127.0.0.1:{port}"
        publisher = Publisher(url, ["load-1"])
        publisher.open(10)
        threading.Timer(0.3, os.kill, (process.pid, signal.SIGSTOP)).start()
        borne = Load(publisher, [feed()], 2).run(None, 60.0, 1.0, lambda _: None, lambda: False)
        os.kill(process.pid, signal.SIGCONT)
        publisher.close()
    assert borne.trouble == "no acknowledgement for 1 s"
    assert 0 < borne.unacknowledged <= 100
    assert borne.sent == borne.acknowledged + borne.unacknowledged


@pytest.mark.needs("mosquitto")
def test_a_broker_that_refuses_is_said_at_once(tmp_path: Path) -> None:
    port = neighbours.free_port()
    config = tmp_path / "closed.conf"
    config.write_text(f"listener {port} 127.0.0.1\nallow_anonymous false\n")
    with neighbours.running("mosquitto", ["-c", str(config)], tmp_path, lambda: neighbours.listens(port)):
        publisher = Publisher(f"mqtt://127.0.0.1:{port}", ["load-1"])
        with pytest.raises(OutsideError, match="the broker refuses: Not authorized"):
            publisher.open(1.5)
        publisher.close()


def test_a_rate_that_is_not_reached_is_said(place: Place) -> None:
    borne = run(place, gateways=1, rate=10_000_000, seconds=0.3)
    assert borne.trouble.startswith("the rate was not reached: ")
    assert borne.unacknowledged == 0


def load(*args: object, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(COMMAND), "load", *map(str, args)], capture_output=True, text=True, timeout=100, check=False,
        env=plain_environment() | environment,
    )  # fmt: skip


def test_registered_load_lands_whole(system: System) -> None:
    done = load("--gateways", 2, "--meters", 3, "--readings-per-message", 2, "--rate", 50, "--seconds", 1, "--register",
                "--site", "loaded", "--data", system.data, "--output", "json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    ledger: Counter[str] = Counter()

    def landed() -> bool:
        ledger.clear()
        for gateway in system.client.gateways("loaded"):
            ledger.update(gateway["ledger"])
        return bool(ledger["messages"] >= said["sent"])

    wait(landed)
    assert ledger["messages"] == said["acknowledged"] == said["sent"]
    values = said["sent"] * 2 * 2
    assert (ledger["received"], ledger["landed"]) == (values, values)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--mqtt", "mqtt://192.0.2.1"], 2, "192.0.2.1 is not on the loopback"),
        (["--mqtt", "mqtt://127.0.0.1:9", "--seconds", "1"], 1, "have no broker"),
        (["--mqtt", "http://127.0.0.1:9"], 2, "must look like mqtt://host:1883"),
        (["--mqtt", "mqtt://127.0.0.1", "--rate", "0"], 2, "'0' is not a number above 0 or max"),
        (["--mqtt", "mqtt://127.0.0.1", "--rate", "fast"], 2, "'fast' is not a number"),
        (["--mqtt", "mqtt://127.0.0.1", "--meters", "2", "--readings-per-message", "3"], 2, "give more meters"),
        (["--data", "nowhere"], 2, "carbonwatch up"),
    ],
)
def test_what_cannot_be_done_is_said(args: list[str], code: int, said: str) -> None:
    done = load(*args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_the_result_is_a_table_for_a_person(place: Place) -> None:
    done = load("--mqtt", place.url, "--seconds", "0.3", "--rate", "100", "--gateways", "2")
    assert done.returncode == 0, done.stderr
    rows: dict[str, Any] = dict(line.split(maxsplit=1) for line in done.stdout.splitlines() if " " in line.strip())
    assert rows["unacknowledged"] == "0"
    assert rows["latency_ms"].startswith("p50 ")
