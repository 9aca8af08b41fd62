"""PUE of the old and of the new data centre, from counts, over the seasons."""

import numpy as np
import pytest

from simulators.noise import DAY
from simulators.source import Scaled, growing
from tests.simulators.industries.conftest import Player

SEASONS = {"winter": "2026-01-05", "spring": "2026-04-06", "summer": "2026-07-20", "autumn": "2026-10-19"}


@pytest.mark.parametrize("seed", [1, 20])
@pytest.mark.parametrize(
    ("kind", "low", "high"), [("data_centre_small_old", 1.66, 1.75), ("data_centre_new", 1.18, 1.24)]
)
def test_pue_over_a_year(play: Player, kind: str, low: float, high: float, seed: int) -> None:
    assert low < play(kind, "2026-01-01", 365, seed=seed).ratio("facility", "it") < high


@pytest.mark.parametrize(
    ("kind", "season", "low", "high"),
    [
        ("data_centre_small_old", "winter", 1.62, 1.68),
        ("data_centre_small_old", "summer", 1.74, 1.82),
        ("data_centre_new", "winter", 1.10, 1.14),
        ("data_centre_new", "spring", 1.15, 1.26),
        ("data_centre_new", "summer", 1.27, 1.32),
        ("data_centre_new", "autumn", 1.14, 1.26),
    ],
)
def test_pue_of_a_season(play: Player, kind: str, season: str, low: float, high: float) -> None:
    assert low < play(kind, SEASONS[season], 28).ratio("facility", "it") < high


@pytest.mark.parametrize("kind", ["data_centre_small_old", "data_centre_new"])
def test_the_demos_centre_knows_no_seasons_and_these_do(play: Player, kind: str) -> None:
    for name, differs in (("data_centre", False), (kind, True)):
        winter, summer = (play(name, SEASONS[season], 14).ratio("facility", "it") for season in ("winter", "summer"))
        assert (summer - winter > 0.05) == differs
        assert summer - winter > -0.01


def test_cooling_without_compressors_when_it_is_cold(play: Player) -> None:
    centre = play("data_centre_new", "2026-01-01", 365)
    cooling = centre.used("chiller") / (centre.used("ups") + centre.used("crac"))
    assert np.percentile(cooling, 5) < 0.05
    assert np.percentile(cooling, 95) > 0.16
    assert (cooling < 0.05).mean() > 0.2


def test_a_ups_loses_a_larger_share_at_a_low_load(play: Player) -> None:
    half = {"it": lambda source: Scaled(source, lambda times: np.full(len(times), 0.5))}
    for kind in ("data_centre_small_old", "data_centre_new"):
        whole, low = play(kind, days=7), play(kind, days=7, changes=half)
        lost = [(centre.used("ups") - centre.used("it")).sum() / centre.used("it").sum() for centre in (whole, low)]
        assert 0.02 < lost[0] < lost[1] < 0.3
        fixed = {"data_centre_small_old": 11.0, "data_centre_new": 34.0}[kind]
        kw = [4 * (centre.used("ups") - centre.used("it")).mean() - fixed for centre in (whole, low)]
        assert kw[0] / kw[1] == pytest.approx(4, rel=0.05), "the rest grows with the square"
        assert low.used("chiller").sum() < 0.8 * whole.used("chiller").sum()


def test_a_worn_cooling_plant_raises_the_pue(play: Player) -> None:
    calm = play("data_centre_new", SEASONS["summer"])
    worn = {"chiller": lambda source: Scaled(source, growing(int(calm.times[0]), DAY, 0.5))}
    raised = play("data_centre_new", SEASONS["summer"], changes=worn)
    assert raised.ratio("facility", "it") > 1.06 * calm.ratio("facility", "it")


def test_towers_lose_water_with_heat_and_weather(play: Player) -> None:
    winter, summer = (play("data_centre_new", SEASONS[season], 14) for season in ("winter", "summer"))
    assert 0.2 < 1_000 * winter.ratio("water", "it") < 0.7
    assert 1.4 < 1_000 * summer.ratio("water", "it") < 2.2
