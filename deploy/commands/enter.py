"""`carbonwatch enter`: readings by hand, from a file, with a reason that is kept."""

import csv
import math
import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show
from energy.client.answers import Entry
from energy.client.bodies import ReadingBody
from energy.errors import InputError, SetupError
from energy.quantity import QUANTITIES

_AT_ONCE = 10_000  # as many as the API takes in one entry
_EXAMPLE = "carbonwatch enter june.csv --site steel-1 --meter incomer --reason 'gateway was down, read off the display'"
_Row = tuple[int, ReadingBody]  # its line in the file


@click.command(epilog=f"Example: {_EXAMPLE}")
@system_options
@click.argument("file", type=click.Path(exists=True, dir_okay=False, readable=True, path_type=Path))
@click.option("--site", required=True, help="The site.")
@click.option("--meter", required=True, help="The meter.")
@click.option("--reason", required=True, help="Why they are entered by hand; kept with them, and in the audit record.")
def enter(data: Path, url: str | None, form: str, file: Path, site: str, meter: str, reason: str) -> None:
    """Enter readings by hand, from a CSV FILE: `time`, a column for each quantity, and `quality` if it is known.

    A time without an offset is the site's; a quality is measured, or estimated as it is without one. Of up to 10,000
    rows all are entered or none. A reading that is there already stays: `carbonwatch gateways` counts it for `manual`.
    """
    rows = list(_rows(file))
    client, entries = locate(data, url).client, list[Entry]()
    for first in range(0, len(rows), _AT_ONCE):
        part = rows[first : first + _AT_ONCE]
        try:
            entries.append(client.enter_readings(site, meter, reason, [reading for _, reading in part]))
        except InputError as error:
            before = f"; the lines before {part[0][0]} were entered" if first else ""
            raise InputError(error.reason, _by_line(error.detail, part) + before) from error
    columns = ("site", "meter", "author", "readings", "values", "first", "last", "journal.day", "journal.row")
    show(form, {"items": entries}, entries, columns, "durable; they can be queried within seconds")


def _rows(file: Path) -> Iterator[_Row]:
    """The readings of a file; SetupError where it cannot be read, with the line."""
    try:
        with file.open(encoding="utf-8-sig", newline="") as opened:
            table = csv.reader(opened)
            head = [name.strip() for name in next(table, [])]
            _check(head, file)
            for cells in table:
                if any(cell.strip() for cell in cells):
                    where = f"{file}:{table.line_num}"
                    if len(cells) > len(head):
                        raise SetupError(f"{where}: it has {len(cells)} cells under {len(head)} columns")
                    yield table.line_num, _reading(dict(zip(head, cells, strict=False)), where)
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise SetupError(f"{file} cannot be read as CSV in UTF-8: {error}") from error


def _check(head: list[str], file: Path) -> None:
    unknown = [name for name in head if name not in ("time", "quality", *QUANTITIES)]
    if "time" not in head or unknown or len(set(head)) < len(head) or not set(head) & set(QUANTITIES):
        wrong = f"{', '.join(map(repr, unknown))} is none of them" if unknown else f"it has {', '.join(head) or 'none'}"
        known = ", ".join(QUANTITIES)
        raise SetupError(f"{file}: its first line names the columns, once each: time, quality, and of {known}; {wrong}")


def _reading(row: dict[str, str], where: str) -> ReadingBody:
    values = {}
    for name in QUANTITIES:
        if text := row.get(name, "").strip():
            try:
                values[name] = float(text)
            except ValueError:
                raise SetupError(f"{where}: {name} {text!r} is no number") from None
            if not math.isfinite(values[name]):
                raise SetupError(f"{where}: {name} {text!r} is no finite number")
    if not values:
        raise SetupError(f"{where}: it has no value")
    reading: ReadingBody = {"time": row.get("time", "").strip(), "values": values}
    if quality := row.get("quality", "").strip():
        reading["quality"] = quality
    return reading


def _by_line(text: str, part: Sequence[_Row]) -> str:
    """The API's complaint with the file's line for each `readings.INDEX`."""

    def line(found: re.Match[str]) -> str:
        index = int(found[1])
        return f"line {part[index][0]}" if index < len(part) else found[0]

    return re.sub(r"readings\.(\d+)", line, text)
