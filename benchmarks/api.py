"""`python -m benchmarks.api`: the API under 200 readers and 50 streams while ingest runs, beside a bare FastAPI."""

import argparse
import asyncio
import csv
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import bare, load, report
from benchmarks.watch import Watch
from energy.client import Client
from tests.neighbours import free_port, listens, stop
from tests.source import ROOT
from tests.system import COMMAND, System, plain_environment, running_system

READERS, STREAMS, CALM_S = 200, 50, 4.0
FREE = {"CARBONWATCH_REQUESTS_PER_MINUTE": "100000000", "CARBONWATCH_STREAMS_PER_HOLDER": "1000"}


def main() -> None:
    """Measure, print, and write docs/benchmarks.md where asked."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.api", description=__doc__)
    parser.add_argument("--seconds", type=float, default=30.0, help="of each of the four measurements (30)")
    parser.add_argument("--books", default=None, help="address of a PostgreSQL for the books; default SQLite")
    parser.add_argument("--write", action="store_true", help="write the tables into docs/benchmarks.md")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        environment = FREE | ({"CARBONWATCH_BOOKS": args.books} if args.books else {})
        with running_system(Path(folder) / "data", **environment) as system, feeding(system, Path(folder)):
            text = asyncio.run(measure(system, args.seconds, "PostgreSQL" if args.books else "SQLite"))
    print(text)
    if args.write:
        report.write(ROOT / "docs" / "benchmarks.md", "api", text)


async def measure(system: System, seconds: float, books: str) -> str:
    """Ours and the bare route, each asked as fast as answers come and once a second by each reader."""
    port = int(system.url.rpartition(":")[2])
    key = (system.data / "admin.key").read_text("utf-8").strip()
    paths = routes(system.client)
    with served_bare() as other:
        bare_full = await load.read(other, ["/bare"], READERS, seconds)
        bare_calm = await load.read(other, ["/bare"], READERS, seconds, pause=CALM_S)
    await load.read(port, paths, READERS, 3.0, key)  # every thread has its connections, every page its cache
    watch = Watch(system)
    watching = asyncio.create_task(watch.run())
    streams = asyncio.create_task(load.stream(port, "/api/v1/stream", STREAMS, 2 * seconds + 1, key))
    full = await load.read(port, paths, READERS, seconds, key)
    calm = await load.read(port, paths, READERS, seconds, key, pause=CALM_S)
    streamed = await streams
    watching.cancel()
    runs = {"as fast as answers come": (full, bare_full), f"each once in {CALM_S:.0f} s": (calm, bare_calm)}
    return report.text(runs, paths, streamed, watch, machine(books), READERS, STREAMS)


def routes(client: Client) -> list[str]:
    """What a console, a report and a script ask for."""
    month = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 30 * 86_400))
    day = time.strftime("%Y-%m-%d", time.gmtime(time.time() - 86_400))
    centre = next(site["id"] for site in client.sites() if site["kind"] == "data_centre")
    meter = client.meters(centre)[0]["id"]
    return [f"/api/v1{path}" for path in (
        "/health", "/me", "/sites", "/meters", f"/meters?site={centre}",
        f"/energy?site={centre}&step=day&from={month}", f"/energy?site={centre}&meter={meter}&step=15m&from={day}",
        f"/pue?site={centre}&step=hour&from={day}", f"/pue?site={centre}&step=rolling&from={day}",
        f"/readings?site={centre}&meter={meter}&limit=200", "/alerts?limit=20", "/gateways", "/quarantine?limit=20",
    )]  # fmt: skip


@contextmanager
def served_bare() -> Iterator[int]:
    """The bare route in a process of its own, as its port."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", bare.__name__, str(port)], cwd=ROOT)
    try:
        until = time.monotonic() + 20
        while not listens(port):
            assert time.monotonic() < until, "the bare route does not come up"
            time.sleep(0.05)
        yield port
    finally:
        stop(process)


@contextmanager
def feeding(system: System, folder: Path) -> Iterator[None]:
    """A recording of a reading a second that is replayed 100 times as fast, beside the demo's live feed."""
    file = folder / "recording.csv"
    with file.open("w", newline="", encoding="utf-8") as out:
        rows = csv.writer(out)
        rows.writerow(["t", "k"])
        rows.writerows(
            [time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(1_735_689_600 + n)), n / 4] for n in range(60_000)
        )
    command = [str(COMMAND), "replay", str(file), "--format", "csv", "--map", "time=t,e_kwh=k", "--site", "replayed",
               "--meter", "m", "--speed", "100", "--data", str(system.data)]  # fmt: skip
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, stdout=quiet, stderr=quiet, env=plain_environment())
    try:
        yield
        assert process.poll() is None, "the replay ended before the measurement"
    finally:
        stop(process)


def machine(books: str) -> str:
    """What was measured on."""
    return f"{os.cpu_count()} cores ({platform.machine()}), Python {platform.python_version()}, books in {books}"


if __name__ == "__main__":
    main()
