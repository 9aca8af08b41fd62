"""What every store must keep to: one battery on SQLite and on a real InfluxDB."""

import math
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from energy.errors import InputError
from energy.store.influx import InfluxStore
from energy.store.port import Point, Series, Store
from energy.store.sqlite import SqliteStore
from tests import neighbours
from tests.neighbours import ORG

Opener = Callable[[], Store]

NOW = 1_795_306_500_000
Q = 900_000
M1, M2, SITE = Series("meter", "steel-1", "m-1"), Series("meter", "steel-1", "m-2"), Series("site", "steel-1")


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.needs("influxdb"))])
def opener(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Opener]:
    """Opens the same, at first empty, store again and again."""
    opened: list[Store] = []

    def keep(store: Store) -> Store:
        opened.append(store)
        return store

    if request.param == "sqlite":
        yield lambda: keep(SqliteStore(tmp_path / "readings.sqlite"))
    else:
        url, token = request.getfixturevalue("influx")
        bucket = f"contract-{uuid.uuid4().hex}"
        yield lambda: keep(InfluxStore(url, token, ORG, bucket))
        neighbours.drop_bucket(url, token, bucket)
    for store in opened:
        store.close()


@pytest.fixture
def store(opener: Opener) -> Store:
    return opener()


def point(time: int, series: Series = M1, **fields: float) -> Point:
    return Point(series, time, fields)


def test_what_was_written_is_there_for_whoever_opens_next(opener: Opener) -> None:
    first = opener()
    first.write([point(NOW, p_kw=411.5, e_kwh=10233.25)])
    second = opener()
    assert second.at([(M1, NOW)]) == {(M1, NOW): {"p_kw": 411.5, "e_kwh": 10233.25}}
    first.close()
    assert first.at([(M1, NOW)]) == {(M1, NOW): {"p_kw": 411.5, "e_kwh": 10233.25}}


def test_an_empty_store_answers_nothing(store: Store) -> None:
    frame = store.read(M1, ["p_kw"], 0, NOW)
    assert len(frame) == 0
    assert frame.values["p_kw"].shape == (0,)
    assert store.at([(M1, NOW)]) == {}
    assert store.at([]) == {}
    assert store.before(M1, "p_kw", NOW) is None
    assert store.after(M1, "p_kw", NOW) is None
    assert store.latest("meter", 0) == []
    store.write([])
    store.write([Point(M1, NOW, {})])
    assert store.latest("meter", 0) == []


def test_the_later_value_stands_and_other_fields_stay(store: Store) -> None:
    store.write([point(NOW, p_kw=1.0, e_kwh=5.0)])
    store.write([point(NOW, p_kw=1.0, e_kwh=5.0)])
    store.write([point(NOW, p_kw=2.0), point(NOW, p_kw=3.0, pf=0.9)])
    frame = store.read(M1, ["p_kw", "e_kwh", "pf"], NOW, NOW + 1)
    assert frame.times.tolist() == [NOW]
    assert {field: column.tolist() for field, column in frame.values.items()} == {
        "p_kw": [3.0],
        "e_kwh": [5.0],
        "pf": [0.9],
    }


def test_a_read_takes_its_start_and_leaves_its_end(store: Store) -> None:
    store.write([point(NOW + step, p_kw=float(step)) for step in (3, 1, 0, 2)])
    frame = store.read(M1, ["p_kw"], NOW + 1, NOW + 3)
    assert frame.times.dtype == np.int64
    assert frame.times.tolist() == [NOW + 1, NOW + 2]
    assert frame.values["p_kw"].dtype == np.float64
    assert frame.values["p_kw"].tolist() == [1.0, 2.0]
    assert len(store.read(M1, ["p_kw"], NOW, NOW)) == 0
    assert len(store.read(M1, ["p_kw"], NOW + 3, NOW)) == 0


