"""The append-only journal: what came in, as it came in, durable before it is acknowledged."""

import fcntl
import hashlib
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from energy.broker.port import Delivery
from energy.errors import OutsideError, SetupError
from energy.registry import NAME

_SCHEMA = """CREATE TABLE IF NOT EXISTS record (
  row INTEGER PRIMARY KEY AUTOINCREMENT, received_at INTEGER NOT NULL, topic TEXT NOT NULL, payload BLOB NOT NULL,
  leaf BLOB NOT NULL)"""  # a row that is taken away leaves its number unused, also at the end

# A message of 2 kB takes a page of 4 KiB for itself: larger pages halve the file and the work. A file keeps its own.
_PRAGMAS = ("busy_timeout = 10000", "page_size = 16384", "journal_mode = WAL", "synchronous = FULL")

_PAGE = 1000
_PAGE_BYTES = 16 * 1024 * 1024  # a read ends with the record that passes this
_DAY = "????-??-??"
_PREDECESSOR_S = 5.0  # a killed writer needs a moment to be gone


class Position(NamedTuple):
    """A place in one worker's journal: the UTC day of the file and the row in it; rows begin at 1."""

    day: str
    row: int


START = Position("", 0)


class Record(NamedTuple):
    """One journaled message; received_at in ms UTC."""

    position: Position
    received_at: int
    topic: str
    payload: bytes


