"""Windows read as arrays: what is not stored is missing, and a sum is known only where all of it is."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from energy.figures import Grid, boundary_grid, read_grid, roots, sum_amounts
from energy.reading import Quality
from energy.registry import Boundary, Meter
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from energy.window import QUARTER

T0 = 1_795_306_500_000
NAN = float("nan")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    made = SqliteStore(tmp_path / "accounts.db")
    yield made
    made.close()


def grid(*amounts: float, quality: int = 0) -> Grid:
    known = np.array(amounts)
    return Grid(T0, known, np.where(np.isnan(known), 2, quality).astype(np.int8))


def test_what_is_not_stored_or_missing_has_no_amount(store: SqliteStore) -> None:
    series = Series("energy", "s", "m")
    rows = {0: {"amount": 1.5, "quality": 0.0}, 2: {"amount": 2.5, "quality": 1.0}, 3: {"quality": 2.0},
            4: {"amount": 9.0, "quality": 2.0}, 6: {"amount": 7.0, "quality": 0.0}}  # fmt: skip
    store.write([Point(series, T0 + n * QUARTER, fields) for n, fields in rows.items()])
    found = read_grid(store, "s", "m", T0, T0 + 6 * QUARTER)
    np.testing.assert_array_equal(found.amount, [1.5, NAN, 2.5, NAN, NAN, NAN])
    assert found.quality.tolist() == [0, 2, 1, 2, 2, 2]
    assert found.starts.tolist() == [T0 + n * QUARTER for n in range(6)]


def test_an_unknown_meter_and_an_empty_range_are_grids_too(store: SqliteStore) -> None:
    found = read_grid(store, "s", "nobody", T0, T0 + 3 * QUARTER)
    assert np.isnan(found.amount).all()
    assert found.quality.tolist() == [Quality.MISSING] * 3
    assert len(read_grid(store, "s", "m", T0, T0).amount) == 0


def test_a_sum_is_known_where_every_part_is() -> None:
    np.testing.assert_array_equal(sum_amounts([grid(0.1, 1.0, NAN), grid(0.2, NAN, NAN)], 3), [0.3, NAN, NAN])
    assert np.isnan(sum_amounts([], 2)).all()


def test_a_boundary_is_known_where_every_meter_is_and_estimated_where_any_is() -> None:
    boundary = Boundary(("a", "b"), ("c",))
    grids = {"a": grid(10, 10, NAN, 10), "b": grid(1, 1, 1, 1, quality=1), "c": grid(8, NAN, 8, 8)}
    found = boundary_grid(grids, boundary, T0, 4)
    np.testing.assert_array_equal(found.facility, [11, NAN, NAN, 11])
    np.testing.assert_array_equal(found.it, [8, NAN, NAN, 8])
    assert found.estimated.tolist() == [True, False, False, True]


def test_a_boundarys_meter_that_is_not_there_leaves_nothing_known() -> None:
    found = boundary_grid({"a": grid(10, 10)}, Boundary(("a",), ("gone",)), T0, 2)
    assert np.isnan(found.facility).all()
    assert np.isnan(found.it).all()
    assert not found.estimated.any()


def test_roots_are_a_sites_electricity_meters_without_a_parent() -> None:
    one = Meter("s", "incomer", "", "")
    others = [
        replace(one, id="furnace", parent="incomer"), replace(one, id="steam", register="steam_t"),
        replace(one, id="gauges", register=None), replace(one, site="other"), replace(one, id="second"),
    ]  # fmt: skip
    found = roots({(meter.site, meter.id): meter for meter in [one, *others]}, "s")
    assert [meter.id for meter in found] == ["incomer", "second"]
