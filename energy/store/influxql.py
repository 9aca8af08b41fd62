"""InfluxQL: the text of the store's reads, and the answer's blocks."""

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import msgspec

from energy.errors import OutsideError
from energy.store.line import FIRST_TIME, LAST_TIME
from energy.store.port import Series
from energy.window import QUARTER

# Keys of one series further apart than this are asked for apart, not with all that lies between.
_GAP = QUARTER + 60_000
_SERIES_PER_STATEMENT = 100


class Block(NamedTuple):
    """Some rows of one series of one statement's answer; a row is [time ms, value or None, ...] as `columns` say."""

    statement: int
    tags: dict[str, str]
    columns: list[str]
    rows: list[list[Any]]


class _Series(msgspec.Struct):
    columns: list[str]
    tags: dict[str, str] = {}
    values: list[list[Any]] = []


class _Result(msgspec.Struct):
    statement_id: int = 0
    series: list[_Series] = []
    error: str = ""


class _Chunk(msgspec.Struct):
    results: list[_Result] = []
    error: str = ""


_DECODER = msgspec.json.Decoder(_Chunk)


def blocks(lines: Iterable[bytes]) -> Iterator[Block]:
    """A chunked answer's lines → its blocks; OutsideError for a statement that failed or an answer that is none."""
    for line in lines:
        try:
            chunk = _DECODER.decode(line)
        except msgspec.MsgspecError as error:
            raise OutsideError(f"InfluxDB's answer is not one to an InfluxQL query: {error}") from error
        for result in chunk.results:
            if result.error:
                raise OutsideError(f"InfluxDB: {result.error}")
            for series in result.series:
                yield Block(result.statement_id, series.tags, series.columns, series.values)
        if chunk.error:
            raise OutsideError(f"InfluxDB: {chunk.error}")


def name(text: str) -> str:
    r"""An identifier in double quotes.

    >>> print(name('a "b"'))
    "a \"b\""
    """
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def text(value: str) -> str:
    """A string in single quotes."""
    return "'" + value.replace("\\", "\\\\").replace("'", "\\'").replace("\n", "\\n") + "'"


def within(first: int, last: int) -> str:
    """The condition that a time (ms UTC) lies in [first, last], cut to what the database can hold."""
    return f"time >= {_clip(first)}ms AND time <= {_clip(last)}ms"


def one_of(series: Iterable[Series]) -> str:
    """The condition that a row is of one of these series; an empty name means that the tag is absent."""
    meters: dict[str, list[str]] = {}
    for each in series:
        meters.setdefault(each.site, []).append(f'"meter" = {text(each.meter)}')
    sites = [f'("site" = {text(site)} AND ({" OR ".join(some)}))' for site, some in meters.items()]
    return f"({' OR '.join(sites)})"


def at_statements(keys: Sequence[tuple[Series, int]]) -> list[str]:
    """Statements that together answer all `keys`, in few ranges; they may answer rows that were not asked for."""
    groups: dict[tuple[str, int, int], list[tuple[Series, int, int]]] = {}
    for series, first, last in _runs(keys):
        groups.setdefault((series.measurement, first // QUARTER, last // QUARTER), []).append((series, first, last))
    out = []
    for (measurement, _, _), group in groups.items():
        for begin in range(0, len(group), _SERIES_PER_STATEMENT):
            some = group[begin : begin + _SERIES_PER_STATEMENT]
            span = within(min(first for _, first, _ in some), max(last for _, _, last in some))
            where = f"{span} AND {one_of(series for series, _, _ in some)}"
            out.append(f'SELECT *::field FROM {name(measurement)} WHERE {where} GROUP BY "site", "meter"')  # noqa: S608
    return out


def _runs(keys: Sequence[tuple[Series, int]]) -> Iterator[tuple[Series, int, int]]:
    """(series, first, last) of keys of one series that lie close together."""
    times: dict[Series, set[int]] = {}
    for series, time in keys:
        times.setdefault(series, set()).add(time)
    for series, some in times.items():
        ordered = sorted(some)
        first = ordered[0]
        for time, after in zip(ordered, [*ordered[1:], None], strict=True):
            if after is None or after - time > _GAP:
                yield series, first, time
                first = time if after is None else after


def _clip(ms: int) -> int:
    return min(max(ms, FIRST_TIME), LAST_TIME)
