"""Any delimited file of one meter, by a mapping of its columns: registers, gauges, or energy per interval."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median_low

from energy.errors import InputError, SetupError
from energy.quantity import QUANTITIES, REGISTERS
from energy.reading import Reading
from energy.registry import Meter, Site
from simulators.readers.interval import IntervalRegister
from simulators.readers.recording import Recording, checked
from simulators.readers.rows import Row, bad_row, moment, number, rows

INTERVAL = "interval_kwh"
_HOUR = 3_600_000
_DIGITS = 15  # of a register, decimals included: what a float64 keeps exactly
_MOST_DECIMALS = 6


def parse_map(text: str) -> dict[str, str]:
    """`time=COL,e_kwh=COL` → target → column; SetupError that says what can be mapped.

    >>> parse_map("time=Date,interval_kwh=Usage kWh")
    {'time': 'Date', 'interval_kwh': 'Usage kWh'}
    """
    columns: dict[str, str] = {}
    for pair in text.split(","):
        target, equals, column = (part.strip() for part in pair.partition("="))
        known = target in ("time", INTERVAL) or target in QUANTITIES
        if not (equals and column and known) or target in columns:
            raise SetupError(
                f"--map {pair!r}: use NAME=COLUMN, once each, with time, {INTERVAL}, {', '.join(QUANTITIES)}"
            )
        columns[target] = column
    if "time" not in columns or len(columns) < 2:
        raise SetupError("--map needs time=COLUMN and at least one value, such as e_kwh=COLUMN")
    if INTERVAL in columns and any(key in columns for key in REGISTERS):
        raise SetupError(f"--map: {INTERVAL} makes the register itself; map no other register beside it")
    return columns


@dataclass(frozen=True, slots=True)
class Shape:
    """What a first look at a file found: the usual time between rows (ms), and the registers' decimals."""

    spacing: int
    decimals: int


def read_table(
    path: Path, site: str, meter: str, columns: Mapping[str, str], zone: str = "Asia/Shanghai", stamp: str = "end"
) -> Recording:
    """A recording of one meter; `stamp` says whether an interval's time is its "start" or its "end".

    Decimals are the file's own. InputError with the row number for a bad row; an empty field is no value.
    """
    shape = _look(path, columns, zone)
    register = "e_kwh" if INTERVAL in columns else next((key for key in columns if key in REGISTERS), None)
    source = f"replayed from {path.name}"
    if INTERVAL in columns:
        source += f"; register = running sum of {columns[INTERVAL]}, from 0 again after a hole"
    digits = min(12, _DIGITS - shape.decimals)
    meters = (Meter(site, meter, meter, meter, register, digits, shape.decimals, source=source),)
    place = Site(site, site, site, zone=zone)
    if INTERVAL in columns:
        return checked(place, meters, lambda: _intervals(path, meter, columns, zone, stamp, shape))
    return checked(place, meters, lambda: _values(path, meter, columns, zone))


def _values(path: Path, meter: str, columns: Mapping[str, str], zone: str) -> Iterator[Reading]:
    for line, row in rows(path, tuple(columns.values())):
        values = _gauges(row, columns, line)
        if values:
            yield Reading(meter, moment(row[columns["time"]], zone, line), values)


def _intervals(
    path: Path, meter: str, columns: Mapping[str, str], zone: str, stamp: str, shape: Shape
) -> Iterator[Reading]:
    register = IntervalRegister(meter, shape.decimals, tolerance=shape.spacing // 2)
    for line, row in rows(path, tuple(columns.values())):
        used = number(row, columns[INTERVAL], line)
        if used is None:
            continue
        at = moment(row[columns["time"]], zone, line)
        start, end = (at, at + shape.spacing) if stamp == "start" else (at - shape.spacing, at)
        if register.end is not None:
            if end <= register.end:
                raise bad_row(line, "its interval ends before the row before it does")
            start = max(start, register.end)
        gauges = {"p_kw": float(used * _HOUR / (end - start)), **_gauges(row, columns, line)}
        yield from register.add(start, end, {"e_kwh": used}, gauges)


def _gauges(row: Row, columns: Mapping[str, str], line: int) -> dict[str, float]:
    """The values of a row that are sent as they are."""
    found = {key: number(row, column, line) for key, column in columns.items() if key in QUANTITIES}
    return {key: float(value) for key, value in found.items() if value is not None}


def _look(path: Path, columns: Mapping[str, str], zone: str) -> Shape:
    """Reads the file through once; InputError for rows out of order, and for amounts below 0."""
    counted = [column for key, column in columns.items() if key == INTERVAL or key in REGISTERS]
    times: list[int] = []
    decimals = 0
    for line, row in rows(path, tuple(columns.values())):
        time = moment(row[columns["time"]], zone, line)
        if times and time <= times[-1]:
            raise bad_row(line, f"time {row[columns['time']]!r} is not after the row before it: sort the file by time")
        times.append(time)
        decimals = max(decimals, *(_decimals(number(row, column, line), column, line) for column in counted), 0)
    if len(times) < 2:
        raise InputError("bad_file", "at least two rows are needed")
    return Shape(median_low([b - a for a, b in pairwise(times)]), decimals)


def _decimals(value: Decimal | None, column: str, line: int) -> int:
    if value is None:
        return 0
    if value < 0:
        raise bad_row(line, f"{column} {value} is below 0")
    exponent = value.normalize().as_tuple().exponent
    decimals = max(0, -exponent) if isinstance(exponent, int) else 0
    if decimals > _MOST_DECIMALS:
        raise bad_row(line, f"{column} {value} has more than {_MOST_DECIMALS} decimals")
    return decimals
