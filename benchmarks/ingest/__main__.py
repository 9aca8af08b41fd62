"""`python -m benchmarks.ingest`: ingest beside Telegraf, with the same broker, database and messages."""

import argparse
import os
import platform
import signal
import sys
import tempfile
from pathlib import Path

from benchmarks import report
from benchmarks.ingest import costs, picture, tables
from benchmarks.ingest.consumer import telegraf_version
from benchmarks.ingest.drain import Drained, drain, live
from benchmarks.ingest.freshness import freshness
from tests.neighbours import find, present
from tests.source import ROOT

NEIGHBOURS = ("mosquitto", "influxd", "telegraf")
MESSAGES = {20: 20_000, 1: 60_000}  # readings a message → messages of a run
_LOADED = 0.3  # of each core; beyond it others were at work, and the page says so


def main() -> None:
    """Measure, print, and write docs/benchmarks.md where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.ingest", description=__doc__)
    parser.add_argument("--runs", type=int, default=5, help="of each size of message; figures are their medians (5)")
    parser.add_argument("--scale", type=float, default=1.0, help="times as many messages in each run (1)")
    parser.add_argument("--rate", type=float, default=200.0, help="messages a second to see how soon they show (200)")
    parser.add_argument("--seconds", type=float, default=20.0, help="of that, for each setting (20)")
    parser.add_argument("--profile", action="store_true", help="only what ours spends, and where")
    parser.add_argument("--write", action="store_true", help="write tables and picture into docs")
    args = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which stops all that was started
    absent = [name for name in NEIGHBOURS if find(name) is None]
    if absent:
        parser.error(f"not installed: {', '.join(absent)}")
    sizes = {per_message: int(args.scale * messages) for per_message, messages in MESSAGES.items()}
    if args.profile:
        for per_message, messages in sizes.items():
            print(costs.report(messages, per_message), end="\n\n", flush=True)
        return
    race(sizes, args.runs, args.rate, args.seconds, write=args.write)


def race(sizes: dict[int, int], count: int, rate: float, seconds: float, *, write: bool) -> None:
    """`sizes`: readings a message → messages of a run; of each `count` runs, begun by the two in turn."""
    where = machine(os.getloadavg()[0])
    runs: dict[int, list[dict[str, Drained]]] = {per_message: [] for per_message in sizes}
    for number in range(count):
        for per_message, messages in sizes.items():
            with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
                run = drain(Path(folder) / "world", messages, per_message, ours_first=number % 2 == 0)
            runs[per_message].append(run)
            _say(f"run {number + 1}, {per_message} a message", run)
    shipped: dict[int, Drained] = {}
    for per_message, messages in sizes.items():
        with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
            shipped[per_message] = live(Path(folder) / "world", messages, per_message, "shipped")
        _say(f"as shipped, {per_message} a message", {tables.SHIPPED: shipped[per_message]})
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        fresh = freshness(Path(folder), rate, seconds)
    sent = " and ".join(f"{messages:,} messages of {per_message}" for per_message, messages in sizes.items())
    text = f"Measured on {where}; {count} runs with {sent}.\n\n{tables.text(runs, shipped, fresh, rate)}"
    print(text)
    if write:
        report.write(ROOT / "docs" / "benchmarks.md", "ingest", text)
        picture.save(ROOT / "docs" / "pictures" / "ingest.png", runs, fresh)


def machine(load: float) -> str:
    """What was measured on, and with what; `load` is the load average before."""
    cores = os.cpu_count() or 1
    before = f", load average {load:.1f} when it began" if load > _LOADED * cores else ""
    return (f"{cores} cores ({platform.machine()}), Python {platform.python_version()}, {telegraf_version()}, "
            f"Mosquitto {present('mosquitto')}, InfluxDB {present('influxdb')}{before}")  # fmt: skip


def _say(what: str, run: dict[str, Drained]) -> None:
    said = ", ".join(
        f"{name} {one.per_cpu:.0f} readings per CPU-second, {one.peak:.0f} MiB" for name, one in run.items()
    )
    print(f"{what}: {said}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
