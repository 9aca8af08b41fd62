"""The embedded store: one SQLite file, one writer, any number of readers."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from energy.errors import OutsideError
from energy.store.port import Frame, Point, Series, check_finite

_SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
  id INTEGER PRIMARY KEY, measurement TEXT NOT NULL, site TEXT NOT NULL, meter TEXT NOT NULL, field TEXT NOT NULL,
  UNIQUE (measurement, site, meter, field));
CREATE TABLE IF NOT EXISTS point (
  series INTEGER NOT NULL, time INTEGER NOT NULL, value REAL NOT NULL, PRIMARY KEY (series, time)) WITHOUT ROWID;
"""
_BUSY_MS = 10_000


class SqliteStore:
    """A `Store` on one file; a connection per thread, WAL, synchronous=FULL."""

    def __init__(self, path: Path) -> None:
        """Open or make the file at `path`; OutsideError when it cannot be used."""
        self._path = path
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._ids: dict[tuple[Series, str], int] = {}
        # Rows are fetched by one thread at a time: the driver gives up the interpreter's lock for each of them, and
        # several threads would spend their time handing it to each other.
        self._turn = threading.Lock()
        with self._errors():
            self._connection().executescript(_SCHEMA)

    def write(self, points: Sequence[Point]) -> None:
        """See `Store.write`."""
        check_finite(points)
        with self._errors():
            connection = self._connection()
            connection.execute("BEGIN IMMEDIATE")
            try:
                rows = [
                    (self._series_id(connection, point.series, field), point.time, value)
                    for point in points
                    for field, value in point.fields.items()
                ]
                connection.executemany("INSERT OR REPLACE INTO point VALUES (?, ?, ?)", rows)
                connection.execute("COMMIT")
            except BaseException:
                self._ids.clear()  # an id made in this transaction is gone with it
                connection.execute("ROLLBACK")
                raise

    def read(self, series: Series, fields: Sequence[str], start: int, end: int) -> Frame:
        """See `Store.read`."""
        columns: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        with self._errors():
            connection = self._connection()
            for field in fields:
                with self._turn:
                    rows = connection.execute(
                        "SELECT time, value FROM point WHERE series = ? AND time >= ? AND time < ? ORDER BY time",
                        (self._known_id(connection, series, field), start, end),
                    ).fetchall()
                times = np.fromiter((row[0] for row in rows), np.int64, len(rows))
                columns[field] = times, np.fromiter((row[1] for row in rows), np.float64, len(rows))
        return align(columns)

    def at(self, keys: Sequence[tuple[Series, int]]) -> dict[tuple[Series, int], dict[str, float]]:
        """See `Store.at`."""
        found: dict[tuple[Series, int], dict[str, float]] = {}
        with self._errors():
            connection = self._connection()
            ids = {series: self._fields(connection, series) for series in {key[0] for key in keys}}
            for series, time in keys:
                for field, ident in ids[series].items():
                    row = connection.execute(
                        "SELECT value FROM point WHERE series = ? AND time = ?", (ident, time)
                    ).fetchone()
                    if row is not None:
                        found.setdefault((series, time), {})[field] = row[0]
        return found

    def before(self, series: Series, field: str, time: int) -> int | None:
        """See `Store.before`."""
        return self._edge("SELECT max(time) FROM point WHERE series = ? AND time < ?", series, field, time)

    def after(self, series: Series, field: str, time: int) -> int | None:
        """See `Store.after`."""
        return self._edge("SELECT min(time) FROM point WHERE series = ? AND time > ?", series, field, time)

    def latest(self, measurement: str, since: int) -> list[Point]:
        """See `Store.latest`."""
        newest: dict[Series, tuple[int, dict[str, float]]] = {}
        with self._errors(), self._turn:
            connection = self._connection()
            known = connection.execute(
                "SELECT id, site, meter, field FROM series WHERE measurement = ?", (measurement,)
            ).fetchall()
            for ident, site, meter, field in known:
                row = connection.execute(
                    "SELECT time, value FROM point WHERE series = ? AND time >= ? ORDER BY time DESC LIMIT 1",
                    (ident, since),
                ).fetchone()
                if row is not None:
                    series = Series(measurement, site, meter)
                    time, fields = newest.get(series, (0, {}))
                    newest[series] = max(time, row[0]), {**fields, field: row[1]}
        return [Point(series, time, fields) for series, (time, fields) in sorted(newest.items())]

    def close(self) -> None:
        """See `Store.close`."""
        for connection in self._open:
            connection.close()
        self._open.clear()
        self._local = threading.local()

    def _edge(self, query: str, series: Series, field: str, time: int) -> int | None:
        with self._errors():
            connection = self._connection()
            row = connection.execute(query, (self._known_id(connection, series, field), time)).fetchone()
            return None if row[0] is None else int(row[0])

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
            connection.execute(f"PRAGMA busy_timeout = {_BUSY_MS}")
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            self._local.connection = connection
            self._open.append(connection)
        return connection

    def _series_id(self, connection: sqlite3.Connection, series: Series, field: str) -> int:
        key = (series, field)
        if key not in self._ids:
            connection.execute(
                "INSERT OR IGNORE INTO series (measurement, site, meter, field) VALUES (?, ?, ?, ?)", (*series, field)
            )
            self._ids[key] = self._known_id(connection, series, field)
        return self._ids[key]

    @staticmethod
    def _known_id(connection: sqlite3.Connection, series: Series, field: str) -> int:
        row = connection.execute(
            "SELECT id FROM series WHERE measurement = ? AND site = ? AND meter = ? AND field = ?", (*series, field)
        ).fetchone()
        return -1 if row is None else int(row[0])

    @staticmethod
    def _fields(connection: sqlite3.Connection, series: Series) -> dict[str, int]:
        rows = connection.execute(
            "SELECT field, id FROM series WHERE measurement = ? AND site = ? AND meter = ?", series
        ).fetchall()
        return dict(rows)

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise OutsideError(f"store {self._path.name}: {error}") from error


def align(columns: dict[str, tuple[np.ndarray, np.ndarray]]) -> Frame:
    """Columns of (times, values) each with its own times → one Frame over all of them, NaN where one is silent."""
    if not columns:
        return Frame(np.zeros(0, np.int64), {})
    every = np.unique(np.concatenate([times for times, _ in columns.values()]))
    values = {}
    for field, (times, column) in columns.items():
        full = np.full(len(every), np.nan)
        full[np.searchsorted(every, times)] = column
        values[field] = full
    return Frame(every.astype(np.int64), values)