def test_a_field_that_is_silent_is_nan_and_never_zero(store: Store) -> None:
    store.write([point(NOW, p_kw=1.0), point(NOW + Q, e_kwh=0.0), point(NOW + 2 * Q, pf=0.5)])
    frame = store.read(M1, ["e_kwh", "p_kw", "u_v"], NOW, NOW + 3 * Q)
    assert frame.times.tolist() == [NOW, NOW + Q]
    np.testing.assert_array_equal(frame.values["p_kw"], [1.0, np.nan])
    np.testing.assert_array_equal(frame.values["e_kwh"], [np.nan, 0.0])
    np.testing.assert_array_equal(frame.values["u_v"], [np.nan, np.nan])


def test_series_are_kept_apart(store: Store) -> None:
    far = Series("meter", "paper-1", "m-1")
    store.write([point(NOW, M1, kwh=1.0), point(NOW, M2, kwh=2.0), point(NOW, SITE, kwh=3.0), point(NOW, far, kwh=4.0)])
    store.write([point(NOW, Series("meter", "steel-1"), kwh=5.0)])
    for series, expected in ((M1, 1.0), (M2, 2.0), (SITE, 3.0), (far, 4.0), (Series("meter", "steel-1"), 5.0)):
        assert store.read(series, ["kwh"], 0, NOW + 1).values["kwh"].tolist() == [expected]
        assert store.at([(series, NOW)]) == {(series, NOW): {"kwh": expected}}
    assert len(store.read(Series("site", "paper-1"), ["kwh"], 0, NOW + 1)) == 0


def test_before_and_after_are_strict_and_of_one_field(store: Store) -> None:
    store.write([point(NOW, p_kw=1.0), point(NOW + 10, p_kw=1.0), point(NOW + 5, e_kwh=1.0)])
    assert store.before(M1, "p_kw", NOW + 10) == NOW
    assert store.before(M1, "p_kw", NOW + 11) == NOW + 10
    assert store.before(M1, "p_kw", NOW) is None
    assert store.after(M1, "p_kw", NOW) == NOW + 10
    assert store.after(M1, "p_kw", NOW - 1) == NOW
    assert store.after(M1, "p_kw", NOW + 10) is None
    assert store.after(M1, "e_kwh", 0) == NOW + 5
    assert store.before(M2, "p_kw", NOW + 10) is None


def test_at_answers_exactly_the_keys_that_exist(store: Store) -> None:
    store.write([point(NOW + step * Q, p_kw=float(step)) for step in range(50)])
    store.write([point(NOW + Q, M2, e_kwh=7.0), point(NOW + Q, SITE, kwh=8.0)])
    keys = [(M1, NOW), (M1, NOW + 40 * Q), (M1, NOW + 1), (M2, NOW), (M2, NOW + Q), (SITE, NOW + Q), (M1, NOW)]
    assert store.at(keys) == {
        (M1, NOW): {"p_kw": 0.0},
        (M1, NOW + 40 * Q): {"p_kw": 40.0},
        (M2, NOW + Q): {"e_kwh": 7.0},
        (SITE, NOW + Q): {"kwh": 8.0},
    }


def test_latest_has_the_newest_value_of_every_field(store: Store) -> None:
    store.write([point(NOW, p_kw=1.0, e_kwh=5.0), point(NOW + Q, p_kw=2.0), point(NOW - Q, p_kw=9.0, pf=0.5)])
    store.write([point(NOW - 2 * Q, M2, p_kw=3.0), point(NOW, SITE, kwh=4.0)])
    assert store.latest("meter", NOW) == [Point(M1, NOW + Q, {"p_kw": 2.0, "e_kwh": 5.0})]
    assert store.latest("meter", NOW - 2 * Q) == [
        Point(M1, NOW + Q, {"p_kw": 2.0, "e_kwh": 5.0, "pf": 0.5}),
        Point(M2, NOW - 2 * Q, {"p_kw": 3.0}),
    ]
    assert store.latest("site", NOW) == [Point(SITE, NOW, {"kwh": 4.0})]
    assert store.latest("meter", NOW + 2 * Q) == []


