"""The petrochemical works runs without a stop and is better at high load."""

import numpy as np

from tests.simulators.industries.conftest import Player


def test_it_never_stops(play: Player) -> None:
    works = play("petrochemical_works")
    for meter in ("incomer", "steam", "gas", "product"):
        assert works.counts(meter).min() > 0.7 * works.counts(meter).max()


def test_a_tonne_takes_less_at_high_load(play: Player) -> None:
    works = play("petrochemical_works", days=84)
    made = works.daily("product")
    for meter, low, high in (("incomer", 195, 260), ("steam", 0.9, 1.3), ("gas", 88, 105)):
        specific = works.daily(meter) / made
        assert low < specific.min() < specific.max() < high
        assert np.corrcoef(made, specific)[0, 1] < -0.5


def test_cooling_follows_the_weather(play: Player) -> None:
    winter, summer = (play("petrochemical_works", start, 14) for start in ("2026-01-05", "2026-07-20"))
    assert summer.daily("cooling-water").mean() > 1.2 * winter.daily("cooling-water").mean()
    assert summer.ratio("water", "product") > 1.2 * winter.ratio("water", "product")
