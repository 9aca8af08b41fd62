"""Prints an answer as a table, as JSON or as CSV."""

import csv
import json
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import click
from tabulate import tabulate

from energy.cell import inert

Row = Mapping[str, Any]


def show(form: str, document: Any, rows: Sequence[Row], columns: Sequence[str], note: str = "") -> None:
    """`document` as JSON, or `columns` of `rows` as a table (with a note under it) or CSV; a.b looks into a mapping."""
    if form == "json":
        click.echo(json.dumps(document, ensure_ascii=False, indent=2))
    elif form == "csv":
        writer = csv.writer(sys.stdout, lineterminator="\n")
        writer.writerow(columns)
        writer.writerows([_cell(_look(row, column)) for column in columns] for row in rows)
    else:
        cells = [[_plain(_look(row, column)) for column in columns] for row in rows]
        click.echo(tabulate(cells, headers=columns, disable_numparse=True) if cells else "nothing to show")
        if note:
            click.echo(note)


def _look(row: Any, path: str) -> Any:
    for name in path.split("."):
        row = row.get(name) if isinstance(row, Mapping) else None
    return row


def _cell(value: Any) -> str:
    """A number as it is, and text that no spreadsheet takes for a formula: gateways may send any."""
    return inert(value) if isinstance(value, str) else _plain(value)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, Mapping | list):
        return json.dumps(value, ensure_ascii=False)
    return str(value)
