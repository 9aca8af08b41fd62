"""Files: no formula in a CSV, every text in a workbook, as many sheets as it takes, and a heading without rows."""

import csv
import io
from collections.abc import Sequence
from typing import Any

import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from api.tables_out import Column, Form, Of, Table, pieces
from tests.shape.sheets import sheets

TEXTS = ["=1+1", "+1", "-1", "@sum", "\t=1", "\r=1", " =1", "＝1", "plain",
         "a=b", '"quoted", and\nbroken', "中文", "", "<&>",
         "_x0041_", "nul\x00bell\x07", "x" * 40_000, None]  # fmt: skip


def made(form: Form, columns: Sequence[Column], chunks: list[Any], **more: Any) -> bytes:
    return b"".join(pieces(Table("tests", columns, chunks), form, **more))


def test_no_cell_of_a_csv_is_a_formula() -> None:
    data = made(
        Form.CSV, [Column("text", Of.TEXT), Column("n", Of.NUMBER)], [{"text": TEXTS, "n": [-1.5] * len(TEXTS)}]
    )
    assert data.startswith(b"\xef\xbb\xbf")
    rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))[1:]
    assert len(rows) == len(TEXTS)
    for text, (cell, number) in zip(TEXTS, rows, strict=True):
        assert not cell.strip().startswith(("=", "+", "-", "@", "＝"))
        assert cell.removeprefix("'") == (text or "").replace("\r", "\n")
        assert number == "-1.5"


def test_a_cell_of_a_workbook_is_its_text() -> None:
    data = made(Form.XLSX, [Column("text", Of.TEXT)], [{"text": TEXTS}])
    assert b"<f>" not in data
    cells = [row[0] if row else None for row in sheets(data)["tests"]][1:]
    readable = [text and text.replace("\x00", "\ufffd").replace("\x07", "\ufffd")[:32_767] for text in TEXTS]
    assert cells == [text.replace("\r", "\n") if text else text for text in readable]


def test_a_full_sheet_is_followed_by_another() -> None:
    columns = [Column("n", Of.INTEGER), Column("well", Of.FLAG), Column("x", Of.NUMBER)]
    chunks = [{"n": list(range(at, at + 7)), "well": [True, False, None, True, True, True, True],
               "x": [0.1, float("nan"), None, 1e300, 5e-324, -0.0, 1 / 3]} for at in (0, 7, 14)]  # fmt: skip
    found = sheets(made(Form.XLSX, columns, chunks, sheet_rows=10))
    assert list(found) == ["tests", "tests 2", "tests 3"]
    assert all(rows[0] == ["n", "well", "x"] for rows in found.values())
    assert [len(rows) for rows in found.values()] == [10, 10, 4]
    rows = [row for sheet in found.values() for row in sheet[1:]]
    assert [row[0] for row in rows] == list(range(21))
    assert rows[:4] == [[0.0, True, 0.1], [1.0, False], [2.0], [3.0, True, 1e300]]
    assert rows[6][2] == 1 / 3


@pytest.mark.parametrize("form", Form)
def test_nothing_is_a_file_with_a_heading(form: Form) -> None:
    columns = [Column("time", Of.TIME), Column("text", Of.TEXT)]
    data = made(form, columns, [])
    if form is Form.XLSX:
        assert sheets(data) == {"tests": [["time", "text"]]}
    elif form is Form.CSV:
        assert data.decode("utf-8-sig") == "time,text\r\n"
    else:
        assert pq.read_table(io.BytesIO(data)).column_names == ["time", "text"]
