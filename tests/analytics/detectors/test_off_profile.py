"""Off-profile detector: faults of generated plants are found once, regular weeks never, later data alters nothing."""

import csv
from dataclasses import replace
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from time import perf_counter

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.detectors import off_profile
from analytics.detectors.off_profile import Options
from energy.alert import Finding, Kind
from energy.registry import Meter
from energy.window import QUARTER, parse_time

ZONE = "Asia/Shanghai"
HOUR = 4 * QUARTER
DAY = 24 * HOUR
START = parse_time("2026-03-02", ZONE)  # a Monday
Floats = npt.NDArray[np.float64]
COMPRESSOR = Meter("steel-1", "compressor-2", "压缩机 2", "Compressor 2")
STEEL = Path(__file__).resolve().parents[4] / "shared" / "data" / "steel" / "steel_2018_jan_sep.csv"


def hours_of(days: int) -> npt.NDArray[np.int64]:
    return START + HOUR * np.arange(24 * days, dtype=np.int64)


def clock(size: int) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Hour of the day and day of the week in the plant's time; the series begins on a Monday at 00:00."""
    return np.arange(size) % 24, np.arange(size) // 24 % 7


def compressor(days: int, seed: int = 1, noise: float = 0.05) -> Floats:
    """Works 06:00 to 22:00 on six days; 4 kWh an hour at rest."""
    hour, weekday = clock(24 * days)
    works = (hour >= 6) & (hour < 22) & (weekday < 6)
    rng = np.random.default_rng(seed)
    return np.where(works, 180.0, 4.0) * rng.normal(1, noise, 24 * days)


def run_nights(amount: Floats, first: int, last: int, level: float = 150.0) -> Floats:
    """The compressor does not stop from 22:00 of day `first` to 06:00 after the night of day `last` - 1."""
    out = amount.copy()
    for day in range(first, last):
        night = slice(24 * day + 22, 24 * day + 30)
        out[night] = np.maximum(out[night], level)
    return out


def look(amount: Floats, meter: Meter = COMPRESSOR, options: Options | None = None) -> list[Finding]:
    hours = START + HOUR * np.arange(len(amount), dtype=np.int64)
    return off_profile.find(meter, hours, amount, np.isfinite(amount), ZONE, options)


def local(text: str) -> int:
    return parse_time(text, ZONE)


def test_a_compressor_that_runs_through_the_nights_is_one_finding_from_its_first_hour() -> None:
    [found] = look(run_nights(compressor(35), 28, 35))
    assert (found.kind, found.site, found.meter) == (Kind.OFF_PROFILE, "steel-1", "compressor-2")
    assert found.since == local("2026-03-30T22:00")
    assert found.confirmed == local("2026-03-31T02:00")
    assert found.until is None
    assert found.evidence["direction"] == "more"
    assert found.evidence["clock_hours"] == "22:00–06:00"
    assert found.evidence["hours"] == 6 * 8 + 2
    assert found.excess == pytest.approx(50 * (150 - 4), rel=0.01)
    assert found.excess == pytest.approx(found.evidence["observed_kwh"] - found.evidence["expected_kwh"])
    assert found.evidence["expected_kwh"] < found.limit < found.value


def test_its_sentences_say_who_when_by_how_much_and_since_when() -> None:
    [found] = look(run_nights(compressor(35, noise=0.02), 28, 35, level=16.0 * 2.4))
    assert found.what["zh"].startswith("压缩机 2在夜间（22:00–06:00）用电约为往常的 9.")
    assert "自 2026-03-30 22:00 起，累计多用 " in found.what["zh"]
    assert found.what["en"].startswith("Compressor 2 uses about 9.")
    assert "times its usual electricity at night (22:00–06:00)" in found.what["en"]
    assert "since 2026-03-30 22:00; " in found.what["en"]
    busy = np.maximum(compressor(35), 60.0)
    [found] = look(run_nights(busy, 28, 35, level=120.0))
    assert found.what["zh"].startswith("压缩机 2在夜间（22:00–06:00）用电比往常高 100 %（每小时 120 kWh，往常 60 kWh）")
    assert "uses 100% more electricity than usual at night" in found.what["en"]


