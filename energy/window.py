"""Windows of plant time: 15 minutes, hour, day, month, year, each [start, end)."""

from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from energy.errors import InputError

QUARTER = 15 * 60 * 1000  # ms; the grain of the accounts
_YEARS = range(1970, 2200)  # of a plant; beyond them a time cannot be shown in every zone


class Step(StrEnum):
    """The length of a window."""

    QUARTER = "15m"
    HOUR = "hour"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"


def floor_quarter(ms: int) -> int:
    """The start of the 15-minute window that holds `ms`.

    >>> floor_quarter(1795306500001) == 1795306500000
    True
    """
    return ms - ms % QUARTER


def ceil_quarter(ms: int) -> int:
    """The first window edge at or after `ms`."""
    return -(-ms // QUARTER) * QUARTER


def to_ms(moment: datetime) -> int:
    """An aware datetime → ms UTC, exact."""
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(milliseconds=1)


def to_datetime(ms: int, zone: str = "UTC") -> datetime:
    """Ms UTC → aware datetime in `zone`, exact."""
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(milliseconds=ms)).astimezone(ZoneInfo(zone))


def to_text(ms: int, zone: str = "UTC") -> str:
    """Ms UTC → RFC 3339 in `zone`.

    >>> to_text(1514736000000, "Asia/Shanghai")
    '2018-01-01T00:00:00+08:00'
    """
    return to_datetime(ms, zone).isoformat()


def parse_time(text: str, zone: str) -> int:
    """A date, a local time or an RFC 3339 time → ms UTC; without an offset it is `zone` time; InputError otherwise.

    >>> parse_time("2018-01-01", "Asia/Shanghai")
    1514736000000
    """
    try:
        moment = datetime.fromisoformat(text.strip())
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=ZoneInfo(zone))
        if moment.year not in _YEARS:
            raise ValueError("no year of a plant")
        return to_ms(moment)
    except (ValueError, OverflowError) as error:
        raise InputError(
            "bad_time", f"{text!r} is not a date or time such as 2026-01-31 or 2026-01-31T08:15"
        ) from error


def start_of(ms: int, step: Step, zone: str) -> int:
    """The start of the window of `step` in plant time that holds `ms`."""
    if step is Step.QUARTER:
        return floor_quarter(ms)
    local = to_datetime(ms, zone)
    if step is Step.HOUR:  # by subtraction: stays right on the day when clocks change
        return ms - (local.minute * 60 + local.second) * 1000 - local.microsecond // 1000
    day = local.date()
    if step is Step.MONTH:
        day = day.replace(day=1)
    elif step is Step.YEAR:
        day = day.replace(month=1, day=1)
    return _midnight(day, zone)


def next_start(start: int, step: Step, zone: str) -> int:
    """The end of the window that begins at `start`, which is the next one's start."""
    if step is Step.QUARTER:
        return start + QUARTER
    if step is Step.HOUR:
        return start + 4 * QUARTER
    day = to_datetime(start, zone).date()
    if step is Step.DAY:
        return _midnight(day + timedelta(days=1), zone)
    if step is Step.MONTH:
        return _midnight((day.replace(day=1) + timedelta(days=32)).replace(day=1), zone)
    return _midnight(date(day.year + 1, 1, 1), zone)


def windows(start: int, end: int, step: Step, zone: str) -> list[tuple[int, int]]:
    """The windows of `step` that overlap [start, end), each clipped to it; none where it is empty."""
    out: list[tuple[int, int]] = []
    if start >= end:
        return out
    at = start_of(start, step, zone)
    while at < end:
        after = next_start(at, step, zone)
        out.append((max(at, start), min(after, end)))
        at = after
    return out


def _midnight(day: date, zone: str) -> int:
    return to_ms(datetime(day.year, day.month, day.day, tzinfo=ZoneInfo(zone)))
