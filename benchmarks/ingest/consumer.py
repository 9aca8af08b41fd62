"""The two that race: `carbonwatch ingest` with everything on, and Telegraf by a configuration."""

import re
import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import URL, func, select

from benchmarks.ingest.feeding import SITE
from benchmarks.ingest.world import CONFIGURATIONS, OURS, PEERS, World
from energy.books import registry
from energy.books import tables as t
from energy.books.open import open_books
from energy.registry import Meter, Site
from tests.neighbours import ORG, stop
from tests.system import COMMAND, plain_environment, tail


@dataclass(frozen=True, slots=True)
class Consumer:
    """How to start one of them, and where its points come to lie."""

    name: str
    bucket: str
    command: tuple[str, ...]
    environment: Mapping[str, str]

    @contextmanager
    def running(self, world: World) -> Iterator[subprocess.Popen[bytes]]:
        """Its process, stopped at the end."""
        log = world.folder / f"{self.name}.log"
        environment = {**plain_environment(), **self.environment, "INFLUX_TOKEN": world.token}
        with log.open("ab") as out:
            process = subprocess.Popen(self.command, stdout=out, stderr=out, env=environment)
        try:
            yield process
            assert process.poll() is None, f"{self.name} ended with {process.returncode}\n{tail(log)}"
        finally:
            stop(process)


def ours(world: World, meters: Sequence[str]) -> Consumer:
    """`carbonwatch ingest` on InfluxDB, with the meters in its books."""
    data = world.folder / "data"
    prepare(data, meters)
    command = (str(COMMAND), "ingest", "--data", str(data), "--mqtt", world.mqtt, "--influx", world.influx)
    settings = {"CARBONWATCH_INFLUX_BUCKET": OURS, "CARBONWATCH_INFLUX_ORG": ORG}
    return Consumer("carbonwatch", OURS, command, settings)


def telegraf(world: World, configuration: str, flush: str | None = None) -> Consumer:
    """Telegraf by a file of benchmarks/telegraf, on the run's ports; `flush` in the place of its flush_interval."""
    text = (CONFIGURATIONS / f"{configuration}.conf").read_text("utf-8")
    changes = {
        "tcp://127.0.0.1:1883": f"tcp://127.0.0.1:{world.broker}",
        "http://127.0.0.1:8086": world.influx,
        'organization = "carbonwatch"': f'organization = "{ORG}"',
        'bucket = "telegraf"': f'bucket = "{PEERS}"',
    }
    for old, new in changes.items():
        assert old in text, f"{configuration}.conf says nothing of {old}"
        text = text.replace(old, new)
    if flush is not None:
        text = re.sub(r'(?m)^( *flush_interval = )".*"$', rf'\1"{flush}"', text)
    config = world.folder / f"{configuration}.conf"
    config.write_text(text, "utf-8")
    return Consumer("telegraf", PEERS, (_telegraf(), "--config", str(config)), {})


def telegraf_version() -> str:
    """What the Telegraf that races calls itself."""
    return subprocess.run([_telegraf(), "--version"], capture_output=True, text=True, check=True).stdout.strip()


def prepare(data: Path, meters: Sequence[str]) -> None:
    """Make a data directory with books in which the race's site has these meters."""
    data.mkdir()
    books = open_books(str(URL.create("sqlite", database=str(data / "books.db"))))
    now = time.time_ns() // 1_000_000
    with books.begin() as db:
        registry.put_site(db, Site(SITE, SITE, SITE), "benchmark", now)
        for meter in meters:
            registry.put_meter(db, Meter(SITE, meter, meter, meter, "e_kwh", source="invented"), "benchmark", now)
    books.dispose()


def ledger(data: Path) -> dict[str, int]:
    """What the books say became of all values, by class."""
    books = open_books(str(URL.create("sqlite", database=str(data / "books.db"))))
    names = ("received", "landed", "duplicate", "conflict", "held", "refused", "undecodable")
    with books.begin() as db:
        row = db.execute(select(*(func.coalesce(func.sum(t.ledger.c[name]), 0) for name in names))).one()
    books.dispose()
    return dict(zip(names, map(int, row), strict=True))


def _telegraf() -> str:
    path = shutil.which("telegraf")
    assert path is not None, "telegraf is not installed"
    return path