def test_the_episode_ends_with_its_last_off_hour_once_a_normal_day_has_passed() -> None:
    amount = run_nights(compressor(40), 24, 28)
    [found] = look(amount)
    assert found.until == START + 28 * DAY + 6 * HOUR
    in_doubt = START + (28 * 24 + 6 + 23) * HOUR
    [still] = look(amount[: (in_doubt - START) // HOUR])
    assert still.until is None
    [ended] = look(amount[: (in_doubt - START) // HOUR + 1])
    assert ended.until == found.until


def test_a_fault_of_seven_weeks_neither_ends_nor_teaches_and_its_end_is_known() -> None:
    [found] = look(run_nights(compressor(91), 28, 77))
    assert found.until == START + 77 * DAY + 6 * HOUR
    assert found.evidence["hours"] == 49 * 8


def test_a_second_fault_after_the_first_is_a_second_finding() -> None:
    first, second = look(run_nights(run_nights(compressor(60), 28, 31), 45, 60))
    assert first.until == START + 31 * DAY + 6 * HOUR
    assert second.since == START + 45 * DAY + 22 * HOUR


def test_a_new_normal_that_a_person_accepts_is_learned_and_what_leaves_it_is_found() -> None:
    amount = run_nights(compressor(91), 28, 80)
    accepted = Options(accepted=((START + 28 * DAY + 22 * HOUR, START + 33 * DAY),))
    [found] = look(amount, options=accepted)
    assert found.since == START + 80 * DAY + 22 * HOUR
    assert found.evidence["direction"] == "less"


def test_nothing_is_said_before_three_weeks_of_the_same_hour() -> None:
    assert look(run_nights(compressor(21), 18, 21)) == []
    [found] = look(run_nights(compressor(26), 21, 26))
    assert found.since == START + 21 * DAY + 22 * HOUR


def test_three_off_hours_in_a_row_are_not_a_finding_and_four_are() -> None:
    amount = compressor(35)
    amount[24 * 30 : 24 * 30 + 3] = 150
    assert look(amount) == []
    amount[24 * 30 + 3] = 150
    assert len(look(amount)) == 1


def test_hours_that_rest_on_an_estimate_are_neither_judged_nor_learned() -> None:
    amount = run_nights(compressor(35), 28, 35)
    hours = hours_of(35)
    measured = ~((hours >= START + 28 * DAY) & (hours < START + 35 * DAY))
    assert off_profile.find(COMPRESSOR, hours, amount, measured, ZONE) == []


def test_a_row_of_off_hours_spans_a_short_gap_and_no_long_one() -> None:
    amount = compressor(35)
    amount[24 * 29 + 22 : 24 * 30 + 4] = 150
    amount[24 * 29 + 23] = np.nan
    [found] = look(amount)
    assert found.confirmed == START + (24 * 30 + 3) * HOUR
    amount[24 * 30 : 24 * 30 + 2] = np.nan
    assert look(amount) == []


def test_rows_left_out_are_the_same_as_hours_not_known() -> None:
    amount = run_nights(compressor(35), 28, 35)
    amount[100:130] = np.nan
    amount[24 * 30 : 24 * 30 + 5] = np.nan
    known = np.isfinite(amount)
    hours = hours_of(35)
    left_out = off_profile.find(COMPRESSOR, hours[known], amount[known], known[known], ZONE)
    assert [replace(f, evidence={}) for f in left_out] == [replace(f, evidence={}) for f in look(amount)]


def test_a_pump_that_stands_still_is_less_in_its_own_unit_and_words() -> None:
    rng = np.random.default_rng(3)
    amount = 12.0 * rng.normal(1, 0.04, 24 * 30)
    amount[24 * 26 :] = 0
    steam = Meter("paper-1", "dryer", "烘缸", "Dryer", register="steam_t")
    [found] = look(amount, steam)
    assert (found.unit, found.evidence["direction"]) == ("t", "less")
    assert found.excess < 0
    assert found.value < found.limit
    assert "observed_kwh" not in found.evidence
    assert found.what["zh"].startswith("烘缸全天用汽比往常低 100 %")
    assert "less steam than usual around the clock" in found.what["en"]


def test_the_curve_holds_the_newest_72_hours_with_the_bounds_of_normal() -> None:
    [found] = look(run_nights(compressor(35), 28, 35))
    curve = found.evidence["curve"]
    assert len(curve) == 72
    assert curve[-1][0] == START + 35 * DAY - HOUR
    assert all(b[0] - a[0] == HOUR for a, b in pairwise(curve))
    _, observed, expected, low, high = curve[-1]
    assert low < expected < high < observed


def test_the_hour_of_the_week_is_the_plants_through_a_change_of_clocks() -> None:
    zone = "Europe/Berlin"  # clocks change on 2026-03-29
    start = parse_time("2026-03-02", zone)
    hours = start + HOUR * np.arange(24 * 40, dtype=np.int64)
    shift = (hours >= parse_time("2026-03-29T03:00", zone)).astype(np.int64)
    local_hour = (np.arange(24 * 40) + shift) % 24
    rng = np.random.default_rng(5)
    amount = np.where((local_hour >= 6) & (local_hour < 22), 180.0, 4.0) * rng.normal(1, 0.04, len(hours))
    assert off_profile.find(COMPRESSOR, hours, amount, np.isfinite(amount), zone) == []


def regular(kind: str, rng: np.random.Generator, days: int = 35) -> Floats:
    """A plant's meter without a fault, hourly."""
    size = 24 * days
    hour, weekday = clock(size)
    noise = rng.normal(1, rng.uniform(0.03, 0.08), size)
    if kind == "arc furnace":  # heats fall into hours as they come
        return 9000.0 * rng.normal(1, 0.2, size).clip(0) * np.where(weekday == 6, 0.1, 1.0)
    if kind == "compressor":
        return np.where((hour >= 6) & (hour < 22) & (weekday < 6), 180.0, 4.0) * noise
    if kind == "pump":  # cycles: on in a random part of the hours
        return np.where(rng.random(size) < 0.8, 60.0, 1.0) * noise
    if kind == "warming":  # a month of rising cooling load, and a slow wander
        wander = np.convolve(rng.normal(0, 1, size + 23), np.ones(24) / 24**0.5, "valid")
        return 300.0 * (1 + 0.004 * np.arange(size) / 24) * (1 + 0.03 * wander) * noise
    day = np.where((hour >= 8) & (hour < 20) & (weekday < 5), rng.uniform(1.2, 3.0), 1.0)
    return 250.0 * day * noise


@pytest.mark.parametrize("kind", ["arc furnace", "compressor", "pump", "warming", "office week"])
def test_regular_meters_raise_nothing_in_35_days(kind: str) -> None:
    found = {seed: look(regular(kind, np.random.default_rng(seed))) for seed in range(20)}
    assert {seed: f for seed, f in found.items() if f} == {}


def test_a_meter_with_coarse_counts_that_stands_at_its_rest_raises_nothing() -> None:
    coarse = Meter("steel-1", "m", "m", "m", decimals=0, multiplier=Decimal(10))
    amount = np.where(np.random.default_rng(0).random(24 * 35) < 0.1, 10.0, 0.0)
    assert look(amount, coarse) == []


def test_forty_days_of_a_meter_are_judged_in_a_few_milliseconds() -> None:
    amount = compressor(40)

    def once() -> float:
        begun = perf_counter()
        look(amount)
        return perf_counter() - begun

    assert min(once() for _ in range(5)) < 0.1


def fixed(finding: Finding) -> tuple[object, ...]:
    """What later data may not change."""
    return finding.kind, finding.site, finding.meter, finding.since, finding.confirmed


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 2**31), first=st.integers(20, 40), nights=st.integers(1, 20), cut=st.integers(20 * 24, 55 * 24)
)
def test_later_hours_change_no_earlier_verdict(seed: int, first: int, nights: int, cut: int) -> None:
    amount = run_nights(compressor(55, seed, noise=0.1), first, min(54, first + nights))
    rng = np.random.default_rng(seed)
    amount[rng.integers(0, len(amount), 40)] = np.nan
    amount[rng.integers(24 * 22, len(amount), 12)] *= 5
    cut = min(cut, len(amount))
    end = START + cut * HOUR
    whole, prefix = look(amount), look(amount[:cut])
    assert [fixed(f) for f in prefix] == [fixed(f) for f in whole if f.confirmed <= end]
    for early, late in zip(prefix, whole, strict=False):
        if early.until is not None:
            assert early == late


@pytest.fixture(scope="module")
def steel() -> Floats:
    if not STEEL.exists():
        pytest.skip(f"NOT RUN on real data: {STEEL} is absent")
    with STEEL.open(encoding="utf-8", newline="") as file:
        quarters = np.array([float(row["usage_kwh"]) for row in csv.DictReader(file)])
    hours: Floats = quarters.reshape(-1, 4).sum(axis=1)  # the stamps are interval ends: four rows are one hour
    return hours


def test_a_real_steel_works_has_no_false_alarm_in_nine_months(steel: Floats) -> None:
    assert len(steel) == 6552
    assert look(steel) == []


@pytest.mark.parametrize("day", [60, 100, 140, 180, 220])
def test_nights_that_run_on_in_a_real_steel_works_are_found_once(steel: Floats, day: int) -> None:
    amount = steel.copy()
    for night in range(day, day + 10):
        amount[24 * night + 22 : 24 * night + 30] += 100
    [found] = look(amount)
    assert START + day * DAY <= found.since <= START + (day + 2) * DAY
    assert found.until == START + (day + 10) * DAY + 6 * HOUR
