"""A delimited text file's rows by column name, with the row number in every complaint."""

import csv
from collections.abc import Iterator
from datetime import datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from zoneinfo import ZoneInfo

from energy.errors import InputError
from energy.window import parse_time, to_ms

Row = dict[str, str]
_SAMPLE = 65_536


def rows(path: Path, needed: tuple[str, ...]) -> Iterator[tuple[int, Row]]:
    """Each row with its line number (the header is line 1); InputError when a needed column or a field is not there."""
    encoding = _encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        head = file.readline()
        file.seek(0)
        delimiter = max(",;\t|", key=head.count)
        reader = csv.DictReader(file, delimiter=delimiter, skipinitialspace=True)
        names = [name.strip() for name in reader.fieldnames or ()]
        missing = [name for name in needed if name not in names]
        if missing:
            raise InputError("bad_file", f"no column {', '.join(missing)}; there are: {', '.join(names) or 'none'}")
        reader.fieldnames = names
        try:
            for row in reader:
                if any(row[name] is None for name in needed):
                    raise bad_row(reader.line_num, "it has fewer fields than the header")
                yield reader.line_num, row
        except csv.Error as error:
            raise bad_row(reader.line_num, str(error)) from error


def bad_row(line: int, detail: str) -> InputError:
    """The complaint about one row."""
    return InputError("bad_row", f"row {line}: {detail}")


def number(row: Row, column: str, line: int) -> Decimal | None:
    """A finite number exactly as written, None for an empty field.

    >>> number({"kWh": "3.170"}, "kWh", 2)
    Decimal('3.170')
    """
    text = row[column].strip()
    if not text:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation as error:
        raise bad_row(line, f"{column} {text!r} is not a number") from error
    if not value.is_finite():
        raise bad_row(line, f"{column} {text!r} is not a finite number")
    return value


def moment(text: str, zone: str, line: int) -> int:
    """ISO 8601, YYYY/M/D H:MM[:SS], or Unix time in s or ms → ms UTC; without an offset it is `zone` time.

    >>> moment("2018/1/1 0:15", "Asia/Shanghai", 2) == moment("1514736900", "UTC", 2)
    True
    """
    text = text.strip()
    if text.isdecimal() and len(text) in (10, 13):
        return int(text) * (1000 if len(text) == 10 else 1)
    for form in ("%Y/%m/%d %H:%M", "%Y/%m/%d %H:%M:%S"):
        try:
            return to_ms(datetime.strptime(text, form).replace(tzinfo=ZoneInfo(zone)))
        except ValueError:
            continue
    try:
        return parse_time(text, zone)
    except InputError as error:
        raise bad_row(line, error.detail) from error


def _encoding(path: Path) -> str:
    """UTF-8, with or without a mark, or what spreadsheets in China write."""
    try:
        with path.open(encoding="utf-8-sig") as file:
            while file.read(_SAMPLE):
                pass
    except UnicodeDecodeError:
        return "gb18030"
    return "utf-8-sig"
