"""InfluxDB 2.x: line protocol in, InfluxQL out, by the session of influxdb-client."""

import logging
import re
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from energy.errors import OutsideError
from energy.store import influxql
from energy.store.influx_server import InfluxServer
from energy.store.influxql import Block
from energy.store.line import FIRST_TIME, LAST_TIME, to_lines
from energy.store.port import Frame, Point, Series, TooOldError

_log = logging.getLogger(__name__)
_BATCH = 5_000  # lines of one request
_STATEMENTS = 50  # of one request
_CHUNK = 10_000  # rows of one block


class InfluxStore:
    """A `Store` on one bucket; safe to use from several threads."""

    def __init__(self, url: str, token: str, org: str, bucket: str) -> None:
        """Open `bucket` of `org` at `url`, made without a limit of age if absent.

        SetupError for a bad address, a refused token, no such `org`. A database that does not answer now is opened at
        the first call that it answers, so that its outage stops nobody from starting.
        """
        self._server = InfluxServer(url, token, org)
        self._bucket = bucket
        self._names: tuple[str, str] | None = None
        try:
            self._open()
        except OutsideError as error:
            _log.warning("%s; it is opened when it does", error)

    def write(self, points: Sequence[Point]) -> None:
        """See `Store.write`; SetupError where another writer made a field of ours an integer or a text."""
        kept = [point for point in points if point.fields]
        lines = to_lines(kept)
        self._open()
        dropped: list[Point] = []
        for begin in range(0, len(kept), _BATCH):
            dropped += self._write_batch(kept[begin : begin + _BATCH], lines[begin : begin + _BATCH])
        if dropped:
            raise TooOldError(f"bucket {self._bucket}", dropped)

    def read(self, series: Series, fields: Sequence[str], start: int, end: int) -> Frame:
        """See `Store.read`."""
        asked = list(dict.fromkeys(fields))
        table = [np.zeros((0, 1 + len(asked)))]
        if asked and start < end:
            columns = ", ".join(influxql.name(field) + "::field" for field in asked)
            where = f"{influxql.within(start, end - 1)} AND {influxql.one_of([series])}"
            query = f"SELECT {columns} FROM {influxql.name(series.measurement)} WHERE {where}"  # noqa: S608
            table += [np.array(block.rows, np.float64) for block in self._select([query])]
        rows = np.concatenate(table)
        values = {field: np.ascontiguousarray(rows[:, 1 + place]) for place, field in enumerate(asked)}
        return Frame(rows[:, 0].astype(np.int64), values)

    def at(self, keys: Sequence[tuple[Series, int]]) -> dict[tuple[Series, int], dict[str, float]]:
        """See `Store.at`."""
        wanted = set(keys)
        found: dict[tuple[Series, int], dict[str, float]] = {}
        by_measurement: dict[str, list[tuple[Series, int]]] = {}
        for key in wanted:
            by_measurement.setdefault(key[0].measurement, []).append(key)
        for measurement, some in by_measurement.items():
            for block in self._select(influxql.at_statements(some)):
                series = _series(measurement, block)
                for row in block.rows:
                    if (series, row[0]) in wanted:
                        found[series, row[0]] = _fields(block.columns, row)
        return found

    def before(self, series: Series, field: str, time: int) -> int | None:
        """See `Store.before`."""
        return self._edge("last", series, field, influxql.within(FIRST_TIME, time - 1))

    def after(self, series: Series, field: str, time: int) -> int | None:
        """See `Store.after`."""
        return self._edge("first", series, field, influxql.within(time + 1, LAST_TIME))

    def latest(self, measurement: str, since: int) -> list[Point]:
        """See `Store.latest`."""
        rest = f"FROM {influxql.name(measurement)} WHERE {influxql.within(since, LAST_TIME)}"
        rest += ' GROUP BY "site", "meter"'
        newest: dict[Series, int] = {}
        values: dict[Series, dict[str, float]] = {}
        # Two statements: last(*) has every field's newest value, and no time.
        for block in self._select([f"SELECT *::field {rest} ORDER BY time DESC LIMIT 1", f"SELECT last(*) {rest}"]):
            if block.statement == 0:
                newest[_series(measurement, block)] = block.rows[0][0]
            else:
                columns = [column.removeprefix("last_") for column in block.columns]
                values[_series(measurement, block)] = _fields(columns, block.rows[0])
        return [Point(series, newest[series], values[series]) for series in sorted(newest) if series in values]

    def close(self) -> None:
        """See `Store.close`."""
        self._server.close()

    def _write_batch(self, points: list[Point], lines: list[str]) -> list[Point]:
        """Write one request's lines; the points that the bucket's limit of age left out, all others being stored."""
        refusal = self._server.write(self._bucket, "\n".join(lines).encode())
        if refusal is None:
            return []
        count = re.search(r"dropped=(\d+)", refusal)
        oldest = sorted(points, key=lambda point: point.time)
        return oldest[: int(count[1])] if count else oldest

    def _edge(self, function: str, series: Series, field: str, span: str) -> int | None:
        what = f"{function}({influxql.name(field)}::field) FROM {influxql.name(series.measurement)}"
        blocks = list(self._select([f"SELECT {what} WHERE {span} AND {influxql.one_of([series])}"]))
        return int(blocks[0].rows[0][0]) if blocks else None

    def _select(self, statements: list[str]) -> Iterator[Block]:
        database, policy = self._open()
        form = {"db": database, "rp": policy, "epoch": "ms", "chunked": "true", "chunk_size": _CHUNK}
        for begin in range(0, len(statements), _STATEMENTS):
            some = "; ".join(statements[begin : begin + _STATEMENTS])
            with self._server.query({**form, "q": some}) as answer:
                yield from influxql.blocks(answer)

    def _open(self) -> tuple[str, str]:
        """InfluxQL's names of the bucket (database, retention policy), which is there from now on."""
        if self._names is None:
            self._names = self._server.open(self._bucket).names
        return self._names


def _series(measurement: str, block: Block) -> Series:
    return Series(measurement, block.tags.get("site", ""), block.tags.get("meter", ""))


def _fields(columns: list[str], row: list[Any]) -> dict[str, float]:
    named = zip(columns[1:], row[1:], strict=True)
    return {column: float(value) for column, value in named if type(value) in (int, float)}
