"""Reads a workbook as the standards say, knowing nothing of how ours is written."""

import io
import re
import zipfile
from collections.abc import Iterator
from typing import Any
from xml.etree import ElementTree

_NS = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_REL = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"


def sheets(data: bytes) -> dict[str, list[list[Any]]]:
    """Each sheet's rows by its title, in the workbook's order; empty cells are None."""
    with zipfile.ZipFile(io.BytesIO(data)) as book:
        assert book.testzip() is None
        types = ElementTree.fromstring(book.read("[Content_Types].xml"))
        declared = {one.get("PartName") for one in types if one.tag.endswith("Override")}
        links = ElementTree.fromstring(book.read("xl/_rels/workbook.xml.rels"))
        targets = {one.get("Id"): f"xl/{one.get('Target')}" for one in links}
        out = {}
        for sheet in ElementTree.fromstring(book.read("xl/workbook.xml")).iter(f"{_NS}sheet"):
            path = targets[sheet.get(_REL)]
            assert f"/{path}" in declared
            with book.open(path) as file:
                out[str(sheet.get("name"))] = list(_rows(file))
        return out


def _rows(file: Any) -> Iterator[list[Any]]:
    for _, element in ElementTree.iterparse(file):
        if element.tag == f"{_NS}row":
            yield _cells(element)
            element.clear()


def _cells(row: ElementTree.Element) -> list[Any]:
    out: list[Any] = []
    for cell in row:
        column, number = re.fullmatch(r"([A-Z]+)(\d+)", str(cell.get("r"))).groups()  # type: ignore[union-attr]
        assert number == row.get("r")
        place = 0
        for letter in column:
            place = 26 * place + ord(letter) - 64
        out += [None] * (place - 1 - len(out))
        if cell.get("t") == "inlineStr":
            text = "".join(one.text or "" for one in cell.iter(f"{_NS}t"))
            out.append(re.sub(r"_x([0-9A-Fa-f]{4})_", lambda found: chr(int(found[1], 16)), text))
        else:
            value = float(cell.findtext(f"{_NS}v") or "nan")
            out.append(bool(value) if cell.get("t") == "b" else value)
    return out
