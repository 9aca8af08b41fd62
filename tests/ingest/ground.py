"""The ground that landing stands on, in one folder: journal, store and books, real and opened again at will."""

import json
import sqlite3
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from sqlalchemy import event, select

from energy.books import registry
from energy.books import tables as t
from energy.books.open import look, open_books
from energy.broker.port import Delivery
from energy.journal import Journal, JournalReader
from energy.registry import Meter
from energy.store.port import Point, Series, Store
from energy.store.sqlite import SqliteStore
from ingest.land import Landing
from ingest.plan import COUNTS
from tests.where_books import books_url

NOW = 1_795_306_500_000
HOUR = 3_600_000
DAY = "2026-11-22"
TOPIC = "ecm/v1/steel-1/gw-1/telemetry"


def message(*readings: dict[str, Any], seq: int = 0, boot: str = "b") -> bytes:
    """A telemetry payload."""
    return json.dumps({"boot": boot, "seq": seq, "readings": readings}).encode()


def reading(meter: str = "m-1", ts: int = NOW, **values: float) -> dict[str, Any]:
    """A reading as it goes over the wire."""
    return {"meter": meter, "ts": ts, **values}


class Ground:
    """A data folder and what is opened in it; `landing` is a new process's."""

    def __init__(self, folder: Path, *meters: str) -> None:
        self.folder = folder
        self._connections: list[sqlite3.Connection] = []
        self.books = open_books(books_url(folder))
        self.books.dispose()
        event.listen(self.books, "connect", lambda connection, _record: self._connections.append(connection))
        self.store = SqliteStore(folder / "readings.db")
        self.reader = JournalReader(folder / "journal", "w1")
        self.register(*meters)

    def register(self, *meters: str) -> None:
        """Register meters of steel-1."""
        with self.books.begin() as db:
            for meter in meters:
                registry.put_meter(db, Meter("steel-1", meter, meter, meter), "test", NOW)

    def receive(self, *payloads: bytes, topic: str = TOPIC, at: int = NOW) -> None:
        """Journal messages as received now."""
        self.deliver(*(Delivery(topic, payload, at, None) for payload in payloads))

    def deliver(self, *deliveries: Delivery) -> None:
        """Journal messages."""
        journal = Journal(self.folder / "journal", "w1")
        journal.append(deliveries)
        journal.close()

    def landing(self, store: Store | None = None) -> Landing:
        """A new process's landing, as after a start."""
        return Landing(self.books, store or self.store, self.reader, "w1")

    def land(self) -> None:
        """Land all that there is."""
        drain(self.landing())

    def die(self) -> None:
        """What the end of a process does to the books: every connection is gone, wherever it stood."""
        for connection in self._connections:
            connection.close()
        self._connections.clear()
        self.books.dispose(close=False)

    def close(self) -> None:
        """Let go of the files."""
        self.store.close()
        self.books.dispose()

    def rows(self, table: Any, *leave_out: str) -> list[dict[str, Any]]:
        """A table's rows by their keys, without some columns."""
        with look(self.books) as db:
            return [
                {key: value for key, value in row.items() if key not in leave_out}
                for row in db.execute(select(table).order_by(*table.primary_key.columns)).mappings()
            ]

    def ledger(self) -> Counter[str]:
        """The counts of all gateways and days; they must add up in each, and never be below zero."""
        total: Counter[str] = Counter()
        for row in self.rows(t.ledger):
            counts = {name: row[name] for name in COUNTS}
            assert min(counts.values()) >= 0, row
            classes = ("landed", "duplicate", "conflict", "held", "refused")
            assert row["received"] == sum(row[name] for name in classes), row
            total.update(counts)
        return +total

    def stored(self, meter: str = "m-1") -> dict[int, dict[str, float]]:
        """What the store has of a meter of steel-1, by time."""
        return stored(self.store, Series("meter", "steel-1", meter))


def stored(store: Store, series: Series) -> dict[int, dict[str, float]]:
    """What a store has of a series, by time; without `quality`."""
    frame = store.read(series, ["p_kw", "e_kwh", "pf"], 0, 2**60)
    return {
        int(time): {field: float(column[at]) for field, column in frame.values.items() if column[at] == column[at]}
        for at, time in enumerate(frame.times)
    }


def drain(landing: Landing) -> int:
    """Step until nothing is left; the number of messages."""
    total = 0
    while done := landing.step():
        total += done
    return total


class FaultyStore:
    """A real store before which something can happen at each write."""

    def __init__(self, store: Store) -> None:
        self.real = store
        self.before_write: list[BaseException | None] = []
        self.after_write: list[BaseException | None] = []
        self.written = 0

    def write(self, points: Iterable[Point]) -> None:
        """Raise what is planned for this call, before or after the real one."""
        self._perhaps(self.before_write)
        self.real.write(list(points))
        self.written += 1
        self._perhaps(self.after_write)

    @staticmethod
    def _perhaps(planned: list[BaseException | None]) -> None:
        if planned and (error := planned.pop(0)) is not None:
            raise error

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)
