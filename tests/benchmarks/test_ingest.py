"""The race of ingest counts what really came to lie, what it cost and what was lost; and reports it."""

import cProfile
import subprocess
import sys
import threading
import time
from pathlib import Path

import httpx
import pytest
from matplotlib.patches import Rectangle

from benchmarks import report
from benchmarks.ingest import costs, drain, picture, tables
from benchmarks.ingest.consumer import ledger, ours, telegraf
from benchmarks.ingest.drain import Drained, Started, measured, subscribe
from benchmarks.ingest.feeding import ALL_METERS, QUANTITIES, feeding, filled
from benchmarks.ingest.freshness import Fresh, Watched, fair
from benchmarks.ingest.usage import usage
from benchmarks.ingest.world import OURS, World, world
from ingest.decode import json_v1
from tests.neighbours import find

_FAMILY = """
import subprocess, sys, time
burn = "import time\\nwhile time.process_time() < 0.3: pass\\n"
subprocess.run([sys.executable, "-c", burn])
burn += "import sys; print(flush=True); sys.stdin.read()"
with subprocess.Popen([sys.executable, "-c", burn], stdin=-1, stdout=-1) as living:
    living.stdout.readline()
    print(flush=True)
    sys.stdin.readline()
"""


def drained(per_cpu: float, lost: int = 0) -> Drained:
    return Drained(1000, (1000 - lost / len(QUANTITIES)) / per_cpu, 2.0, Started(0.5, 1.0, 70.0), 81.0, lost, 0)


def test_cpu_and_memory_are_those_of_the_whole_family() -> None:
    with subprocess.Popen([sys.executable, "-c", _FAMILY], stdin=-1, stdout=-1) as process:
        assert process.stdout is not None
        process.stdout.readline()
        used = usage(process.pid)
        process.communicate(b"\n")
    assert 0.5 <= used.cpu < 10  # about 0.3 s of the child that ended, 0.3 s of the one that lives
    assert used.peak > 10  # of two interpreters


@pytest.mark.parametrize(("messages", "per_message"), [(25, 20), (2100, 1)])
def test_a_filled_journal_has_each_reading_once_with_five_quantities(messages: int, per_message: int) -> None:
    deliveries = [one for batch in filled(messages, per_message) for one in batch]
    keys = set()
    for one in deliveries:
        for item in json_v1.decode(one.payload).items:
            assert item.reading is not None
            assert item.reading.values.keys() == set(QUANTITIES)
            keys.add((item.reading.meter, item.reading.time))
    assert len(deliveries) == messages
    assert len(keys) == messages * per_message


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
@pytest.mark.skipif(find("telegraf") is None, reason="telegraf is absent")
def test_both_drain_all_of_a_backlog(tmp_path: Path) -> None:
    done = drain.drain(tmp_path / "world", 40, 20, ours_first=False)
    assert list(done) == ["telegraf", "carbonwatch"]
    for one in done.values():
        assert (one.readings, one.landed, one.lost, one.more) == (800, 800, 0, 0)
        assert one.peak > 15
        assert 0 < one.cpu + one.start.cpu < 20  # the start alone varies by more than so few messages need
        assert 0 < one.took + one.start.took < 60  # so few may be drained before a start like the first is over


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
def test_what_does_not_come_to_lie_is_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drain, "_STALL_S", 2.0)
    with world(tmp_path / "world") as here:
        racer = ours(here, ALL_METERS[:30])  # the others' values are held
        start = subscribe(here, racer)
        with feeding(here.mqtt, 20) as feeders:
            feeders.backlog(40)  # of the first two gateways
        with racer.running(here) as process:
            done = measured(here, racer, process, start, time.monotonic(), 800)
        assert here.counted(OURS, "pf") == 600
        assert (done.lost, done.landed) == (1000, 600)
        said = ledger(here.folder / "data")
    assert (said["received"], said["landed"], said["held"]) == (4000, 3000, 1000)


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
def test_the_watcher_sees_each_message_when_its_last_reading_can_be_queried(tmp_path: Path) -> None:
    watched, stop = Watched(since=0.0), threading.Event()
    with world(tmp_path / "world") as here:
        racer = ours(here, ALL_METERS)
        with racer.running(here), feeding(here.mqtt, 20) as feeders:
            here.wait_subscribed(1)
            watcher = threading.Thread(target=watched.watch, args=(here, racer.bucket, stop))
            watcher.start()
            sent = feeders.steady(50, 1.0, watched.sent)
            until = time.monotonic() + 20
            while len(watched.times) < sent and time.monotonic() < until:
                time.sleep(0.05)
            stop.set()
            watcher.join()
    assert 45 <= sent == len(watched.times)
    assert all(0 < one < 20 for one in watched.times)


