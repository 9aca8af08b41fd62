"""What ours spends on receiving alone and on landing alone, and in which functions."""

import pstats
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from tabulate import tabulate

from benchmarks.ingest import profiled
from benchmarks.ingest.consumer import Consumer, ours
from benchmarks.ingest.drain import measured, subscribe
from benchmarks.ingest.feeding import ALL_METERS, feeding, filled
from benchmarks.ingest.usage import usage
from benchmarks.ingest.world import World, world
from energy.journal import START, Journal, JournalReader
from tests.neighbours import free_port

_WORKER = "w1"
_POLL_S, _STALL_S, _REST_S = 0.2, 30.0, 0.5
_TOP = 25
_WAITS = ("'_thread.lock'", "select.select", "'_queue.SimpleQueue'", "'recv_into'")

Part = Callable[[World, Consumer, int, int], str]


def report(messages: int, per_message: int) -> str:
    """Both parts as they are, then under the profiler, whose own cost is in its times."""
    parts: dict[str, Part] = {"receiving alone": receiving, "landing alone": landing}
    said = [f"{messages} messages of {per_message} readings"]
    for name, part in parts.items():
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, world(Path(folder) / "plain") as here:
            said.append(f"{name}: {part(here, ours(here, ALL_METERS), messages, per_message)}")
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, world(Path(folder) / "profiled") as here:
            stats = Path(folder) / "stats"
            plain = ours(here, ALL_METERS)
            command = (sys.executable, "-P", profiled.__file__, str(stats), *plain.command[1:])
            took = part(here, replace(plain, command=command), messages, per_message)
            said.append(f"{name}, profiled: {took}\n{top(stats)}")
    return "\n\n".join(said)


def receiving(here: World, racer: Consumer, messages: int, per_message: int) -> str:
    """A database that does not answer leaves only receiving: journal, acknowledge, receipts."""
    nowhere = f"http://127.0.0.1:{free_port()}"
    racer = replace(racer, command=tuple(nowhere if word == here.influx else word for word in racer.command))
    start = subscribe(here, racer)
    with feeding(here.mqtt, per_message) as feeders:
        feeders.backlog(messages)
    reader = JournalReader(here.folder / "data" / "journal", _WORKER)
    begun = time.monotonic()
    with racer.running(here) as process:
        while (got := reader.count_after(START)) < messages and time.monotonic() - begun < _STALL_S:
            time.sleep(_POLL_S)
        cpu = usage(process.pid).cpu - start.cpu
    return f"{got * per_message / cpu:.0f} readings per CPU-second ({got} messages, {cpu:.2f} s)"


def landing(here: World, racer: Consumer, messages: int, per_message: int) -> str:
    """The journal is full before it starts, and the broker has nothing."""
    start = subscribe(here, racer)
    journal = Journal(here.folder / "data" / "journal", _WORKER)
    for batch in filled(messages, per_message):
        journal.append(batch)
    journal.close()
    begun = time.monotonic()
    with racer.running(here) as process:
        done = measured(here, racer, process, start, begun, messages * per_message)
    return f"{done.per_cpu:.0f} readings per CPU-second ({done.landed:.0f} readings, {done.cpu:.2f} s)"


def top(stats: Path) -> str:
    """The functions that took the most time of their own, without those that only wait."""
    rows = []
    for (file, line, name), (_, calls, own, whole, _) in pstats.Stats(str(stats)).stats.items():  # type: ignore[attr-defined]
        where = f"{'/'.join(Path(file).parts[-2:])}:{line} {name}" if line else name
        if not any(wait in name for wait in _WAITS):
            rows.append((own, whole, calls, where))
    rows.sort(reverse=True)
    head = ["own s", "with what it calls", "calls", "function"]
    return tabulate(rows[:_TOP], head, tablefmt="plain", floatfmt=".3f")
