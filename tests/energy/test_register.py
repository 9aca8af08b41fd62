"""Registers: no count is lost or made, what is not known is said, and amounts are exact to the last digit."""

from decimal import Decimal
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.reading import Quality
from energy.register import MAX_BRACKET, Intervals, to_amount, to_counts, to_intervals
from energy.registry import Meter
from energy.window import QUARTER, ceil_quarter, floor_quarter

T0 = 1_795_306_500_000  # on a window's edge
MINUTE = 60_000
MODULUS = 10**6
M, E, X = int(Quality.MEASURED), int(Quality.ESTIMATED), int(Quality.MISSING)


def look(*readings: tuple[float, int], modulus: int = MODULUS, estimated: tuple[int, ...] = ()) -> Intervals:
    """Readings as (minutes after T0, counts)."""
    times = np.array([T0 + round(at * MINUTE) for at, _ in readings], dtype=np.int64)
    marks = np.isin(np.arange(len(readings)), estimated)
    return to_intervals(times, np.array([counts for _, counts in readings], dtype=np.int64), modulus, marks)


def said(out: Intervals) -> list[tuple[int, int, int]]:
    return list(zip(out.counts.tolist(), out.part.tolist(), out.quality.tolist(), strict=True))


@st.composite
def series(draw: st.DrawFn) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, int]:
    """An unbroken register: times, displayed counts, the counts that really passed, and its modulus."""
    modulus = draw(st.sampled_from([10, 10**3, 10**6, 10**12]))
    size = draw(st.integers(2, 40))
    gaps = draw(st.lists(st.integers(1, 5 * QUARTER), min_size=size - 1, max_size=size - 1))
    times = np.cumsum([draw(st.integers(0, 2**41)), *gaps])
    at = draw(st.integers(0, modulus - 1))
    counts, passed = [at], 0
    for _ in gaps:
        left = modulus - at
        wraps = at >= modulus - modulus // 10 and draw(st.booleans())
        rise = left + draw(st.integers(0, modulus // 10 - 1)) if wraps else draw(st.integers(0, left - 1))
        at, passed = (at + rise) % modulus, passed + rise
        counts.append(at)
    return times.astype(np.int64), np.array(counts, dtype=np.int64), passed, modulus


@given(series(), st.data())
def test_every_count_of_an_unbroken_series_is_in_exactly_one_window(
    given_: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, int], data: st.DataObject
) -> None:
    times, counts, passed, modulus = given_
    marks = data.draw(st.lists(st.booleans(), min_size=len(times), max_size=len(times)))
    out = to_intervals(times, counts, modulus, np.array(marks))
    wraps = int((np.diff(counts) < 0).sum())
    assert passed == int(counts[-1]) - int(counts[0]) + wraps * modulus
    assert int(out.counts.sum() + out.part.sum()) == passed
    assert (out.counts >= 0).all()
    assert (out.part >= 0).all()
    assert (out.counts[out.quality == X] == 0).all()
    assert (out.part[out.quality < X] == 0).all()
    assert out.start.tolist() == list(range(floor_quarter(int(times[0])), ceil_quarter(int(times[-1])), QUARTER))


@given(series())
def test_a_window_between_readings_on_its_edges_has_exactly_their_difference(
    given_: tuple[npt.NDArray[np.int64], npt.NDArray[np.int64], int, int],
) -> None:
    times, counts, _, modulus = given_
    edges = T0 + QUARTER * np.arange(len(times), dtype=np.int64)
    out = to_intervals(edges, counts, modulus)
    rises = [b - a if b >= a else b - a + modulus for a, b in pairwise(counts.tolist())]
    assert said(out) == [(rise, 0, M) for rise in rises]


def test_a_wrap_counts_on_and_a_reset_hides_what_it_hides() -> None:
    assert said(look((0, 999_990), (15, 20), (30, 30))) == [(30, 0, M), (10, 0, M)]
    reset = look((0, 500_000), (15, 500_100), (30, 7), (45, 10))
    assert said(reset) == [(100, 0, M), (0, 0, X), (3, 0, M)]


def test_a_reset_within_a_window_keeps_the_parts_on_both_sides_of_it() -> None:
    out = look((0, 500_000), (15, 500_100), (20, 500_140), (25, 5), (30, 25), (45, 125))
    assert said(out) == [(100, 0, M), (0, 60, X), (100, 0, M)]


def test_a_lone_reading_between_two_resets_says_nothing() -> None:
    assert said(look((0, 5_000), (15, 3_000), (30, 1_000), (45, 1_010))) == [(0, 0, X), (0, 0, X), (10, 0, M)]


@pytest.mark.parametrize("before", [899_999, 100, 500_000])
def test_a_fall_from_elsewhere_than_the_last_tenth_is_a_reset(before: int) -> None:
    assert said(look((0, before), (15, 0))) == [(0, 0, X)]


def test_a_fall_from_the_last_tenth_to_elsewhere_than_the_first_is_a_reset() -> None:
    assert said(look((0, 999_999), (15, 100_000))) == [(0, 0, X)]
    assert said(look((0, 900_000), (15, 99_999))) == [(199_999, 0, M)]


def test_nothing_or_one_reading_gives_no_window() -> None:
    assert said(look()) == []
    assert said(look((0, 5))) == []


def test_two_readings_within_one_window_are_a_part_of_it() -> None:
    assert said(look((3, 100), (9, 160))) == [(0, 60, X)]


def test_the_first_and_last_window_are_partial_unless_a_reading_is_on_the_edge() -> None:
    assert said(look((5, 0), (20, 150), (35, 300))) == [(0, 100, X), (150, 0, M), (0, 50, X)]
    assert said(look((0, 0), (15, 150), (30, 300))) == [(150, 0, M), (150, 0, M)]


def test_jitter_of_a_minute_is_measured_and_interpolated() -> None:
    out = look((0, 0), (15.9, 159), (30.4, 304), (44.6, 446), (60, 600))
    assert said(out) == [(150, 0, M), (150, 0, M), (150, 0, M), (150, 0, M)]


def test_a_bracket_is_measured_up_to_a_period_and_a_minute() -> None:
    limit = MAX_BRACKET / MINUTE
    edges = [(0, 0), (14, 140), (14 + limit, 300), (30, 300)]
    assert [row[2] for row in said(look(*edges))] == [M, M]
    edges[2] = (14 + limit + 1 / 60, 300)
    assert [row[2] for row in said(look(*edges[:3], (45, 300), (60, 300)))] == [E, E, E, M]


def test_a_gap_is_shared_out_and_estimated() -> None:
    out = look((0, 0), (15, 100), (75, 500), (90, 600))
    assert said(out) == [(100, 0, M), (100, 0, E), (100, 0, E), (100, 0, E), (100, 0, E), (100, 0, M)]


def test_a_reading_that_the_sender_estimated_makes_its_windows_estimated() -> None:
    out = look((0, 0), (15, 100), (30, 200), (45, 300), estimated=(1,))
    assert [row[2] for row in said(out)] == [E, E, M]


@given(
    st.integers(1, 12), st.integers(0, 6),
    st.decimals(Decimal("0.0001"), Decimal(100_000), places=4), st.data(),
)  # fmt: skip
def test_counts_and_amounts_come_back_exactly(
    digits: int, decimals: int, multiplier: Decimal, data: st.DataObject
) -> None:
    meter = Meter("s", "m", "", "", digits=min(digits, 15 - decimals), decimals=decimals, multiplier=multiplier)
    counts = data.draw(st.lists(st.integers(0, meter.modulus - 1), min_size=1, max_size=20))
    amounts = [to_amount(count, meter.resolution) for count in counts]
    assert [amount / meter.resolution for amount in amounts] == counts
    stored = np.array([float(amount) for amount in amounts])
    assert to_counts(stored, meter.resolution).tolist() == counts
