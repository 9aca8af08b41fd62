"""New, duplicate or in conflict: against a real store, and against the simplest model."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from energy.reading import Quality
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from ingest.sift import Clash, Sieve, Verdict

T = 1_795_306_500_000
M1 = Series("meter", "s", "m-1")


@pytest.fixture
def store(tmp_path: Path) -> Iterator[SqliteStore]:
    one = SqliteStore(tmp_path / "readings.db")
    yield one
    one.close()


def one(
    time: int = T, quality: Quality = Quality.MEASURED, meter: str = "m-1", site: str = "s", **values: float
) -> Point:
    return Point(Series("meter", site, meter), time, {**values, "quality": float(quality)})


def write(store: SqliteStore, points: list[Point], verdicts: list[Verdict]) -> None:
    store.write([
        Point(point.series, point.time, verdict.new)
        for point, verdict in zip(points, verdicts, strict=True)
        if verdict.new
    ])  # fmt: skip


def test_new_values_carry_their_quality(store: SqliteStore) -> None:
    readings = [one(p_kw=1.0, e_kwh=2.0), one(T + 1, Quality.ESTIMATED, p_kw=1.0)]
    assert Sieve(store).sift(readings) == [
        Verdict({"p_kw": 1.0, "e_kwh": 2.0, "quality": 0.0}, 0, ()),
        Verdict({"p_kw": 1.0, "quality": 1.0}, 0, ()),
    ]


@pytest.mark.parametrize("again", ["same batch", "next batch", "new process"])
def test_the_same_again_is_a_duplicate_and_another_value_a_conflict(store: SqliteStore, again: str) -> None:
    sieve = Sieve(store)
    first, second = one(p_kw=1.0, e_kwh=2.0), one(p_kw=1.0, e_kwh=3.0, pf=0.5)
    if again == "same batch":
        verdicts = sieve.sift([first, second])
    else:
        verdicts = sieve.sift([first])
        write(store, [first], verdicts)
        verdicts += (sieve if again == "next batch" else Sieve(store)).sift([second])
    assert verdicts[1] == Verdict({"pf": 0.5}, 1, (Clash("e_kwh", 2.0, 3.0),))


def test_a_late_quantity_keeps_the_first_quality(store: SqliteStore) -> None:
    first = [one(quality=Quality.ESTIMATED, p_kw=1.0)]
    write(store, first, Sieve(store).sift(first))
    assert Sieve(store).sift([one(pf=0.5)])[0].new == {"pf": 0.5}


def test_what_came_before_in_the_batch_counts_as_stored(store: SqliteStore) -> None:
    batch = [one(p_kw=1.0), one(T + 1, p_kw=2.0)]
    verdicts = Sieve(store).sift([one(p_kw=1.0), one(p_kw=3.0, pf=0.5)], batch)
    assert verdicts == [Verdict({}, 1, ()), Verdict({"pf": 0.5}, 0, (Clash("p_kw", 1.0, 3.0),))]


def test_the_newest_time_is_learned_from_the_store(store: SqliteStore) -> None:
    assert Sieve(store).learn(M1) == -1
    write(
        store,
        [one(), one(T + 5, p_kw=1.0)],
        [Verdict({"quality": 0.0}, 0, ()), Verdict({"p_kw": 1.0, "quality": 0.0}, 0, ())],
    )
    assert Sieve(store).learn(M1) == T + 5


def test_a_batch_that_was_sifted_and_never_written_is_new_again(store: SqliteStore) -> None:
    sieve = Sieve(store)
    assert sieve.sift([one(p_kw=1.0)]) == sieve.sift([one(p_kw=1.0)])


def test_meters_and_sites_are_apart(store: SqliteStore) -> None:
    readings = [one(p_kw=1.0), one(meter="m-2", p_kw=2.0), one(site="other", p_kw=3.0)]
    assert [len(verdict.clashes) for verdict in Sieve(store).sift(readings)] == [0, 0, 0]


def test_zero_of_either_sign_is_one_value(store: SqliteStore) -> None:
    assert Sieve(store).sift([one(p_kw=0.0), one(p_kw=-0.0)])[1].duplicates == 1


batches = st.lists(
    st.lists(
        st.tuples(
            st.sampled_from(["m-1", "m-2"]),
            st.integers(T, T + 3),
            st.dictionaries(st.sampled_from(["p_kw", "e_kwh", "pf"]), st.sampled_from([0.0, 0.5, 1.0]), min_size=1),
        ),
        max_size=6,
    ),
    max_size=5,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None, max_examples=40)
@given(batches, st.sets(st.integers(0, 5)))
def test_the_first_value_stands(
    tmp_path_factory: pytest.TempPathFactory, some: list[list[tuple[str, int, dict[str, float]]]], restarts: set[int]
) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("sift") / "readings.db")
    sieve, model = Sieve(store), dict[tuple[str, int, str], float]()
    for number, batch in enumerate(some):
        if number in restarts:
            sieve = Sieve(store)
        readings = [Point(Series("meter", "s", m), time, {**values, "quality": 0.0}) for m, time, values in batch]
        verdicts = sieve.sift(readings)
        write(store, readings, verdicts)
        for (meter, time, values), verdict in zip(batch, verdicts, strict=True):
            before = {key: model.get((meter, time, key)) for key in values}
            assert verdict.new.keys() - {"quality"} == {key for key in values if before[key] is None}
            assert {c.quantity for c in verdict.clashes} == {k for k in values if before[k] not in (None, values[k])}
            assert verdict.duplicates == sum(before[key] == values[key] for key in values)
            for key, value in values.items():
                model.setdefault((meter, time, key), value)
    for (meter, time, key), value in model.items():
        series = Series("meter", "s", meter)
        assert store.at([(series, time)])[series, time][key] == value
    store.close()
