"""InfluxDB 2.x: line protocol in, InfluxQL out, by the session of influxdb-client."""

import logging
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.client.write_api import SYNCHRONOUS
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService
from urllib3.exceptions import HTTPError

from energy.errors import OutsideError, SetupError
from energy.store import influxql
from energy.store.influxql import Block
from energy.store.line import FIRST_TIME, LAST_TIME, to_lines
from energy.store.port import Frame, Point, Series, TooOldError

_log = logging.getLogger(__name__)
_TIMEOUT_MS = 10_000  # to connect, and for each pause of an answer
_BATCH = 5_000  # lines of one request
_STATEMENTS = 50  # of one request
_CHUNK = 10_000  # rows of one block
_HERE = ("127.0.0.1", "::1", "localhost")  # to compress what stays on this machine costs more than all the rest


class InfluxStore:
    """A `Store` on one bucket; safe to use from several threads."""

    def __init__(self, url: str, token: str, org: str, bucket: str) -> None:
        """Open `bucket` of `org` at `url`, made without a limit of age if absent.

        SetupError for a bad address, a refused token, no such `org`. A database that does not answer now is opened at
        the first call that it answers, so that its outage stops nobody from starting.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupError(f"InfluxDB's address must look like http://host:8086, not {url!r}")
        self._where = f"InfluxDB at {parts.scheme}://{parts.hostname}:{parts.port or 8086}"
        self._org, self._bucket = org, bucket
        self._client: Any = InfluxDBClient(
            url.rstrip("/"),
            token=token,
            org=org,
            timeout=(_TIMEOUT_MS, _TIMEOUT_MS),
            enable_gzip=parts.hostname not in _HERE,
        )
        self._writer: Any = self._client.write_api(write_options=SYNCHRONOUS)
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
        self._client.api_client.rest_client.pool_manager.clear()

    def _write_batch(self, points: list[Point], lines: list[str]) -> list[Point]:
        """Write one request's lines; the points that the bucket's limit of age left out, all others being stored."""
        with self._errors():
            try:
                self._writer.write(self._bucket, record="\n".join(lines).encode(), write_precision="ms")
            except ApiException as error:
                message = str(error.message)
                if error.status != 422 or "partial write" not in message or "conflict" in message:
                    raise
                count = re.search(r"dropped=(\d+)", message)
                oldest = sorted(points, key=lambda point: point.time)
                return oldest[: int(count[1])] if count else oldest
        return []

    def _edge(self, function: str, series: Series, field: str, span: str) -> int | None:
        what = f"{function}({influxql.name(field)}::field) FROM {influxql.name(series.measurement)}"
        blocks = list(self._select([f"SELECT {what} WHERE {span} AND {influxql.one_of([series])}"]))
        return int(blocks[0].rows[0][0]) if blocks else None

    def _select(self, statements: list[str]) -> Iterator[Block]:
        database, policy = self._open()
        form = {"db": database, "rp": policy, "epoch": "ms", "chunked": "true", "chunk_size": _CHUNK}
        for begin in range(0, len(statements), _STATEMENTS):
            some = "; ".join(statements[begin : begin + _STATEMENTS])
            with self._errors():
                answer = self._client.api_client.call_api(
                    "/query",
                    "POST",
                    header_params={"Content-Type": "application/x-www-form-urlencoded"},
                    post_params={**form, "q": some},
                    _preload_content=False,
                    _return_http_data_only=True,
                )
                try:
                    yield from influxql.blocks(answer)
                except BaseException:
                    answer.close()  # half read, it must not go back to the pool
                    raise
                answer.release_conn()

    def _open(self) -> tuple[str, str]:
        """InfluxQL's names of the bucket (database, retention policy), which is there from now on."""
        if self._names is None:
            with self._errors():
                self._names = self._mapping(self._bucket_id())
        return self._names

    def _bucket_id(self) -> str:
        found = self._find_bucket()
        if found is None:
            organisations = self._client.organizations_api().find_organizations(org=self._org)
            if not organisations:
                raise SetupError(
                    f"{self._where}: INFLUX_TOKEN may not make buckets: make bucket {self._bucket!r} of organisation "
                    f"{self._org!r}, or set INFLUX_TOKEN to an all-access token"
                )
            try:
                found = self._client.buckets_api().create_bucket(bucket_name=self._bucket, org=organisations[0]).id
            except ApiException as error:
                if "already exists" not in str(error.message):
                    raise
                found = self._find_bucket()  # another process was faster
        return str(found)

    def _find_bucket(self) -> str | None:
        """The bucket's id; where there is none a server says 404 or lists nothing, as the token's rights are."""
        try:
            found = self._client.buckets_api().find_buckets(name=self._bucket, org=self._org).buckets
        except ApiException as error:
            if error.status != 404 or "bucket" not in str(error.message):
                raise
            return None
        return str(found[0].id) if found else None

    def _mapping(self, bucket_id: str) -> tuple[str, str]:
        """The database and retention policy that InfluxQL knows the bucket by; made where the server has none."""
        service: Any = DBRPsService(self._client.api_client)  # type: ignore[no-untyped-call]
        mappings = service.get_dbr_ps(org=self._org, bucket_id=bucket_id).content
        if not mappings:
            wish = DBRPCreate(  # type: ignore[no-untyped-call]
                org=self._org, bucket_id=bucket_id, database=self._bucket, retention_policy="autogen", default=True
            )
            mappings = [service.post_dbrp(wish)]
        return mappings[0].database, mappings[0].retention_policy

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._refusal(error) from error
        except (HTTPError, OSError) as error:
            reason = str(error).rsplit(": ", 1)[-1] or type(error).__name__
            raise OutsideError(f"{self._where} does not answer: {reason}") from error

    def _refusal(self, error: ApiException) -> OutsideError | SetupError:
        message = str(error.message)
        if error.status in (401, 403):
            return SetupError(
                f"{self._where} refuses the token ({message}): set INFLUX_TOKEN to one that may read and write "
                f"bucket {self._bucket!r} of organisation {self._org!r}"
            )
        if error.status == 404 and "organization" in message:
            return SetupError(f"{self._where} has no organisation {self._org!r}: make it, or name another")
        if error.status == 422 and "field type conflict" in message:
            return SetupError(f"{self._where}: another writer's types are in bucket {self._bucket!r}: {message}")
        return OutsideError(f"{self._where} answers {error.status}: {message}")


def _series(measurement: str, block: Block) -> Series:
    return Series(measurement, block.tags.get("site", ""), block.tags.get("meter", ""))


def _fields(columns: list[str], row: list[Any]) -> dict[str, float]:
    named = zip(columns[1:], row[1:], strict=True)
    return {column: float(value) for column, value in named if type(value) in (int, float)}
