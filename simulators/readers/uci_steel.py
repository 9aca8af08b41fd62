"""The UCI "Steel Industry Energy Consumption" file (id 851): a steel works' incomer, energy per 15 minutes."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from energy.reading import Reading
from energy.registry import Meter, Site
from energy.window import QUARTER, to_ms
from simulators.readers.interval import IntervalRegister
from simulators.readers.recording import Recording, checked
from simulators.readers.rows import Row, bad_row, number, rows

_COLUMNS = ("date_raw", "usage_kwh", "lagging_kvarh", "lagging_pf", "nsm")
_DECIMALS = 2
_DAY_S = 86_400


def read_uci_steel(path: Path, site: str, meter: str, zone: str = "Asia/Shanghai") -> Recording:
    """A recording of registers e_kwh and er_kvarh with p_kw and pf; InputError with the row number for a bad row.

    The running sum starts at 0 at the first interval's start.
    """
    meters = (
        Meter(
            site,
            meter,
            meter,
            meter,
            digits=10,
            decimals=_DECIMALS,
            source=f"replayed from {path.name}: UCI Steel Industry Energy Consumption (id 851, CC BY 4.0); "
            "register = running sum of usage_kwh",
        ),
    )
    return checked(Site(site, site, site, zone=zone), meters, lambda: _readings(path, meter, ZoneInfo(zone)))


def _readings(path: Path, meter: str, zone: ZoneInfo) -> Iterator[Reading]:
    register = IntervalRegister(meter, _DECIMALS, tolerance=0)
    for line, row in rows(path, _COLUMNS):
        end = _end(row, line, zone)
        if register.end is not None and end < register.end + QUARTER:
            raise bad_row(line, "it is not after the row before it")
        used, lagging = _amount(row, "usage_kwh", line), _amount(row, "lagging_kvarh", line)
        factor = number(row, "lagging_pf", line)
        gauges = {"p_kw": float(used * 4)}
        if factor is not None:
            gauges["pf"] = float(factor / 100)
        yield from register.add(end - QUARTER, end, {"e_kwh": used, "er_kvarh": lagging}, gauges)


def _end(row: Row, line: int, zone: ZoneInfo) -> int:
    """The interval's end; the text of a day's last row names the day that ends, so 0 s after midnight is 24:00."""
    try:
        day = datetime.strptime(row["date_raw"].split()[0], "%d/%m/%Y")
        seconds = int(row["nsm"]) or _DAY_S
    except (ValueError, IndexError) as error:
        raise bad_row(line, f"date {row['date_raw']!r} and nsm {row['nsm']!r} do not name a time") from error
    if not (0 < seconds <= _DAY_S and seconds % 900 == 0):
        raise bad_row(line, f"nsm {seconds} is not a quarter hour of a day")
    if seconds == _DAY_S:
        return to_ms((day + timedelta(days=1)).replace(tzinfo=zone))
    return to_ms(day.replace(tzinfo=zone)) + seconds * 1000


def _amount(row: Row, column: str, line: int) -> Decimal:
    value = number(row, column, line)
    if value is None or value < 0 or value.scaleb(_DECIMALS) % 1:
        raise bad_row(line, f"{column} {row[column]!r} is not an amount with at most {_DECIMALS} decimals")
    return value
