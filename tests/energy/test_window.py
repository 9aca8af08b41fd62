"""Windows of plant time tile it without gap or overlap, in every zone and through every change of clocks."""

from datetime import datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import InputError
from energy.window import (
    QUARTER,
    Step,
    ceil_quarter,
    floor_quarter,
    next_start,
    parse_time,
    start_of,
    to_datetime,
    to_ms,
    to_text,
    windows,
)

HOUR = 4 * QUARTER
ZONES = ("Asia/Shanghai", "Europe/Berlin", "America/Sao_Paulo", "Australia/Lord_Howe", "Asia/Kolkata", "UTC",
         "Pacific/Apia", "Africa/Cairo", "America/St_Johns")  # fmt: skip
moments = st.integers(24 * HOUR, 4_000_000_000_000)
zones = st.sampled_from(ZONES)


def local(text: str, zone: str) -> int:
    return to_ms(datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)))


@given(moments)
def test_quarters_hold_their_moment(ms: int) -> None:
    assert floor_quarter(ms) <= ms < floor_quarter(ms) + QUARTER
    assert ceil_quarter(ms) - QUARTER < ms <= ceil_quarter(ms)
    assert floor_quarter(ms) % QUARTER == 0


@given(moments, st.sampled_from(Step), zones)
def test_a_moments_window_holds_it_and_begins_where_it_says(ms: int, step: Step, zone: str) -> None:
    start = start_of(ms, step, zone)
    assert start <= ms < next_start(start, step, zone)
    assert start_of(start, step, zone) == start


@given(moments, st.integers(0, 500 * 24 * HOUR), st.sampled_from([Step.HOUR, Step.DAY, Step.MONTH, Step.YEAR]), zones)
def test_windows_tile_the_range(start: int, length: int, step: Step, zone: str) -> None:
    start = floor_quarter(start)
    end = start + floor_quarter(min(length, 100 * HOUR) if step is Step.HOUR else length)
    out = windows(start, end, step, zone)
    assert all(a < b for a, b in out)
    assert all(left[1] == right[0] for left, right in pairwise(out))
    assert (out[0][0], out[-1][1]) == (start, end) if start < end else out == []


def test_an_empty_range_has_no_window() -> None:
    at = local("2026-03-04T08:15", "Asia/Shanghai")
    assert [windows(at, at, step, "Asia/Shanghai") for step in Step] == [[]] * len(Step)
    assert windows(at, at - HOUR, Step.DAY, "Asia/Shanghai") == []


@pytest.mark.parametrize(("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-01", 24)])
def test_a_day_in_berlin_has_the_hours_of_its_clock(day: str, hours: int) -> None:
    zone = "Europe/Berlin"
    start = local(day, zone)
    end = next_start(start, Step.DAY, zone)
    assert (end - start) // HOUR == hours
    assert len(windows(start, end, Step.HOUR, zone)) == hours
    assert len(windows(start, end, Step.QUARTER, zone)) == 4 * hours


def test_both_hours_of_the_same_name_in_autumn_are_windows_of_their_own() -> None:
    zone = "Europe/Berlin"
    first = parse_time("2026-10-25T02:30+02:00", zone)
    second = parse_time("2026-10-25T02:30+01:00", zone)
    assert start_of(second, Step.HOUR, zone) - start_of(first, Step.HOUR, zone) == HOUR
    assert to_text(start_of(second, Step.HOUR, zone), zone) == "2026-10-25T02:00:00+01:00"


def test_a_day_without_midnight_begins_at_its_first_moment() -> None:
    zone = "America/Sao_Paulo"  # 2018-11-04 began at 01:00
    start = start_of(local("2018-11-04T12:00", zone), Step.DAY, zone)
    assert to_text(start, zone) == "2018-11-04T01:00:00-02:00"
    assert next_start(local("2018-11-03", zone), Step.DAY, zone) == start


def test_months_and_years_are_the_calendars() -> None:
    zone = "Europe/Berlin"
    months = windows(local("2024-01-01", zone), local("2025-01-01", zone), Step.MONTH, zone)
    assert [to_datetime(a, zone).strftime("%m-%d %H") for a, _ in months] == [f"{m:02d}-01 00" for m in range(1, 13)]
    days = [round((b - a) / (24 * HOUR)) for a, b in months]
    assert days == [31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    years = windows(local("2023-07-01", zone), local("2025-02-01", zone), Step.YEAR, zone)
    assert [to_text(a, zone)[:10] for a, _ in years] == ["2023-07-01", "2024-01-01", "2025-01-01"]


@pytest.mark.parametrize(
    ("text", "zone", "expected"),
    [
        ("2018-01-01", "Asia/Shanghai", "2017-12-31T16:00:00+00:00"),
        ("2018-01-01", "Europe/Berlin", "2017-12-31T23:00:00+00:00"),
        ("2018-07-01T08:15", "Europe/Berlin", "2018-07-01T06:15:00+00:00"),
        (" 2018-01-01T08:15:30.5 ", "UTC", "2018-01-01T08:15:30.500000+00:00"),
        ("2018-01-01T00:00:00Z", "Asia/Shanghai", "2018-01-01T00:00:00+00:00"),
        ("2018-01-01T00:00-03:30", "Asia/Shanghai", "2018-01-01T03:30:00+00:00"),
    ],
)
def test_a_time_without_offset_is_plant_time(text: str, zone: str, expected: str) -> None:
    assert to_text(parse_time(text, zone)) == expected


@pytest.mark.parametrize(
    "text",
    ["", "yesterday", "2018-02-30", "2018-13-01", "1e9", "1795306500000", "2018-01-01T25:00", "2018-01-01\x00",
     "0001-01-01", "1900-01-01", "9999-12-31T23:59:59-12:00", "9999-12-31", "2018-01-01T00:00+99:00"],
)  # fmt: skip
def test_what_is_no_time_of_a_plant_is_refused(text: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_time(text, "Asia/Shanghai")
    assert caught.value.reason == "bad_time"


@given(moments, zones)
def test_a_written_time_reads_back(ms: int, zone: str) -> None:
    assert parse_time(to_text(ms, zone), "UTC") == ms
    assert to_datetime(ms, zone) - to_datetime(0) == timedelta(milliseconds=ms)
