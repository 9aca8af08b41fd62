"""A recording has every message as it was, whatever it is and whatever happens to the recorder."""

import gzip
import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from paho.mqtt import publish

from energy.errors import InputError, SetupError
from simulators.message import Message
from simulators.record import Recorder
from simulators.record_file import RecordFile, read_header, read_messages
from tests.contract.brokers import BROKERS, Place, running, wait
from tests.system import COMMAND, plain_environment

STARTED = 1_795_306_500_000
ODD = [
    Message(STARTED, "ecm/v1/s/g/telemetry", b'{"seq":1}'),
    Message(STARTED + 1, "plant/厂/电表", "三相\n\x00\u2028".encode(), 0),
    Message(STARTED + 1, "spBv1.0/x/DDATA/y", bytes(range(256)), 1, True),
    Message(STARTED - 5, "empty", b"", 1),
    Message(STARTED + 7, "zip", gzip.compress(b"x" * 3000), 1),
]


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


def read(path: Path) -> tuple[list[Message], list[str]]:
    notes: list[str] = []
    return list(read_messages(path, notes.append)), notes


def written(path: Path, messages: list[Message]) -> Path:
    file = RecordFile(path, ["#"], STARTED)
    file.write(messages)
    file.lost(STARTED, STARTED + 9)
    file.close()
    return path


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_what_is_written_is_read_byte_for_byte(tmp_path: Path, name: str) -> None:
    path = written(tmp_path / name, ODD)
    assert read(path) == (ODD, [])
    assert read_header(path).started == "2026-11-22T00:15:00+00:00"
    assert (path.read_bytes()[:2] == b"\x1f\x8b") == name.endswith(".gz")


@pytest.mark.parametrize("name", ["a.jsonl", "a.jsonl.gz"])
def test_what_was_flushed_is_readable_wherever_the_rest_is_torn(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    file = RecordFile(path, ["#"], STARTED)
    file.write(ODD)
    file.flush()
    flushed = path.stat().st_size
    file.write([Message(STARTED, "late", os.urandom(4000))])
    file.close()
    whole = path.read_bytes()
    for end in (flushed, flushed + 1, (flushed + len(whole)) // 2, len(whole) - 9):
        path.write_bytes(whole[:end])
        messages, notes = read(path)
        assert messages[: len(ODD)] == ODD
        assert all("torn" in note or "no end" in note for note in notes)
        assert len(messages) in (len(ODD), len(ODD) + 1)
    path.write_bytes(whole[: flushed + 20])
    assert len(read(path)[1]) >= 1


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"{", "line 2"),
        (b'{"at":1,"topic":"a","base64":"?"}', "line 2"),
        (b'{"at":"x","topic":"a","text":""}', "line 2"),
        (b'{"at":1,"text":""}', "no topic"),
        (b"\xff", "line 2"),
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: bytes, said: str) -> None:
    path = written(tmp_path / "a", [])
    head = path.read_bytes().splitlines(keepends=True)[0]
    path.write_bytes(head + line + b'\n{"at":1,"topic":"a","text":""}\n')
    with pytest.raises(InputError, match=said):
        read(path)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (b"", "is no recording"),
        (b"a,b\n1,2\n", "is no recording"),
        (b'{"format":"x","version":1,"started":"","topics":[]}\n', "is no recording"),
        (b'{"format":"carbonwatch recording","version":2,"started":"","topics":[]}\n', "version 2"),
        (b"\x1f\x8bnonsense that is no gzip", "damaged"),
    ],
)
def test_what_is_no_recording_is_said(tmp_path: Path, text: bytes, said: str) -> None:
    path = tmp_path / "a"
    path.write_bytes(text)
    with pytest.raises(InputError, match=said):
        read(path)


@pytest.mark.parametrize("topic", ["", "a/#/b", "a+", "x/y#", "a\0b"])
def test_a_wrong_filter_is_refused(topic: str) -> None:
    with pytest.raises(SetupError, match="is no topic filter"):
        Recorder("mqtt://127.0.0.1", "r", [topic])