@pytest.mark.parametrize(
    "name", ["一号炼钢厂", "a b", "a,b", "a=b", "it's", 'say "so"', "(x|y).*", "a/b", "ü-µ", "last_m", "-- ; DROP"]
)
def test_names_of_every_kind(store: Store, name: str) -> None:
    series = Series("meter", name, name + ",= 表")
    store.write([point(NOW, series, **{"p kw,=µ": 1.5}), point(NOW, M1, p_kw=2.0)])
    assert store.read(series, ["p kw,=µ"], NOW, NOW + 1).values["p kw,=µ"].tolist() == [1.5]
    assert store.at([(series, NOW)]) == {(series, NOW): {"p kw,=µ": 1.5}}
    assert Point(series, NOW, {"p kw,=µ": 1.5}) in store.latest("meter", NOW)
    assert store.before(series, "p kw,=µ", NOW + 1) == NOW


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
def test_a_value_that_is_not_finite_is_refused_and_nothing_written(store: Store, bad: float) -> None:
    with pytest.raises(InputError) as caught:
        store.write([point(NOW, p_kw=1.0), point(NOW + Q, p_kw=2.0, e_kwh=bad)])
    assert caught.value.reason == "not_finite"
    assert len(store.read(M1, ["p_kw"], 0, NOW + Q + 1)) == 0


def test_values_come_back_bit_for_bit(store: Store) -> None:
    values = [2.0**53, 2.0**53 - 1, -(2.0**53), 0.1, 1 / 3, 317.76, 1e13, 5e-324, 1.7976931348623157e308, 0.0, 3]
    store.write([point(NOW + place, e_kwh=value) for place, value in enumerate(values)])
    assert store.read(M1, ["e_kwh"], NOW, NOW + len(values)).values["e_kwh"].tolist() == values
    assert store.at([(M1, NOW)]) == {(M1, NOW): {"e_kwh": 9007199254740992.0}}


def test_whole_numbers_and_numpy_numbers_do_not_change_a_fields_type(store: Store) -> None:
    store.write([point(NOW, p_kw=1)])
    store.write([point(NOW + 1, p_kw=1.5), point(NOW + 2, p_kw=np.float64(2.5))])
    store.write([point(NOW + 3, p_kw=4)])
    assert store.read(M1, ["p_kw"], NOW, NOW + 4).values["p_kw"].tolist() == [1.0, 1.5, 2.5, 4.0]


def test_times_are_whole_milliseconds_from_the_seventies_to_the_future(store: Store) -> None:
    times = [1, 999, 1_000_000_000_001, NOW + 7, 4_102_444_800_123]
    store.write([point(time, p_kw=1.0) for time in reversed(times)])
    assert store.read(M1, ["p_kw"], 0, 2**62).times.tolist() == times
    assert store.after(M1, "p_kw", NOW + 7) == times[-1]
    assert store.before(M1, "p_kw", 2**62) == times[-1]
    assert store.latest("meter", 0)[0].time == times[-1]


def test_ten_thousand_series(store: Store) -> None:
    every = [Series("meter", f"site-{place % 7}", f"m-{place:05d}") for place in range(10_000)]
    points = [point(NOW + place % 9, series, p_kw=place, e_kwh=place / 2) for place, series in enumerate(every)]
    store.write(points)
    latest = store.latest("meter", NOW)
    assert latest == sorted(points)
    assert store.at([(each.series, each.time) for each in points[::7]]) == {
        (each.series, each.time): each.fields for each in points[::7]
    }


def test_more_rows_than_any_request_or_block_holds(store: Store) -> None:
    count = 26_208
    store.write([point(NOW + step * Q, e_kwh=float(step), quality=float(step % 2)) for step in range(count)])
    frame = store.read(M1, ["quality", "e_kwh"], NOW, NOW + count * Q)
    np.testing.assert_array_equal(frame.times, NOW + Q * np.arange(count))
    np.testing.assert_array_equal(frame.values["e_kwh"], np.arange(count))
    np.testing.assert_array_equal(frame.values["quality"], np.arange(count) % 2)
    keys = [(M1, NOW + step * Q) for step in range(0, count, 5)]
    assert len(store.at(keys)) == len(keys)
