"""A run into a really running system, which is stopped then: its files can be tampered with, and the API answers on."""

import hashlib
import json
import sqlite3
import subprocess
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, Table, delete, insert, select

from energy.books import tables as t
from energy.client import Client
from simulators.audit.report import Report, audit
from simulators.truth import Row, Truth
from tests.api.served import KEY, served
from tests.system import COMMAND, plain_environment, running_system

SCENARIO = """
name = "audited"
start = 2026-03-02
days = 1
[[site]]
id = "mill"
kind = "paper_mill"
only = ["incomer", "paper-machine", "pumps", "steam", "gas"]
gateway = [{ name = "gw-1", batch = 3 }]
[[fault]]
kind = "contradiction"
at = "mill/gas"
from = "day 1 02:00"
for = "2 h"
[[fault]]
kind = "duplicate"
at = "mill/gas"
from = "day 1 05:00"
for = "1 h"
[[fault]]
kind = "impossible"
at = "mill/pumps"
from = "day 1 06:00"
for = "1 h"
how = "nan"
[[fault]]
kind = "malformed"
at = "mill"
from = "day 1 08:00"
for = "1 h"
[[fault]]
kind = "gap"
at = "mill/paper-machine"
from = "day 1 10:00"
for = "1 h"
[[fault]]
kind = "unregistered"
at = "mill/steam"
from = "day 1 00:00"
[[fault]]
kind = "gateway_dead"
at = "mill"
from = "day 1 20:00"
for = "1 h"
"""
NOON = 1_772_424_000_000  # 2026-03-02 12:00 in plant time
HOUR = 3_600_000
_BOOKS = (t.ledger, t.held, t.conflict, t.quarantine)


@dataclass(frozen=True, slots=True)
class Lab:
    """The truth, and the files and the address of the system that it went into."""

    folder: Path
    truth: Path
    url: str
    client: Client
    books: Engine
    store: sqlite3.Connection
    journal: sqlite3.Connection

    def audit(self, **how: Any) -> Report:
        """What the audit says now."""
        return audit(Truth(self.truth), self.client, time.time_ns() // 1_000_000, **how)

    def change(self, sql: str, *values: object) -> None:
        """In the store; AssertionError when it changes nothing."""
        with self.store:
            assert self.store.execute(sql, values).rowcount > 0

    def change_journal(self, sql: str, *values: object) -> None:
        """In the journal; AssertionError when it changes nothing."""
        with self.journal:
            assert self.journal.execute(sql, values).rowcount > 0

    def listed(self, table: Table, *where: Any) -> dict[str, Any]:
        """The first row of a table of the books for which `where` holds, of a message that came once."""
        once = {row for row, number in self._rows() if number == 1}
        with self.books.connect() as db:
            found = db.execute(select(table).where(*where).order_by(table.c.row, table.c.id)).mappings()
            return next(dict(row) for row in found if row["row"] in once)

    def message(self, **wanted: str) -> Row:
        """The first message of the truth with these columns."""
        return next(row for row in Truth(self.truth).messages() if wanted.items() <= row.items())

    def row_of(self, number: int) -> int:
        """The row of the journal that holds a message of the truth, which came once."""
        sha256 = self.message(message=str(number))["sha256"]
        (row,) = (row for row, payload in self._payloads() if hashlib.sha256(payload).hexdigest() == sha256)
        return row

    def _rows(self) -> list[tuple[int, int]]:
        """Each row of the journal, and how often its payload is there."""
        rows = self._payloads()
        often = Counter(payload for _, payload in rows)
        return [(row, often[payload]) for row, payload in rows]

    def _payloads(self) -> list[tuple[int, bytes]]:
        return self.journal.execute("SELECT row, payload FROM record ORDER BY row").fetchall()

    @contextmanager
    def kept(self) -> Iterator[None]:
        """Whatever is done to store, journal and books meanwhile is undone."""
        with ExitStack() as stack:
            for file in (self.store, self.journal):
                copy = stack.enter_context(closing(sqlite3.connect(":memory:")))
                file.backup(copy)
                stack.callback(copy.backup, file)
            with self.books.connect() as db:
                rows = {table: [dict(row) for row in db.execute(select(table)).mappings()] for table in _BOOKS}
            stack.callback(self._put_back, rows)
            yield

    def _put_back(self, rows: dict[Table, list[dict[str, Any]]]) -> None:
        with self.books.begin() as db:
            for table, all_ in rows.items():
                db.execute(delete(table))
                db.execute(insert(table), all_)


@contextmanager
def open_lab(folder: Path) -> Iterator[Lab]:
    """Simulate SCENARIO into a system in `folder`, stop that, and serve its API."""
    data, truth = folder / "data", folder / "truth"
    (folder / "audited.toml").write_text(SCENARIO)
    with running_system(data, "--no-demo") as system:
        play(data, folder / "audited.toml", truth, "--speed", "30000")  # receipts come before the line is cut
        assert system.client.health()["status"] == "ok"
    day = next((data / "journal").glob("w1-*.db"))
    with (
        served(data) as api,
        closing(Client(api.url, KEY)) as client,
        closing(sqlite3.connect(data / "readings.db")) as store,
        closing(sqlite3.connect(day)) as journal,
    ):
        yield Lab(data, truth, api.url, client, api.context.books, store, journal)


def play(data: Path, scenario: Path, truth: Path, *args: str) -> dict[str, Any]:
    """Run `carbonwatch simulate` to its end; the summary."""
    command = [str(COMMAND), "simulate", "--data", str(data), "--scenario", str(scenario), "--truth", str(truth)]
    done = subprocess.run(
        [*command, "--output", "json", *args], capture_output=True, text=True, timeout=100, env=plain_environment(),
        check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout.splitlines()[-1]))
