"""Accounts on real stores: whatever the order of arrival, the windows are those of the whole register, exactly."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import insert

from energy.books import registry
from energy.books import tables as t
from energy.figures import read_grid
from energy.reading import Quality
from energy.register import to_amount, to_counts
from energy.registry import Boundary, Meter
from energy.window import QUARTER
from tests.analytics.plant import T0, Windows, plant

METER = Meter("steel-1", "incomer", "总进线", "Incomer")
STEEL = Path(__file__).resolve().parents[3] / "shared" / "data" / "steel" / "steel_2018_jan_sep.csv"


def on_edges(*values: float, first: int = 0) -> dict[int, float]:
    """A value on each window edge from the `first`-th after T0."""
    return {T0 + (first + n) * QUARTER: value for n, value in enumerate(values)}


def amounts(rows: Windows) -> list[float | None]:
    return [rows[time].get("amount") for time in sorted(rows)]


def in_one_go(values: Mapping[int, float]) -> Windows:
    with plant(METER) as made:
        made.land(METER, values)
        made.accounts.step()
        return made.energy(METER)


@st.composite
def arrivals(draw: st.DrawFn) -> list[list[tuple[int, float]]]:
    """Readings of a register that may fall (wrap or reset), shuffled into batches."""
    size = draw(st.integers(2, 14))
    gaps = draw(
        st.lists(st.sampled_from([QUARTER, QUARTER // 2, 7 * QUARTER // 3, 60_000]), min_size=size, max_size=size)
    )
    counts = draw(st.lists(st.integers(0, 99_999), min_size=size, max_size=size))
    if draw(st.booleans()):
        counts.sort()
    times = [T0 + sum(gaps[: n + 1]) for n in range(size)]
    readings = draw(st.permutations([(time, count / 100) for time, count in zip(times, counts, strict=True)]))
    cuts = sorted(draw(st.sets(st.integers(1, size - 1), max_size=4)))
    return [list(readings[a:b]) for a, b in zip([0, *cuts], [*cuts, size], strict=True)]


@settings(max_examples=40, deadline=None)
@given(arrivals())
def test_any_order_of_arrival_gives_the_windows_of_the_whole(batches: list[list[tuple[int, float]]]) -> None:
    small = replace(METER, digits=3)
    whole = dict(reading for batch in batches for reading in batch)
    with plant(small) as made, plant(small) as other:
        for batch in batches:
            made.land(small, dict(batch))
            made.accounts.step()
        other.land(small, whole)
        other.accounts.step()
        assert made.energy(small) == other.energy(small)
        totals = [
            {time: row for time, row in one.energy(small, "site").items() if row["meters"]} for one in (made, other)
        ]
        assert totals[0] == totals[1]


def test_late_data_turns_a_shared_out_gap_into_what_was_used() -> None:
    with plant(METER) as made:
        made.land(METER, on_edges(0, 10) | on_edges(50, 60, first=5))
        made.accounts.step()
        assert amounts(made.energy(METER)) == [10, 10, 10, 10, 10, 10]
        made.land(METER, on_edges(11, 13, 16, first=2))
        made.accounts.step()
        rows = made.energy(METER)
        assert amounts(rows) == [10, 1, 2, 3, 34, 10]
        assert [rows[time]["quality"] for time in sorted(rows)] == [0.0] * 6
        assert made.due() == [("incomer", T0), ("incomer", T0 + QUARTER)]


def test_a_late_reading_that_reveals_a_reset_takes_the_energy_back() -> None:
    with plant(METER) as made:
        made.land(METER, on_edges(100, 110) | on_edges(130, first=3))
        made.accounts.step()
        assert amounts(made.energy(METER)) == [10, 10, 10]
        made.land(METER, on_edges(5, first=2))
        made.accounts.step()
        rows = made.energy(METER)
        known = [time for time in sorted(rows) if rows[time]["quality"] < Quality.MISSING]
        assert [(time, rows[time]["amount"]) for time in known] == [(T0, 10), (T0 + 2 * QUARTER, 125)]


def test_a_wrap_is_counted_on() -> None:
    with plant(replace(METER, digits=4)) as made:
        made.land(METER, on_edges(9990.5, 9999.99, 0.01, 12.5))
        made.accounts.step()
        assert amounts(made.energy(METER)) == [9.49, 0.02, 12.49]


def test_re_registration_computes_every_window_again() -> None:
    with plant(METER) as made:
        made.land(METER, on_edges(0, 10, 30))
        assert made.accounts.step() == 1
        assert made.accounts.step() == 0
        made.register(METER)
        assert made.touched() == 0, "the same again is no change"
        made.register(replace(METER, decimals=1, name_en="Renamed"))
        assert made.touched() == 1
        made.register(replace(METER, decimals=0, multiplier=Decimal("0.5")))
        made.accounts.step()
        assert amounts(made.energy(METER)) == [10, 20]
        assert made.touched() == 0


def test_a_register_that_is_another_now_leaves_no_energy_of_the_old_one() -> None:
    with plant(METER) as made:
        made.land(METER, on_edges(0, 10, 30))
        made.accounts.step()
        steam = replace(METER, register="steam_t")
        made.register(steam)
        made.accounts.step()
        grid = read_grid(made.windows, "steel-1", "incomer", T0, T0 + 2 * QUARTER)
        assert grid.quality.tolist() == [Quality.MISSING] * 2
        made.land(steam, on_edges(1, 2, first=1))
        made.accounts.step()
        assert amounts(made.energy(METER)) == [None, 1]


def test_what_is_touched_of_an_unknown_or_registerless_meter_is_let_go() -> None:
    gauge = replace(METER, id="gauge", register=None)
    with plant(gauge) as made:
        with made.books.begin() as db:
            rows = [{"site": "steel-1", "meter": name, "first": T0, "last": T0} for name in ("gauge", "nobody")]
            db.execute(insert(t.touched), rows)
        made.accounts.step()
        assert (made.touched(), made.due()) == (0, [])


def test_a_touched_meter_without_readings_is_let_go() -> None:
    with plant(METER) as made:
        with made.books.begin() as db:
            registry.touch_all(db, "steel-1", "incomer")
        made.accounts.step()
        assert (made.touched(), made.energy(METER)) == (0, {})


def test_a_sites_total_counts_its_roots_once_and_says_how_many_are_known() -> None:
    second = replace(METER, id="second")
    below = replace(METER, id="furnace", parent="incomer")
    steam = replace(METER, id="steam", register="steam_t")
    with plant(METER, second, below, steam) as made:
        made.land(METER, on_edges(0, 10.1, 20.3))
        made.land(second, on_edges(0, 1.2))
        made.land(below, on_edges(0, 7, 14))
        made.land(steam, on_edges(0, 3, 6))
        made.accounts.step()
        assert made.energy(METER, "site") == {
            T0: {"kwh": 11.3, "meters": 2.0, "expected": 2.0, "quality": 0.0},
            T0 + QUARTER: {"kwh": 10.2, "meters": 1.0, "expected": 2.0, "quality": 2.0},
        }


def test_a_steam_meter_is_in_tonnes_with_its_multiplier() -> None:
    steam = replace(METER, id="steam", register="steam_t", decimals=3, multiplier=Decimal("0.1"))
    with plant(steam) as made:
        made.land(steam, on_edges(1000, 1000.4321, 1001))
        made.accounts.step()
        assert amounts(made.energy(steam)) == [0.4321, 0.5679]
        assert made.energy(steam, "site") == {}


@pytest.mark.parametrize("multiplier", ["123456789.123456789", "0.000000001234567", "7"])
def test_no_multiplier_that_can_be_registered_overflows(multiplier: str) -> None:
    odd = replace(METER, multiplier=Decimal(multiplier))
    counts = [0, 10**6, 5 * 10**9 - 1, 10**10 - 1]
    with plant(odd) as made:
        made.land(odd, on_edges(*(float(to_amount(count, odd.resolution)) for count in counts)))
        made.accounts.step()
        grid = read_grid(made.windows, "steel-1", "incomer", T0, T0 + 3 * QUARTER)
        assert to_counts(grid.amount, odd.resolution).tolist() == [10**6, 5 * 10**9 - 1 - 10**6, 5 * 10**9]


def test_pue_sums_are_there_only_where_every_meter_of_the_boundary_is_known() -> None:
    facility, it, other = replace(METER, id="facility"), replace(METER, id="it"), replace(METER, id="other")
    with plant(facility, it, other, boundary=Boundary(("facility", "other"), ("it",))) as made:
        made.land(facility, on_edges(0, 12, 24, 36, 48))
        made.land(other, on_edges(0, 1, 2, 3, 4))
        made.land(it, on_edges(0, 10) | on_edges(30, first=3))
        made.accounts.step()
        known = {"facility_kwh": 13.0, "it_kwh": 10.0}
        assert made.energy(it, "pue") == {
            T0: {**known, "quality": 0.0},
            T0 + QUARTER: {**known, "quality": 1.0},
            T0 + 2 * QUARTER: {**known, "quality": 1.0},
            T0 + 3 * QUARTER: {"quality": 2.0},
        }


def test_a_boundary_that_names_nobody_leaves_pue_missing() -> None:
    with plant(METER, boundary=Boundary(("incomer",), ("gone",))) as made:
        made.land(METER, on_edges(0, 12, 24))
        made.accounts.step()
        assert made.energy(METER, "pue") == {T0: {"quality": 2.0}, T0 + QUARTER: {"quality": 2.0}}


def test_a_step_that_is_repeated_changes_nothing() -> None:
    with plant(METER) as made:
        values = on_edges(*range(0, 4000, 3))
        made.land(METER, values)
        made.accounts.step()
        before = made.energy(METER)
        made.land(METER, values)
        made.accounts.step()
        assert made.energy(METER) == before == in_one_go(values)


def steel_sums() -> Sequence[Decimal]:
    """The file's kWh of each interval."""
    with STEEL.open(encoding="utf-8") as file:
        return [Decimal(row["usage_kwh"]) for row in csv.DictReader(file)]


@pytest.mark.skipif(not STEEL.exists(), reason="THE STEEL FILE IS ABSENT: nothing is said about its exact sum")
def test_the_steel_files_sum_is_exact_to_the_last_digit() -> None:
    used = steel_sums()
    total, values = Decimal(0), {T0: 0.0}
    for n, amount in enumerate(used):
        total += amount
        values[T0 + (n + 1) * QUARTER] = float(total)
    with plant(METER) as made:
        made.land(METER, values)
        made.accounts.step()
        grid = read_grid(made.windows, "steel-1", "incomer", T0, T0 + len(used) * QUARTER)
        assert len(used) == 26_208
        assert (grid.quality == Quality.MEASURED).all()
        assert grid.amount.tolist() == [float(amount) for amount in used]
        assert to_amount(int(to_counts(grid.amount, METER.resolution).sum()), METER.resolution) == sum(used)
