"""Tables as files that begin before they are whole: CSV, xlsx and Parquet, from chunks of columns."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from enum import Enum, StrEnum
from typing import TYPE_CHECKING, Any, NamedTuple

from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from api.workbook import SHEET_ROWS, Workbook
from energy.cell import inert

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa  # type: ignore[import-untyped]


class Form(StrEnum):
    """The file's kind, which is also the ending of its name."""

    CSV = "csv"
    XLSX = "xlsx"
    PARQUET = "parquet"


MEDIA = {
    Form.CSV: "text/csv; charset=utf-8",
    Form.XLSX: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    Form.PARQUET: "application/vnd.apache.parquet",
}


class Of(Enum):
    """What a column holds; any value may be None, a number NaN. Times are RFC 3339."""

    TEXT = "text"
    TIME = "time"
    NUMBER = "number"
    INTEGER = "integer"
    FLAG = "flag"


class Column(NamedTuple):
    """A column of a table."""

    name: str
    of: Of


Chunk = Mapping[str, Sequence[Any]]


class Table(NamedTuple):
    """Columns, and their values chunk by chunk: column → values, all of one length. `zone`: of Parquet's times."""

    name: str
    columns: Sequence[Column]
    chunks: Iterable[Chunk]
    zone: str = "UTC"


class Download(StreamingResponse):
    """A file's pieces as they are made; whatever made them is let go of also when the client has gone."""

    def __init__(self, pieces: Iterator[bytes], form: Form, headers: Mapping[str, str]) -> None:
        super().__init__(pieces, media_type=MEDIA[form], headers=headers)
        self._pieces = pieces

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """See `Response`."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            getattr(self._pieces, "close", lambda: None)()


def pieces(table: Table, form: Form, sheet_rows: int = SHEET_ROWS) -> Iterator[bytes]:
    """The file, piece by piece; of the table one chunk at a time is in memory."""
    if form is Form.CSV:
        return _csv(table)
    return _xlsx(table, sheet_rows) if form is Form.XLSX else _parquet(table)


def _csv(table: Table) -> Iterator[bytes]:
    names = [column.name for column in table.columns]
    head = "\ufeff" + ",".join(names) + "\r\n"  # Excel takes the file for UTF-8 only if the mark begins it
    for chunk in table.chunks:
        text: str = _frame(table, chunk).to_csv(None, index=False, header=False, lineterminator="\r\n")
        yield (head + text).encode("utf-8", "replace")
        head = ""
    if head:
        yield head.encode()


def _frame(table: Table, chunk: Chunk) -> "pd.DataFrame":
    import pandas as pd  # half a second that only an export costs

    columns: dict[str, Any] = {}
    for name, of in table.columns:
        values = chunk[name]
        if of is Of.TEXT:
            columns[name] = pd.Series([value and inert(value) for value in values], dtype=object)
        elif of is Of.INTEGER:
            columns[name] = pd.array(values, dtype="Int64")
        elif of is Of.NUMBER:
            columns[name] = pd.Series(values, dtype="float64")
        else:
            columns[name] = pd.Series(values, dtype=object)
    return pd.DataFrame(columns)


def _xlsx(table: Table, sheet_rows: int) -> Iterator[bytes]:
    pipe = _Pipe()
    book = Workbook(pipe, table.name, [column.name for column in table.columns], sheet_rows)
    try:
        for chunk in table.chunks:
            columns = [chunk[name] for name, _ in table.columns]
            book.write(zip(*(c.tolist() if hasattr(c, "tolist") else c for c in columns), strict=True))
            yield pipe.take()
        book.close()
        yield pipe.take()
    finally:
        book.drop()


def _parquet(table: Table) -> Iterator[bytes]:
    import pyarrow as pa
    import pyarrow.parquet as pq  # type: ignore[import-untyped]

    kinds = {Of.TEXT: pa.string(), Of.TIME: pa.timestamp("ms", tz=table.zone), Of.NUMBER: pa.float64(),
             Of.INTEGER: pa.int64(), Of.FLAG: pa.bool_()}  # fmt: skip
    schema = pa.schema([(name, kinds[of]) for name, of in table.columns])
    pipe = _Pipe()
    with pq.ParquetWriter(pipe, schema, compression="zstd") as writer:
        for chunk in table.chunks:
            arrays = [_array(chunk[name], of, kinds[of]) for name, of in table.columns]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield pipe.take()
    yield pipe.take()


def _array(values: Sequence[Any], of: Of, kind: "pa.DataType") -> "pa.Array[Any]":
    import pandas as pd
    import pyarrow as pa

    if of is Of.TIME:
        moments = pd.to_datetime(pd.Series(values, dtype=object), utc=True, format="ISO8601").astype(
            "datetime64[ms, UTC]"
        )
        return pa.array(moments, type=pa.timestamp("ms", tz="UTC")).cast(kind)
    if of is Of.TEXT:
        values = [value if value is None else value.encode("utf-8", "replace").decode() for value in values]
    return pa.array(values, type=kind, from_pandas=True)


class _Pipe:
    """A file that is written forwards only, and emptied as it goes."""

    closed = False

    def __init__(self) -> None:
        self._waiting: list[bytes] = []

    def write(self, data: bytes) -> int:
        """Take a copy: the writer may use its buffer again."""
        self._waiting.append(bytes(data))
        return len(data)

    def flush(self) -> None:
        """Nothing is held back."""

    def writable(self) -> bool:
        """Always."""
        return True

    def take(self) -> bytes:
        """All that was written since the last time."""
        out = b"".join(self._waiting)
        self._waiting.clear()
        return out
