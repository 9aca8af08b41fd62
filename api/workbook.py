"""Writes an xlsx workbook row by row into a stream that cannot go back: cells in, zipped bytes out."""

import re
import zipfile
from collections.abc import Iterable, Sequence
from typing import IO, Protocol, cast
from xml.sax.saxutils import escape

SHEET_ROWS = 1_048_576  # what a sheet can hold, its heading included
CELL_TEXT = 32_767
_SHEET_BYTES = 2**30  # above 2 GiB an entry would need a form of zip that Excel does not always take
_AT_ONCE = 2000  # rows put together
_LETTERS = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_UNWRITABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_SPECIAL = re.compile("[&<>_\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_ESCAPED = re.compile(r"_(x[0-9A-Fa-f]{4}_)")
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"


class Sink(Protocol):
    """Where the bytes go."""

    def write(self, data: bytes, /) -> int:
        """Take them all."""

    def flush(self) -> None:
        """Nothing is held back."""


class Workbook:
    """Sheets of one table: the next one begins, with the heading again, where one is full."""

    def __init__(self, sink: Sink, name: str, heading: Sequence[str], rows: int = SHEET_ROWS) -> None:
        """`name`: of the sheets, with a number from the second on; `rows`: of each sheet."""
        self._zip = zipfile.ZipFile(cast(IO[bytes], sink), "w", zipfile.ZIP_DEFLATED, compresslevel=3)
        self._name, self._heading, self._limit = name, heading, rows
        self._columns = [_column(at) for at in range(len(heading))]
        self._sheets = 0
        self._sheet: IO[bytes] | None = None
        self._row = self._size = 0

    def write(self, rows: Iterable[Sequence[str | float | bool | None]]) -> None:
        """Add rows: texts are texts whatever they look like, numbers keep every digit, None is an empty cell."""
        lines: list[str] = []
        for row in rows:
            if self._sheet is None or self._row >= self._limit or self._size > _SHEET_BYTES:
                self._put(lines)
                lines = [self._begin()]
            lines.append(self._line(row))
            if len(lines) >= _AT_ONCE:
                self._put(lines)
                lines = []
        self._put(lines)

    def close(self) -> None:
        """Write what ends a workbook; without it the bytes are none."""
        if self._sheet is None:
            self._put([self._begin()])
        self._end()
        many = range(1, self._sheets + 1)
        sheets = "".join(f'<sheet name="{escape(self._title(n))}" sheetId="{n}" r:id="rId{n}"/>' for n in many)
        self._part("xl/workbook.xml", f'<workbook {_MAIN} xmlns:r="{_OFFICE}"><sheets>{sheets}</sheets></workbook>')
        links = ((f"rId{n}", "worksheet", f"worksheets/sheet{n}.xml") for n in many)
        self._part("xl/_rels/workbook.xml.rels", _relations(links))
        self._part("_rels/.rels", _relations([("rId1", "officeDocument", "xl/workbook.xml")]))
        parts = [("/xl/workbook.xml", "sheet.main"), *((f"/xl/worksheets/sheet{n}.xml", "worksheet") for n in many)]
        overrides = "".join(f'<Override PartName="{part}" ContentType="{_TYPE}.{kind}+xml"/>' for part, kind in parts)
        self._part(
            "[Content_Types].xml",
            f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
            f'ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            f'<Default Extension="xml" ContentType="application/xml"/>{overrides}</Types>',
        )
        self._zip.close()

    def drop(self) -> None:
        """Let go of what is open, finished or not."""
        if self._sheet is not None:
            self._sheet.close()
            self._sheet = None
        self._zip.close()

    def _begin(self) -> str:
        self._end()
        self._sheets += 1
        self._sheet = self._zip.open(f"xl/worksheets/sheet{self._sheets}.xml", "w")
        self._row = self._size = 0
        frozen = '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/>'
        return (
            f'{_HEAD}<worksheet {_MAIN}><sheetViews><sheetView workbookViewId="0">{frozen}</sheetView></sheetViews>'
            f'<cols><col min="1" max="{len(self._columns)}" width="20" customWidth="1"/></cols>'
            f"<sheetData>{self._line(self._heading)}"
        )

    def _end(self) -> None:
        if self._sheet is not None:
            self._sheet.write(b"</sheetData></worksheet>")
            self._sheet.close()
            self._sheet = None

    def _put(self, lines: list[str]) -> None:
        if self._sheet is not None and lines:
            data = "".join(lines).encode()
            self._size += len(data)
            self._sheet.write(data)

    def _line(self, row: Sequence[str | float | bool | None]) -> str:
        self._row += 1
        number = self._row
        cells = []
        for column, value in zip(self._columns, row, strict=True):
            if isinstance(value, str):
                cells.append(
                    f'<c r="{column}{number}" t="inlineStr"><is><t xml:space="preserve">{_text(value)}</t></is></c>'
                )
            elif isinstance(value, bool):
                cells.append(f'<c r="{column}{number}" t="b"><v>{value:d}</v></c>')
            elif value is not None and value == value:
                cells.append(f'<c r="{column}{number}"><v>{value!r}</v></c>')
        return f'<row r="{number}">{"".join(cells)}</row>'

    def _title(self, sheet: int) -> str:
        return self._name if sheet == 1 else f"{self._name} {sheet}"

    def _part(self, path: str, text: str) -> None:
        self._zip.writestr(path, _HEAD + text)


def _relations(links: Iterable[tuple[str, str, str]]) -> str:
    all_ = "".join(f'<Relationship Id="{i}" Type="{_OFFICE}/{kind}" Target="{to}"/>' for i, kind, to in links)
    return f'<Relationships xmlns="{_PACKAGE}/relationships">{all_}</Relationships>'


def _text(value: str) -> str:
    """A text as a cell can hold it."""
    if _SPECIAL.search(value) is None:
        return value[:CELL_TEXT]
    return _ESCAPED.sub(r"_x005F_\1", escape(_UNWRITABLE.sub("\ufffd", value[:CELL_TEXT])))


def _column(at: int) -> str:
    """The letters of a column.

    >>> _column(0), _column(25), _column(26)
    ('A', 'Z', 'AA')
    """
    return _LETTERS[at] if at < len(_LETTERS) else _column(at // 26 - 1) + _LETTERS[at % 26]
