"""The cement works' mills rest while electricity is dear; its waste heat is taken off what it buys."""

import numpy as np

from simulators.source import Scaled
from tests.simulators.industries.conftest import Player


def test_mills_stand_still_at_the_peak_and_the_kiln_never(play: Player) -> None:
    works = play("cement_works")
    raw, mill, kiln = (works.hourly(name) for name in ("raw-mill", "cement-mill", "kiln"))
    assert (raw[17:21] < 0.02 * raw[:17].min()).all()
    assert (mill[[8, 9, 10, 17, 18, 19, 20]] < 0.02 * mill[12]).all()
    assert kiln.min() > 0.97 * kiln.max()
    product = works.hourly("product")
    assert (product[[8, 10, 17, 20]] == 0).all()
    assert product[12] > 300


def test_a_tonne_of_cement_takes_about_as_much_on_every_day(play: Player) -> None:
    works = play("cement_works", days=84)
    used = works.daily("incomer") + works.daily("waste-heat")
    specific = used / works.daily("product")
    assert 75 < specific.min() < specific.max() < 88
    assert np.corrcoef(works.daily("product"), specific)[0, 1] < -0.4
    assert 0.09 < works.ratio("coal", "product") < 0.12


def test_what_is_bought_is_what_is_used_less_waste_heat_and_never_negative(play: Player) -> None:
    calm = play("cement_works")
    twice = {"waste-heat": lambda source: Scaled(source, lambda times: np.full(len(times), 2.0))}
    more = play("cement_works", changes=twice)
    bought, less = calm.counts("incomer"), more.counts("incomer")
    assert (less == np.maximum(bought - calm.counts("waste-heat"), 0)).all()
    assert (less == 0).any()
    assert (less >= 0).all()


def test_waste_heat_gives_less_in_summer(play: Player) -> None:
    winter, summer = (
        play("cement_works", start, 14).ratio("waste-heat", "kiln") for start in ("2026-01-05", "2026-07-20")
    )
    assert summer < 0.96 * winter
