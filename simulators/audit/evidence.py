"""What was sent and what the system answers, side by side in tables of a temporary file."""

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import TracebackType
from typing import Any, Self

# since, later: a row of the journal came in after the run began, after it was finished;
# fate: what became of a sent value; gone: rows of the journal of which nobody can say what they held;
# arrival: a row of the journal that carries a message, `again` when the message has come before.
_TABLES = """
CREATE TABLE meter (id INTEGER PRIMARY KEY, site TEXT, meter TEXT, UNIQUE (site, meter));
CREATE TABLE series (id INTEGER PRIMARY KEY, meter INT, quantity TEXT, UNIQUE (meter, quantity));
CREATE TABLE message (number INTEGER PRIMARY KEY, site TEXT, gateway TEXT, kind TEXT, boot TEXT, seq INT, topic TEXT,
  sha256 TEXT, refuse INT, how TEXT);
CREATE TABLE sent (id INTEGER PRIMARY KEY, message INT, item INT, series INT, time INT, value REAL, refuse INT,
  labels TEXT, fate TEXT);
CREATE TABLE stored (series INT, time INT, value REAL, PRIMARY KEY (series, time)) WITHOUT ROWID;
CREATE TABLE doubtful (meter INT, time INT, quality TEXT);
CREATE TABLE held (id INTEGER PRIMARY KEY, at INT, site TEXT, gateway TEXT, meter INT, time INT, quality TEXT,
  waits INT, worker TEXT, day TEXT, row INT, item INT);
CREATE TABLE held_value (held INT, series INT, time INT, value REAL);
CREATE TABLE conflict (id INTEGER PRIMARY KEY, at INT, series INT, time INT, kept REAL, refused REAL, worker TEXT,
  day TEXT, row INT, item INT);
CREATE TABLE quarantine (id INTEGER PRIMARY KEY, at INT, site TEXT, gateway TEXT, reason TEXT, detail TEXT, number INT,
  worker TEXT, day TEXT, row INT, item INT);
CREATE TABLE journal (id INTEGER PRIMARY KEY, worker TEXT, day TEXT, row INT, ours INT, since INT,
  later INT, site TEXT, gateway TEXT, topic TEXT, sha256 TEXT, leaf TEXT, intact INT, copy INT DEFAULT 0, ms INT,
  UNIQUE (worker, day, row));
CREATE TABLE gone (worker TEXT, day TEXT, first INT, last INT);
CREATE TABLE arrival (message INT, worker TEXT, day TEXT, row INT, again INT, PRIMARY KEY (worker, day, row));
"""
# came: each value of each arrival; nobodys: what is listed for a row of the journal that nobody knows of.
_VIEWS = """
CREATE VIEW came AS SELECT a.worker, a.day, a.row, m.number AS message, m.site, m.gateway, m.refuse AS whole, s.item,
  s.series, s.time, s.value, s.refuse, s.fate, e.quantity, r.meter
  FROM arrival a JOIN message m ON m.number = a.message JOIN sent s ON s.message = a.message
  JOIN series e ON e.id = s.series JOIN meter r ON r.id = e.meter;
CREATE VIEW listed AS SELECT 'conflict' AS list, id, at, worker, day, row FROM conflict
  UNION ALL SELECT 'held', id, at, worker, day, row FROM held
  UNION ALL SELECT 'quarantine', id, at, worker, day, row FROM quarantine;
CREATE VIEW nobodys AS SELECT list, id, at FROM listed l WHERE worker <> 'manual'
  AND NOT EXISTS (SELECT 1 FROM arrival a WHERE a.worker = l.worker AND a.day = l.day AND a.row = l.row)
  AND NOT EXISTS (SELECT 1 FROM journal j WHERE j.worker = l.worker AND j.day = l.day AND j.row = l.row)
  AND NOT EXISTS (SELECT 1 FROM gone g
    WHERE g.worker = l.worker AND g.day = l.day AND l.row BETWEEN g.first AND g.last);
"""
_INDEXES = """
CREATE INDEX sent_key ON sent (series, time);
CREATE INDEX sent_message ON sent (message, item);
CREATE INDEX message_bytes ON message (topic, sha256);
CREATE INDEX held_key ON held_value (series, time);
CREATE INDEX held_of ON held_value (held);
CREATE INDEX held_place ON held (worker, day, row, item);
CREATE INDEX conflict_key ON conflict (series, time);
CREATE INDEX conflict_place ON conflict (worker, day, row, item);
CREATE INDEX quarantine_place ON quarantine (worker, day, row, item);
CREATE INDEX arrival_message ON arrival (message);
"""


class Evidence:
    """A temporary SQLite file, so that millions of values need no memory; a context manager that takes it away."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="carbonwatch-audit-")
        self._file = sqlite3.connect(Path(self._folder.name) / "evidence.db", isolation_level=None)
        for pragma in ("journal_mode = OFF", "synchronous = OFF", "cache_size = -65536"):
            self._file.execute(f"PRAGMA {pragma}")
        self._file.executescript(_TABLES + _VIEWS)
        self._meters: dict[tuple[str, str], int] = {}
        self._series: dict[tuple[int, str], int] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._file.close()
        self._folder.cleanup()

    def index(self) -> None:
        """After the last row that is sent or answered."""
        self._file.executescript(_INDEXES)
        self._file.execute("ANALYZE")

    def add(self, table: str, rows: Iterable[tuple[Any, ...]]) -> None:
        """Rows of a table, all columns in order (an id of None is made); streamed."""
        width = len(self._file.execute(f"PRAGMA table_info({table})").fetchall())
        marks = ", ".join("?" * width)
        self._file.execute("BEGIN")
        try:
            self._file.executemany(f"INSERT INTO {table} VALUES ({marks})", rows)  # noqa: S608  names of our own
        finally:
            self._file.execute("COMMIT")

    def run(self, sql: str, *values: object) -> None:
        """Change something."""
        self._file.execute(sql, values)

    def rows(self, sql: str, *values: object) -> Iterator[tuple[Any, ...]]:
        """The rows of a query, one by one."""
        yield from self._file.execute(sql, values)

    def one(self, sql: str, *values: object) -> Any:
        """The first column of the first row; None where there is none."""
        found = self._file.execute(sql, values).fetchone()
        return None if found is None else found[0]

    def meter(self, site: str, meter: str) -> int:
        """The number of a meter, made at the first call."""
        key = site, meter
        if key not in self._meters:
            self._file.execute("INSERT INTO meter (site, meter) VALUES (?, ?)", key)
            self._meters[key] = int(self.one("SELECT id FROM meter WHERE site = ? AND meter = ?", *key))
        return self._meters[key]

    def series(self, meter: int, quantity: str) -> int:
        """The number of a meter's quantity, made at the first call."""
        key = meter, quantity
        if key not in self._series:
            self._file.execute("INSERT INTO series (meter, quantity) VALUES (?, ?)", key)
            self._series[key] = int(self.one("SELECT id FROM series WHERE meter = ? AND quantity = ?", *key))
        return self._series[key]
