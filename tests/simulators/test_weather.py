"""The weather is plausible for eastern China, and its physics hold."""

import numpy as np

from energy.window import QUARTER, parse_time
from simulators.noise import DAY, Floats, Ints
from simulators.plant_clock import hour
from simulators.weather import Weather

START = parse_time("2026-01-01", "Asia/Shanghai")
YEAR: Ints = START + np.arange(365 * 96, dtype=np.int64) * QUARTER
HERE = Weather(5)


def monthly(values: Floats) -> Floats:
    return np.asarray(values[: 360 * 96].reshape(12, -1).mean(axis=1))


def test_the_year_is_cold_in_january_and_hot_in_july() -> None:
    air = HERE.dry_bulb(YEAR)
    months = monthly(air)
    assert 15.5 < air.mean() < 17.5
    assert 2 < months[0] < 7
    assert 26 < months[6] < 31
    assert -12 < air.min() < air.max() < 42
    assert 14 <= air.reshape(365, 96).mean(axis=0).argmax() / 4 <= 16


def test_the_wet_bulb_is_below_the_dry_bulb() -> None:
    depression = HERE.dry_bulb(YEAR) - HERE.wet_bulb(YEAR)
    assert depression.min() > 0
    assert 1.5 < depression.mean() < 5


def test_the_wet_bulb_is_that_of_the_source_for_its_example() -> None:
    class Room(Weather):
        def dry_bulb(self, times: Ints) -> Floats:
            return np.full(len(times), 20.0)

        def humidity(self, times: Ints) -> Floats:
            return np.full(len(times), 0.5)

    assert np.round(Room(1).wet_bulb(YEAR[:1]), 1).tolist() == [13.7]


def test_clouds_cover_all_or_nothing_and_dim_the_sun() -> None:
    cover, sun = HERE.cloud(YEAR), HERE.irradiance(YEAR)
    assert (cover.min(), cover.max()) == (0.0, 1.0)
    noon = (hour(YEAR) >= 11) & (hour(YEAR) < 13)
    assert sun[noon & (cover > 0.98)].mean() < 0.4 * sun[noon & (cover < 0.3)].mean()


def test_the_sun_is_up_by_day_only_and_highest_near_noon() -> None:
    sun = HERE.irradiance(YEAR)
    assert not sun[(hour(YEAR) < 4.5) | (hour(YEAR) >= 19.5)].any()
    assert 900 < sun.max() < 1_100
    assert 1_200 < sun.sum() / 4_000 < 1_600  # kWh/m2 in the year
    clear = Weather(5)
    june, december = (
        parse_time(day, "Asia/Shanghai") + np.arange(96) * QUARTER for day in ("2026-06-21", "2026-12-21")
    )
    assert (clear.irradiance(june) > 0).sum() - (clear.irradiance(december) > 0).sum() >= 12


def test_the_gauge_shows_the_dry_bulb_and_counts_nothing() -> None:
    gauge = HERE.gauge()
    assert (gauge.flow(YEAR[:96]) == HERE.dry_bulb(YEAR[:96])).all()
    assert gauge.counts(YEAR[:96] // QUARTER).tolist() == [0] * 96
    assert gauge.flow(YEAR).min() < 0


def test_the_weather_does_not_jump_and_differs_from_place_to_place() -> None:
    for shape in (HERE.dry_bulb, HERE.wet_bulb, HERE.cloud):
        near = START + np.arange(0, 3 * DAY, 60_000, dtype=np.int64)
        assert np.abs(np.diff(shape(near))).max() < 0.1
    assert np.abs(HERE.dry_bulb(YEAR) - Weather(6).dry_bulb(YEAR)).mean() > 1
