"""What can be true: times and bounds, exactly at their limits."""

import math

import pytest

from energy.quantity import QUANTITIES
from energy.reading import EARLIEST, MAX_AHEAD, Quality, Reading
from energy.window import parse_time
from ingest.check import check

NOW = 1_795_306_500_000


def one(time: int = NOW, **values: float) -> Reading:
    return Reading("m-1", time, values, Quality.ESTIMATED)


def test_what_can_be_true_is_left_as_it_is() -> None:
    reading = one(p_kw=411.5, e_kwh=10233.25)
    assert check(reading, NOW) == (reading, ())


@pytest.mark.parametrize(
    ("time", "reason"),
    [
        (EARLIEST, None),
        (EARLIEST - 1, "too_old"),
        (0, "too_old"),
        (parse_time("1970-01-02", "UTC"), "too_old"),
        (-62_135_683_140_000, "too_old"),
        (NOW + MAX_AHEAD, None),
        (NOW + MAX_AHEAD + 1, "in_future"),
        (parse_time("2100-01-01", "UTC"), "in_future"),
        (253_402_387_139_000, "in_future"),
        (2**53 - 1, "in_future"),
    ],
)
def test_times(time: int, reason: str | None) -> None:
    kept, refusals = check(one(time, p_kw=1.0, pf=0.5), NOW)
    assert [refusal.reason for refusal in refusals] == ([] if reason is None else [reason])
    assert [refusal.count for refusal in refusals] == ([] if reason is None else [2])
    assert (kept is None) == (reason is not None)


def test_the_earliest_is_2010() -> None:
    assert parse_time("2010-01-01", "UTC") == EARLIEST


@pytest.mark.parametrize("key", QUANTITIES)
def test_bounds_are_inclusive(key: str) -> None:
    low, high = QUANTITIES[key].low, QUANTITIES[key].high
    for value in (low, high, (low + high) / 2):
        assert check(Reading("m-1", NOW, {key: value}), NOW)[1] == ()
    for value in (math.nextafter(low, -math.inf), math.nextafter(high, math.inf), -1e299, 1e299):
        kept, (refusal,) = check(Reading("m-1", NOW, {key: value}), NOW)
        assert kept is None
        assert (refusal.reason, refusal.count) == ("out_of_bounds", 1)
        assert key in refusal.detail


def test_a_value_out_of_bounds_leaves_the_others() -> None:
    kept, (refusal,) = check(one(p_kw=1.0, pf=1.01, e_kwh=-1.0, u_v=230.0), NOW)
    assert kept == Reading("m-1", NOW, {"p_kw": 1.0, "u_v": 230.0}, Quality.ESTIMATED)
    assert (refusal.reason, refusal.count) == ("out_of_bounds", 2)
    assert "pf 1.01" in refusal.detail
    assert "e_kwh -1.0" in refusal.detail
