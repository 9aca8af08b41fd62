"""The steel works' heats, nights and tonnes."""

import numpy as np

from simulators.industries.steel import compressor_2_at_night
from simulators.source import AtLeast
from tests.simulators.industries.conftest import Player

DAYS = 28


def test_a_tonne_takes_about_as_much_in_every_week(play: Player) -> None:
    works = play("steel_works")
    weeks = works.daily("incomer").reshape(4, 7).sum(axis=1) / works.daily("product").reshape(4, 7).sum(axis=1)
    assert 470 < weeks.min() < weeks.max() < 530
    assert 380 < works.ratio("arc-furnace", "product") < 430


def test_the_furnace_and_its_product_stand_still_on_sundays_from_8_to_16(play: Player) -> None:
    works = play("steel_works")
    sundays = works.shifts("product")[6::7]
    assert not sundays[:, 1].any()
    assert (sundays[:, [0, 2]] > 200).all()
    furnace = works.shifts("arc-furnace")[6::7]
    assert (furnace[:, 1] < 0.05 * furnace[:, 0]).all()


def test_a_heat_is_tapped_every_55_minutes(play: Player) -> None:
    works = play("steel_works", "2026-03-03", 1)
    minutes = works.times[0] + np.arange(24 * 60, dtype=np.int64) * 60_000
    tapping = works.sources["product"].flow(minutes) > 0
    begins = np.flatnonzero(tapping[1:] & ~tapping[:-1])
    assert set(np.diff(begins).tolist()) == {55}
    assert tapping[: 55 * 26].sum() == 6 * 26
    assert 33 < works.daily("product")[0] / len(begins) < 39


def test_shifts_differ_and_the_night_makes_a_little_less(play: Player) -> None:
    made = play("steel_works", days=84).shifts("product")[np.arange(84) % 7 < 6]
    assert 0.9 < made[:, 0].mean() / made[:, 1:].mean() < 0.995
    assert made.std(axis=1).mean() > 5


def test_compressor_2_rests_at_night_unless_it_is_made_to_run(play: Player) -> None:
    begin = play("steel_works").times[14 * 96]
    night = compressor_2_at_night(20, int(begin))
    before = play("steel_works").hourly("compressor-2")
    assert (before[[22, 23, 0, 5]] < 4).all()
    assert (before[6:22] > 140).all()
    works = play("steel_works", changes={"compressor-2": lambda source: AtLeast(source, night)})
    nights = works.shifts("compressor-2")[:, 0]
    assert (nights[:14] < 400).all()
    assert (nights[15:] > 1_200).all()
    untouched = play("steel_works")
    assert (works.counts("compressor-2")[: 14 * 96] == untouched.counts("compressor-2")[: 14 * 96]).all()
    gained = works.used("incomer").sum() - untouched.used("incomer").sum()
    assert gained > works.used("compressor-2").sum() - untouched.used("compressor-2").sum() > 10_000