def test_messages_of_every_kind_are_recorded_as_they_came(place: Place, tmp_path: Path) -> None:
    port = place.port
    publish.single("kept", b"old", qos=1, retain=True, hostname="127.0.0.1", port=port)
    path = tmp_path / "a.jsonl.gz"
    file = RecordFile(path, ["#"], STARTED)
    recorder = Recorder(place.url, "recorder", ["plant/厂/+", "spBv1.0/#", "zip", "kept", "count"])
    out: list[object] = []
    thread = threading.Thread(target=lambda: out.append(recorder.run(file, None, 6, out.append, lambda: False)))
    thread.start()
    wait(lambda: recorder._ready)
    time.sleep(0.3)
    for message in [ODD[1], ODD[2], ODD[4], Message(0, "ecm/v1/s/g/telemetry", b"not asked for")]:
        publish.single(message.topic, message.payload, qos=message.qos, hostname="127.0.0.1", port=port)
    for n in (b"1", b"2", b"3"):
        publish.single("count", n, qos=1, hostname="127.0.0.1", port=port)
    thread.join(20)
    file.close()
    messages, notes = read(path)
    assert notes == []
    sent = 0 if place.kind == "mosquitto" else 1  # the embedded broker hands on what came at 0 at 1
    assert [(m.topic, m.payload, m.qos) for m in messages] == [
        ("kept", b"old", 1), (ODD[1].topic, ODD[1].payload, sent), (ODD[2].topic, ODD[2].payload, 1),
        ("zip", ODD[4].payload, 1), ("count", b"1", 1), ("count", b"2", 1),
    ]  # fmt: skip
    assert [m.retain for m in messages] == [True, *[False] * 5]
    assert all(abs(m.at - time.time() * 1000) < 60_000 for m in messages)


def test_a_broken_connection_is_in_the_recording(tmp_path: Path) -> None:
    with running("iotcore", tmp_path / "broker") as place:
        path = tmp_path / "a.jsonl"
        file = RecordFile(path, ["t"], STARTED)
        recorder = Recorder(place.url, "recorder", ["t"])
        thread = threading.Thread(target=recorder.run, args=(file, None, 2, lambda _: None, lambda: False))
        thread.start()
        wait(lambda: recorder._ready)
        publish.single("t", b"1", qos=1, hostname="127.0.0.1", port=place.port)
        place.stop()
        wait(lambda: not recorder._ready)
        place.start()
        wait(lambda: recorder._ready)
        publish.single("t", b"2", qos=1, hostname="127.0.0.1", port=place.port)
        thread.join(20)
        file.close()
    assert [m.payload for m in read(path)[0]] == [b"1", b"2"]
    [gap] = [line for line in map(json.loads, path.read_text().splitlines()) if "lost" in line]
    assert 0 < gap["at"] - gap["lost"] < 40_000


def command(*args: object) -> list[str]:
    return [str(COMMAND), "record", *map(str, args)]


@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGINT, signal.SIGKILL])
def test_ended_in_any_way_it_leaves_what_it_had(place: Place, tmp_path: Path, end: signal.Signals) -> None:
    path = tmp_path / "a.jsonl.gz"
    args = command("--topic", "t", "--out", path, "--mqtt", place.url, "--output", "json")
    with subprocess.Popen(
        args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain_environment()
    ) as p:
        try:
            wait(path.exists)
            wait(lambda: _hears(place, path))
            p.send_signal(end)
            out, err = p.communicate(timeout=20)
        finally:
            p.kill()
    messages, _ = read(path)
    assert messages
    assert {m.payload for m in messages} == {b"x"}
    assert "Traceback" not in err
    if end is not signal.SIGKILL:
        assert p.returncode == 0
        assert json.loads(out.splitlines()[-1])["messages"] == len(messages)


def _hears(place: Place, path: Path) -> bool:
    """Say something; whether it is in the file by now."""
    publish.single("t", b"x", qos=1, hostname="127.0.0.1", port=place.port)
    time.sleep(0.1)
    return bool(read(path)[0])


def run(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args), capture_output=True, text=True, timeout=60, env=plain_environment(), check=False
    )


def test_an_existing_file_stays_unless_force_is_said(place: Place, tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text("mine")
    args = ("--topic", "#", "--out", path, "--mqtt", place.url, "--for", "500ms")
    done = run(*args)
    assert (done.returncode, path.read_text()) == (2, "mine")
    assert "--force overwrites it" in done.stderr
    done = run(*args, "--force")
    assert done.returncode == 0, done.stderr
    assert read(path) == ([], [])
    assert "messages          0" in done.stdout


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--mqtt", "mqtt://127.0.0.1:9", "--topic", "a"], 1, "no broker answers at 127.0.0.1:9"),
        (["--mqtt", "http://127.0.0.1:9", "--topic", "a"], 2, "must look like mqtt://"),
        (["--mqtt", "mqtt://127.0.0.1:9", "--topic", "a#"], 2, "is no topic filter"),
        (["--mqtt", "mqtt://127.0.0.1:9", "--topic", "a", "--for", "soon"], 2, "is not a length of time"),
        (["--mqtt", "mqtt://127.0.0.1:9", "--topic", "a", "--for", "-1s"], 2, "is not above 0"),
        (["--data", "nowhere", "--topic", "a"], 2, "carbonwatch up"),
        (["--mqtt", "mqtt://127.0.0.1:9"], 2, "Missing option '--topic'"),
    ],
)
def test_what_cannot_be_done_is_said(tmp_path: Path, args: list[str], code: int, said: str) -> None:
    done = run("--out", tmp_path / "a", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr
