"""Recordings and journals are played as they were, into real brokers and a really running system."""

import json
import os
import pty
import shutil
import sqlite3
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from energy.broker.port import Delivery
from energy.errors import InputError
from energy.journal import Journal
from simulators.message import Message
from simulators.readers.journal import read_journal
from simulators.record_file import RecordFile
from tests.contract.brokers import BROKERS, Inbox, Place, running, wait
from tests.system import COMMAND, System, plain_environment

START = 1_767_225_600_000
DAY = 86_400_000


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


def telemetry(seq: int, at: int, site: str = "s") -> Message:
    body = {"boot": "b", "seq": seq, "sent": "2026-01-01T00:00:00+00:00",
            "readings": [{"meter": "m", "ts": at, "e_kwh": float(seq)}]}  # fmt: skip
    return Message(at, f"ecm/v1/{site}/g/telemetry", json.dumps(body).encode())


def recording(path: Path, messages: list[Message]) -> Path:
    file = RecordFile(path, ["#"], START)
    file.write(messages)
    file.close()
    return path


def journal(folder: Path, worker: str, messages: list[Message]) -> Path:
    writer = Journal(folder, worker)
    writer.append([Delivery(m.topic, m.payload, m.at, None) for m in messages])
    writer.close()
    return folder


def command(*args: object) -> list[str]:
    return [str(COMMAND), "replay", *map(str, args)]


def replay(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*args), capture_output=True, text=True, timeout=100, env=plain_environment(), check=False
    )


def last(out: str) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(out.splitlines()[-1])
    return found


def test_a_recording_arrives_byte_for_byte_and_in_order(place: Place, tmp_path: Path) -> None:
    messages = [
        Message(START, "plant/a", bytes(range(256)) * 4, 0),
        Message(START + 5, "ecm/v1/s/g/receipt", b'{"boot":"b","seq":1}'),
        telemetry(1, START + 6),
        Message(START + 7, "$SYS/broker/uptime", b"1 s"),
        Message(START + 7, "ecm/v1/s/manual/entry", b"{}"),
        *(Message(START + n, "plant/n", str(n).encode()) for n in range(10, 700)),
        Message(START, "plant/a", b"the end, with a clock set back"),
    ]
    played = [m for n, m in enumerate(messages) if n not in (1, 3, 4)]
    inbox = Inbox()
    place.client("reader", inbox, "#")
    path = recording(tmp_path / "a.jsonl.gz", messages)
    done = replay(path, "--format", "recording", "--mqtt", place.url, "--output", "json")
    assert done.returncode == 0, done.stderr
    said = last(done.stdout)
    assert (said["messages"], said["acknowledged"], said["left_out"]) == (len(played), len(played), 3)
    assert (said["complete"], said["telemetry"], said["landed"]) == (True, 1, None)
    wait(lambda: len(inbox) == len(played))
    assert [(d.topic, d.payload) for d in inbox.tokens] == [(m.topic, m.payload) for m in played]


def test_a_part_is_played_at_its_speed_and_moved(place: Place, tmp_path: Path) -> None:
    inbox = Inbox()
    place.client("reader", inbox, "#")
    path = recording(tmp_path / "a.jsonl", [telemetry(n, START + n * 60_000) for n in range(10)])
    begun = time.monotonic()
    done = replay(path, "--format", "recording", "--mqtt", place.url, "--from", "2026-01-01T00:02Z", "--to",
                  "2026-01-01T00:06Z", "--shift", "1h", "--speed", "120", "--output", "json")  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert time.monotonic() - begun > 1.5
    wait(lambda: len(inbox) == 4)
    assert [json.loads(p)["readings"][0]["ts"] for p in inbox] == [START + 3_600_000 + n * 60_000 for n in range(2, 6)]
    assert json.loads(inbox[0])["sent"] == "2026-01-01T01:00:00+00:00"


def test_the_first_message_moves_to_now_or_to_a_time(place: Place, tmp_path: Path) -> None:
    inbox = Inbox()
    place.client("reader", inbox, "#")
    path = recording(tmp_path / "a.jsonl", [telemetry(1, START)])
    for shift in ("now", "2026-03-01T00:00Z"):
        assert replay(path, "--format", "recording", "--mqtt", place.url, "--shift", shift).returncode == 0
    wait(lambda: len(inbox) == 2)
    now, then = (json.loads(p)["readings"][0]["ts"] for p in inbox)
    assert abs(now - time.time() * 1000) < 60_000
    assert then == START + 59 * DAY


def test_a_program_pauses_steps_and_ends_it(place: Place, tmp_path: Path) -> None:
    inbox = Inbox()
    place.client("reader", inbox, "#")
    path = recording(tmp_path / "a.jsonl", [telemetry(n, START + n) for n in range(9)])
    args = command(path, "--format", "recording", "--mqtt", place.url, "--pause", "--control", "stdin",
                   "--output", "json")  # fmt: skip
    pipe = subprocess.PIPE
    with subprocess.Popen(args, stdin=pipe, stdout=pipe, stderr=pipe, text=True, env=plain_environment()) as process:
        assert process.stdin is not None
        for line, count in (("step", 1), ("nonsense", 1), ("step 3", 4)):
            process.stdin.write(f"{line}\n")
            process.stdin.flush()
            wait(lambda count=count: len(inbox) == count)  # type: ignore[misc]
        time.sleep(0.3)
        assert len(inbox) == 4
        out, err = process.communicate("quit\n", timeout=20)
    assert process.returncode == 0
    assert "'nonsense' is none of: pause" in err
    assert (last(out)["messages"], last(out)["complete"]) == (4, False)
    lines = [json.loads(line) for line in out.splitlines()[:-1]]
    assert {"sent", "total", "acknowledged", "rate", "position", "lag", "state"} == set(lines[0])
    assert [(line["state"], line["sent"]) for line in lines[-4:]] == [("paused", n) for n in range(1, 5)]


def test_a_person_steps_and_goes_on_by_keys(place: Place, tmp_path: Path) -> None:
    inbox = Inbox()
    place.client("reader", inbox, "#")
    path = recording(tmp_path / "a.jsonl", [telemetry(n, START + n) for n in range(9)])
    main, child = pty.openpty()
    args = command(path, "--format", "recording", "--mqtt", place.url, "--pause")
    try:
        with subprocess.Popen(args, stdin=child, stdout=child, stderr=child, env=plain_environment(),
                              preexec_fn=lambda: os.login_tty(child) if hasattr(os, "login_tty") else _own(child),
                              ) as process:  # fmt: skip
            text = b""
            while b"space: pause" not in text:
                text += os.read(main, 4096)
            time.sleep(0.3)
            os.write(main, b"s")
            wait(lambda: len(inbox) == 1)
            time.sleep(0.2)
            assert len(inbox) == 1
            os.write(main, b" ")
            assert process.wait(20) == 0
    finally:
        os.close(main)
        os.close(child)
    wait(lambda: len(inbox) == 9)


def _own(terminal: int) -> None:
    """Make a terminal this process's own."""
    import fcntl
    import termios

    os.setsid()
    fcntl.ioctl(terminal, termios.TIOCSCTTY, 0)


@pytest.mark.parametrize(
    ("args", "code", "said"),
    [
        (["--pause"], 2, "--pause needs a terminal"),
        (["--shift", "soon"], 2, "--shift 'soon' is neither"),
        (["--from", "2027-01-01"], 2, "no message to play"),
        (["--from", "x"], 2, "'x' is not a date or time"),
    ],
)
def test_wrong_use_is_said(tmp_path: Path, args: list[str], code: int, said: str) -> None:
    path = recording(tmp_path / "a", [telemetry(1, START)])
    done = replay(path, "--format", "recording", "--mqtt", "mqtt://127.0.0.1:9", *args)
    assert (done.returncode, done.stdout) == (code, "")
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_a_pause_that_nobody_can_end_ends_with_standard_input(place: Place, tmp_path: Path) -> None:
    path = recording(tmp_path / "a", [telemetry(1, START)])
    done = subprocess.run(
        command(path, "--format", "recording", "--mqtt", place.url, "--pause", "--control", "stdin"), input="",
        capture_output=True, text=True, timeout=30, env=plain_environment(), check=False,
    )  # fmt: skip
    assert done.returncode == 0
    assert "the replay ends too" in done.stderr


def test_a_recording_lands_in_a_system_and_its_journal_lands_in_it_moved(system: System, tmp_path: Path) -> None:
    site, count = "raw-1", 50
    system.client.put_site(site, {"name_zh": "s", "name_en": "s"})
    system.client.put_meter(site, "m", {"name_zh": "m", "name_en": "m"})
    path = recording(tmp_path / "a.jsonl", [telemetry(n, START + n * 60_000, site) for n in range(1, count + 1)])
    args = ("--data", system.data, "--output", "json")
    done = replay(path, "--format", "recording", *args)
    assert done.returncode == 0, done.stderr
    assert (last(done.stdout)["landed"], ledger(system, site)["landed"]) == (count, count)
    copy = tmp_path / "copy"
    copy.mkdir()
    for file in (system.data / "journal").glob("*.db*"):
        shutil.copy(file, copy)
    mine = tmp_path / "mine"
    journal(mine, "w", [m for m in read_journal(copy) if m.topic.startswith(f"ecm/v1/{site}/")])
    done = replay(mine, "--format", "journal", "--shift", "1d", *args)
    assert done.returncode == 0, done.stderr
    found = ledger(system, site)
    assert (found["messages"], found["landed"], found["duplicate"]) == (2 * count, 2 * count, 0)


def ledger(system: System, site: str) -> dict[str, int]:
    [item] = system.client.gateways(site)
    return item["ledger"]


def test_a_journal_is_read_in_order_of_arrival_and_not_changed(tmp_path: Path) -> None:
    folder = tmp_path / "data" / "journal"
    a = [telemetry(n, START + n * 1000) for n in range(0, 2000, 2)] + [telemetry(9999, START + DAY)]
    b = [telemetry(n, START + n * 1000) for n in range(1, 2000, 2)]
    journal(folder, "w1", a)
    journal(folder, "w2", [*b, Message(START, "plant/set-back", b"x")])
    journal(folder, "manual", [Message(START, "ecm/v1/s/manual/entry", b"{}")])
    before = {file: file.read_bytes() for file in folder.iterdir()}
    read = list(read_journal(tmp_path / "data"))
    expected = [m for pair in zip(a, b, strict=False) for m in pair]
    assert read == [*expected, Message(START + 1_999_000, "plant/set-back", b"x"), a[-1]]
    assert list(read_journal(folder)) == read
    assert list(read_journal(folder / "w2-2026-01-01.db"))[:-1] == b
    assert {file: file.read_bytes() for file in folder.iterdir()} == before


def test_a_journal_is_read_while_it_is_written(tmp_path: Path) -> None:
    writer = Journal(tmp_path, "w")
    writer.append([Delivery("t", b"1", START, None)])
    assert [m.payload for m in read_journal(tmp_path)] == [b"1"]
    writer.append([Delivery("t", b"2", START, None)])
    assert [m.payload for m in read_journal(tmp_path)] == [b"1", b"2"]
    writer.close()


def test_what_is_no_journal_is_said(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is no journal"):
        list(read_journal(tmp_path))
    (tmp_path / "w-2026-01-01.db").write_bytes(b"no database at all, but long enough to look at" * 99)
    with pytest.raises(InputError, match=r"w-2026-01-01\.db"):
        list(read_journal(tmp_path))
    with sqlite3.connect(tmp_path / "x-2026-01-01.db") as db:
        db.execute("CREATE TABLE other (a)")
    db.close()
    with pytest.raises(InputError, match="no such table"):
        list(read_journal(tmp_path / "x-2026-01-01.db"))


def test_a_broker_that_comes_again_gets_what_it_had_not_acknowledged(tmp_path: Path) -> None:
    count = 3000
    path = recording(tmp_path / "a.jsonl", [Message(START + n, "plant/n", str(n).encode()) for n in range(count)])
    with running("iotcore", tmp_path / "broker") as place:
        args = command(path, "--format", "recording", "--mqtt", place.url, "--speed", "1", "--output", "json")
        with subprocess.Popen(args, stdout=subprocess.PIPE, text=True, env=plain_environment()) as process:
            inbox = Inbox()
            place.client("reader", inbox, "#")
            wait(lambda: len(inbox) > 100)
            place.stop()
            time.sleep(0.3)
            place.start()
            out, _ = process.communicate(timeout=60)
        assert process.returncode == 0
        assert last(out)["acknowledged"] == count
