"""The real ingest process in a storm of garbage, and killed in the midst of a backlog: every count is exact."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from energy.books import tables as t
from energy.broker.paho import PahoBroker
from energy.journal import START, Record
from tests.contract.brokers import BROKERS, Inbox, Place, running, wait
from tests.ingest.ground import NOW, TOPIC, Ground, message, reading
from tests.source import ROOT
from tests.system import plain_environment
from tests.where_books import books_environment

GOLDEN = ROOT / "tests" / "golden" / "json_v1"
# Topics that MQTT allows and we do not know.
TOPICS = ("x", "/", "a//b", "ecm", "ecm/v1", "ecm/v2/s/g/telemetry", "ecm/v1/steel-1/gw-1/telemetry/x",
          "ecm/v1/steel-1/gw 1/telemetry", "x/主题/二", "'; DROP TABLE ledger; --", "a/" * 150, "ecm/v1/s/g/receipt/",
          "spBv1.0/g/DDATA/e")  # fmt: skip


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    """A broker that already keeps a session for ingest, so that nothing is lost before it is there."""
    with running(request.param, tmp_path / "broker") as one:
        one.client("carbonwatch-ingest-w1", Inbox(), "#").stop()
        yield one


@pytest.fixture
def url(broker: Place) -> str:
    return broker.url


@pytest.fixture
def giver(broker: Place) -> PahoBroker:
    """A client that publishes."""
    return broker.client("giver", clean=True)


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Ground]:
    """The data directory, with m-1 registered."""
    ground = Ground(tmp_path, "m-1")
    yield ground
    ground.close()


@contextlib.contextmanager
def ingest(data: Path, url: str, *, topics: tuple[str, ...] = ("--topics", "#")) -> Iterator[subprocess.Popen[bytes]]:
    """The real process; asked to end at the end, unless it was killed."""
    command = [sys.executable, "-P", "-m", "deploy", "ingest", "--data", str(data), "--mqtt", url, *topics]
    with (data / "ingest.log").open("ab") as log:
        env = {**plain_environment(), **books_environment(data)}
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env, cwd=ROOT)
    try:
        yield process
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
    finally:
        process.kill()
        process.wait()


def is_up(place: Ground) -> bool:
    """Whether ingest says that it is well."""
    return any(row["name"] == "ingest" and row["ok"] for row in place.rows(t.part))


def publish(giver: PahoBroker, topic: str, payload: bytes) -> None:
    while not giver.publish(topic, payload):
        time.sleep(0.005)


def records(place: Ground) -> list[Record]:
    return list(place.reader.all_after(START))


def drained(place: Ground, messages: int) -> bool:
    """Whether so many messages are in the ledger."""
    return place.ledger()["messages"] >= messages


def hostile() -> list[tuple[str, bytes, str]]:
    """(topic, payload, reason) of messages that are to be refused whole."""
    out = [(topic, message(reading(p_kw=1.0), seq=1), "bad_topic") for topic in TOPICS]
    for case in sorted(GOLDEN.iterdir()):
        expected = json.loads((case / "expected.json").read_text("utf-8"))
        if "refused" in expected:
            out.append((TOPIC, (case / "payload").read_bytes(), expected["refused"]["reason"]))
    return out


@pytest.mark.parametrize("broker", ["iotcore"], indirect=True)
def test_a_storm_of_garbage_harms_nothing_that_is_good(place: Ground, url: str, giver: PahoBroker) -> None:
    bad = hostile()
    rounds = 10
    assert rounds * len(bad) > 300
    with ingest(place.folder, url) as process:
        sent: list[tuple[str, bytes, str]] = []
        for number in range(rounds * len(bad)):
            good = message(reading(ts=NOW + number, p_kw=float(number), e_kwh=2.0 * number), seq=number + 1, boot="g")
            sent += [bad[number % len(bad)], (TOPIC, good, "")]
            for topic, payload, _ in sent[-2:]:
                publish(giver, topic, payload)
        wait(lambda: drained(place, len(sent)))
        assert process.poll() is None
        wait(lambda: is_up(place))
    assert [(r.topic, r.payload) for r in records(place)] == [(topic, payload) for topic, payload, _ in sent]
    count = rounds * len(bad)
    assert place.stored() == {NOW + n: {"p_kw": float(n), "e_kwh": 2.0 * n} for n in range(count)}
    assert place.ledger() == Counter(messages=2 * count, undecodable=count, received=2 * count, landed=2 * count)
    refused = {(q["day"], q["row"]): (q["topic"], q["reason"], q["size"], q["item"]) for q in place.rows(t.quarantine)}
    positions = [record.position for record in records(place)]
    assert refused == {
        position: (topic, reason, len(payload), -1)
        for position, (topic, payload, reason) in zip(positions, sent, strict=True)
        if reason
    }
    seen = {row["boot"]: row["seen"] for row in place.rows(t.gateway)}
    assert seen["g"] == [[1, count]]
    log = (place.folder / "ingest.log").read_text("utf-8")
    assert "Traceback" not in log
    assert '"ERROR"' not in log


@pytest.mark.parametrize("broker", ["iotcore"], indirect=True)
def test_what_is_no_mqtt_at_all_reaches_nobody(place: Ground, url: str, giver: PahoBroker) -> None:
    """Topics that are not UTF-8, hold NUL or wildcards: refused by the broker or by us; what follows arrives."""
    with ingest(place.folder, url) as process:
        for topic in (b"\xff\xfe", b"ecm/v1/\xc0/g/telemetry", b"a\x00b", b"\xed\xa0\x80", b"+", b"a/#"):
            raw_publish(int(url.rsplit(":", 1)[1]), topic, b"x")
        publish(giver, TOPIC, message(reading(p_kw=1.0), seq=1))
        wait(lambda: place.stored() == {NOW: {"p_kw": 1.0}})
        assert process.poll() is None
        wait(lambda: is_up(place))
    assert {row["reason"] for row in place.rows(t.quarantine)} <= {"bad_topic"}


def raw_publish(port: int, topic: bytes, payload: bytes) -> None:
    """Say it at QoS 1 without asking a library whether one may."""

    def packet(kind: int, body: bytes) -> bytes:
        assert len(body) < 128
        return bytes([kind, len(body)]) + body

    with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 5) as wire:
        wire.sendall(packet(0x10, b"\x00\x04MQTT\x04\x02\x00\x3c\x00\x03raw"))
        assert wire.recv(4)[:1] == b"\x20"
        wire.sendall(packet(0x32, len(topic).to_bytes(2, "big") + topic + b"\x00\x01" + payload))
        wire.settimeout(0.3)
        wire.recv(4)


def test_killed_in_the_midst_of_a_backlog_every_count_is_exact(place: Ground, url: str, giver: PahoBroker) -> None:
    count, kills = 4_000, 3
    garbage, unknown = set(range(7, count, 50)), set(range(9, count, 40))
    for n in range(count):
        meter = "m-9" if n in unknown else "m-1"
        payload = message(reading(meter, NOW + n, p_kw=float(n), e_kwh=0.5 * n), seq=n + 1)
        publish(giver, TOPIC, payload[: -n % 9 - 1] if n in garbage else payload)
    for kill in range(kills):
        with ingest(place.folder, url) as process:
            goal = count * (kill + 1) // (kills + 2)
            wait(lambda: len_of(place) >= goal)  # noqa: B023  called in this turn only
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
    with ingest(place.folder, url):
        wait(lambda: len({seq for r in records(place) if (seq := number(r))}) == count - len(garbage))
        wait(lambda: drained(place, len_of(place)) and cursor_is_at_the_end(place))
        place.register("m-9")
        wait(lambda: place.ledger()["held"] == 0 and len(place.stored("m-9")) > 0)
    exact(place, count, garbage, unknown)


def exact(place: Ground, count: int, garbage: set[int], unknown: set[int]) -> None:
    """What must be there once, and what came twice, to the last value."""
    kept = records(place)
    good = [n for r in kept if (n := number(r))]
    bad = len(kept) - len(good)
    distinct = count - len(garbage)
    assert len(set(good)) == distinct
    assert bad >= len(garbage)
    assert place.ledger() == +Counter(
        messages=len(kept), undecodable=bad, received=2 * len(good), landed=2 * distinct,
        duplicate=2 * (len(good) - distinct),
    )  # fmt: skip
    for meter, mine in (("m-9", unknown - garbage), ("m-1", set(range(count)) - unknown - garbage)):
        assert place.stored(meter) == {NOW + n: {"p_kw": float(n), "e_kwh": 0.5 * n} for n in mine}
    assert place.rows(t.conflict) == []
    places = [(q["day"], q["row"]) for q in place.rows(t.quarantine)]
    assert sorted(places) == [r.position for r in kept if not number(r)]
    (gateway,) = place.rows(t.gateway)
    missing = {n + 1 for n in garbage}
    assert {n for first, last in gateway["seen"] for n in range(first, last + 1)} == set(range(1, count + 1)) - missing


def number(record: Record) -> int:
    """A message's sequence number, 0 for garbage."""
    try:
        body: dict[str, Any] = json.loads(record.payload)
    except ValueError:
        return 0
    return int(body["seq"])


def len_of(place: Ground) -> int:
    return place.reader.count_after(START)


def cursor_is_at_the_end(place: Ground) -> bool:
    (cursor,) = [row for row in place.rows(t.cursor) if row["worker"] == "w1"]
    return cursor["plan"] is None and (cursor["day"], cursor["row"]) == records(place)[-1].position