def test_a_message_is_seen_once_and_only_up_to_the_newest_time() -> None:
    watched = Watched(since=2.0)
    for time_ms, handed in ((10, 1.0), (20, 2.0), (30, 3.0)):
        watched.sent(4, time_ms, handed)
    watched.sent(5, 10, 2.5)
    watched.seen(4, 20, 7.0)
    watched.seen(4, 20, 8.0)
    assert watched.times == [5.0]  # that of 10 was sent before the window
    watched.seen(4, 30, 9.0)
    assert watched.times == [5.0, 6.0]
    assert [len(waiting) for waiting in watched.waiting[4:6]] == [0, 1]


@pytest.mark.parametrize("flush", ["100ms", None])
@pytest.mark.skipif(find("telegraf") is None, reason="telegraf is absent")
def test_telegraf_gets_the_runs_addresses_and_flush(tmp_path: Path, flush: str | None) -> None:
    with httpx.Client() as client:
        racer = telegraf(World(tmp_path, 4321, "http://127.0.0.1:8765", "", client), "tuned", flush)
    text = (tmp_path / "tuned.conf").read_text("utf-8")
    assert racer.command[1:] == ("--config", str(tmp_path / "tuned.conf"))
    assert ("127.0.0.1:4321" in text, "127.0.0.1:8765" in text) == (True, True)
    assert ("127.0.0.1:1883" in text, "127.0.0.1:8086" in text) == (False, False)
    assert text.count(f'flush_interval = "{flush or "1s"}"') == 1


def test_only_settings_that_use_no_more_cpu_count() -> None:
    mine, cheap, dear = (Fresh(name, 5, 9, cpu, 10, 0, 1) for name, cpu in (("a", 0.2), ("b", 0.2), ("c", 0.3)))
    assert fair([mine, cheap, dear]) == [cheap]


def test_tables_and_picture_say_what_was_measured(tmp_path: Path) -> None:
    ours_at, theirs = (150.0, 100.0, 110.0), (50.0, 60.0, 40.0)
    some = [{"carbonwatch": drained(a), "telegraf": drained(b)} for a, b in zip(ours_at, theirs, strict=True)]
    some[2]["telegraf"] = drained(40.0, lost=10)
    fresh = [Fresh("carbonwatch", 12, 345, 0.25, 99, 1, 1), Fresh("telegraf, flush 1 s", 678, 1012, 0.5, 99, 0, 1)]
    text = tables.text({20: some}, {20: drained(33.0)}, fresh, 200)
    rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines() if line.startswith("|")]
    assert ["20", "carbonwatch", "110", "104", "500", "81", "0", "0"] in rows
    assert ["20", "telegraf", "50", "49", "500", "81", "10", "0"] in rows
    assert ["20", "telegraf as shipped", "33", "32", "500", "81", "0", "0"] in rows
    assert ["20 to a message: readings per CPU-second, carbonwatch ÷ telegraf", "2.20 (1.67 to 3.00)"] in rows
    assert ["carbonwatch", "12", "345", "25.0", "99", "1", ""] in rows
    assert ["telegraf, flush 1 s", "678", "1012", "50.0", "99", "0", "no"] in rows
    drawn = picture.figure({20: some, 1: some}, fresh)
    assert [axes.get_title(loc="left") for axes in drawn.axes][:2] == [
        "20 to a message: × 2.20", "1 to a message: × 2.20"
    ]  # fmt: skip
    assert [bar.get_width() * 1000 for bar in drawn.axes[0].patches if isinstance(bar, Rectangle)] == pytest.approx(
        [110, 50]
    )
    picture.save(tmp_path / "deep" / "ingest.png", {20: some}, fresh)
    assert (tmp_path / "deep" / "ingest.png").read_bytes().startswith(b"\x89PNG")


def test_the_page_has_a_place_for_the_tables(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_bytes((Path(__file__).parents[2] / "docs" / "benchmarks.md").read_bytes())
    report.write(page, "ingest", "made anew")
    assert "\nmade anew\n" in page.read_text("utf-8")


def test_the_costs_are_in_order_and_leave_out_what_waits(tmp_path: Path) -> None:
    def burn(count: int) -> int:
        total = 0
        for number in range(count):
            total += number * number
        return total

    def both() -> None:
        burn(200_000)
        threading.Event().wait(0.5)

    profile = cProfile.Profile()
    profile.runcall(both)
    profile.dump_stats(tmp_path / "stats")
    said = costs.top(tmp_path / "stats").splitlines()
    assert said[0].split()[:2] == ["own", "s"]
    assert "benchmarks/test_ingest.py" in said[1]
    assert "'_thread.lock'" not in "".join(said)