class Journal:
    """The writing side of one worker's journal: a file per UTC day, WAL, synchronous=FULL."""

    def __init__(self, folder: Path, worker: str) -> None:
        """`folder` is made if absent; OutsideError when it cannot be, SetupError when another writes this journal."""
        self._folder, self._worker = folder, worker
        self._file: sqlite3.Connection | None = None
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._lock = (folder / f"{worker}.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise OutsideError(f"journal {folder}: {error}") from error
        self._take()
        self._day = max(_days(folder, worker), default="")

    def append(self, batch: Sequence[Delivery]) -> Position:
        """Durable on return, in this order; where the last of it lies (START of an empty batch).

        OutsideError when it is not durable (then nothing of the last day's part is).
        """
        at, last = 0, START
        while at < len(batch):
            day = max(self._day, _day_of(batch[at].received_at))  # a clock set back never reopens an older file
            end = at
            while end < len(batch) and _day_of(batch[end].received_at) <= day:
                end += 1
            last = self._write(day, batch[at:end])
            at = end
        return last

    def close(self) -> None:
        """Let go of the journal."""
        self._close_file()
        self._lock.close()

    def _take(self) -> None:
        until = time.monotonic() + _PREDECESSOR_S
        while True:
            try:
                fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError as error:
                if time.monotonic() > until:
                    self._lock.close()
                    raise SetupError(
                        f"another process writes the journal {self._worker} in {self._folder}: stop it first"
                    ) from error
                time.sleep(0.05)
            else:
                return

    def _close_file(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None

    def _write(self, day: str, batch: Sequence[Delivery]) -> Position:
        rows = [(d.received_at, d.topic, d.payload, leaf_hash(d)) for d in batch]
        try:
            file = self._open(day)
            file.execute("BEGIN IMMEDIATE")
            try:
                file.executemany("INSERT INTO record (received_at, topic, payload, leaf) VALUES (?, ?, ?, ?)", rows)
                last = int(file.execute("SELECT max(row) FROM record").fetchone()[0])
                file.execute("COMMIT")
            except sqlite3.Error:
                if file.in_transaction:
                    file.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            self._close_file()  # what is wrong with it may end with it
            raise OutsideError(f"journal of {day}: {error}") from error
        return Position(day, last)

    def _open(self, day: str) -> sqlite3.Connection:
        if self._file is None or day != self._day:
            self._close_file()
            path = self._folder / f"{self._worker}-{day}.db"
            self._file = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
            for pragma in _PRAGMAS:
                self._file.execute(f"PRAGMA {pragma}")
            self._file.execute(_SCHEMA)
            self._day = day
        return self._file


class JournalReader:
    """The reading side, from another connection or process; each read is a short transaction."""

    def __init__(self, folder: Path, worker: str) -> None:
        """Nothing is opened until `read`."""
        self._folder, self._worker = folder, worker

    def read(self, after: Position, limit: int) -> list[Record]:
        """At most `limit` records after a position, in order, fewer where they are large; empty: there are none yet."""
        for day in self.days():
            if day < after.day:
                continue
            records = self._rows(day, after.row if day == after.day else 0, limit)
            if records:
                return records
        return []

    def all_after(self, position: Position) -> Iterator[Record]:
        """Every record after a position, read in pages."""
        while records := self.read(position, _PAGE):
            yield from records
            position = records[-1].position

    def count_after(self, position: Position) -> int:
        """How many records lie after a position."""
        total = 0
        for day in self.days():
            if day >= position.day:
                above = position.row if day == position.day else 0
                with self.file(day) as file:
                    newest = file.execute("SELECT coalesce(max(row), 0) FROM record").fetchone()[0]
                    total += max(0, int(newest) - above)
        return total

    def reaches(self, position: Position) -> bool:
        """Whether the record at a position is still there, or days after it are."""
        if position == START or any(day > position.day for day in self.days()):
            return True
        return bool(self.read(Position(position.day, position.row - 1), 1))

    def days(self) -> list[str]:
        """The days that have a file, oldest first."""
        return _days(self._folder, self._worker)

    def last(self, day: str) -> int:
        """The highest row of a day; 0 where the day has none."""
        newest = 0
        if day in self.days():
            with self.file(day) as file:
                newest = int(file.execute("SELECT coalesce(max(row), 0) FROM record").fetchone()[0])
        return newest

    def size(self) -> int:
        """Bytes of all day files with their WAL."""
        total = 0
        for path in self._folder.glob(f"{self._worker}-{_DAY}.db*"):
            with suppress(FileNotFoundError):  # a WAL goes when its file is closed
                total += path.stat().st_size
        return total

    def _rows(self, day: str, after: int, limit: int) -> list[Record]:
        records: list[Record] = []
        size = 0
        query = "SELECT row, received_at, topic, payload FROM record WHERE row > ? ORDER BY row LIMIT ?"
        with self.file(day) as file:
            for row, received, topic, payload in file.execute(query, (after, limit)):
                records.append(Record(Position(day, row), received, topic, payload))
                size += len(payload)
                if size >= _PAGE_BYTES:
                    break
        return records

    @contextmanager
    def file(self, day: str) -> Iterator[sqlite3.Connection]:
        """A day file for one short read; one that the writer is just making is left as empty."""
        path = self._folder / f"{self._worker}-{day}.db"
        try:
            with closing(sqlite3.connect(path, isolation_level=None)) as file:
                file.execute("PRAGMA busy_timeout = 10000")
                yield file
        except sqlite3.Error as error:
            if "no such table" not in str(error):
                raise OutsideError(f"journal {path.name}: {error}") from error


def leaf_hash(delivery: Delivery) -> bytes:
    """SHA-256 of the RFC 6962 leaf: 0x00, then received_at, topic and payload, each unambiguous by its length."""
    return leaf_of(delivery.received_at, delivery.topic.encode(), delivery.payload)


def workers(folder: Path) -> list[str]:
    """Whose journals are in a folder, by name; [] for a folder that is not there."""
    names = {path.stem[: -len(_DAY) - 1] for path in folder.glob(f"?*-{_DAY}.db")}
    return sorted(name for name in names if NAME.fullmatch(name))


def leaf_of(received_at: int, topic: bytes, payload: bytes) -> bytes:
    """The same of the topic's bytes."""
    head = b"\x00%d %d %d " % (received_at, len(topic), len(payload))
    return hashlib.sha256(head + topic + payload).digest()


def _days(folder: Path, worker: str) -> list[str]:
    return sorted(path.stem.removeprefix(f"{worker}-") for path in folder.glob(f"{worker}-{_DAY}.db"))


def _day_of(ms: int) -> str:
    return datetime.fromtimestamp(ms / 1000, UTC).date().isoformat()
