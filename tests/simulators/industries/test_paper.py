"""The paper mill's felt change, crews and steam."""

import numpy as np

from tests.simulators.industries.conftest import Player


def test_a_tonne_takes_about_as_much_on_every_day_and_less_when_more_is_made(play: Player) -> None:
    mill = play("paper_mill", days=84)
    made = mill.daily("product")
    specific = mill.daily("incomer") / made
    assert 580 < specific.min() < specific.max() < 720
    assert np.corrcoef(made, specific)[0, 1] < -0.4
    assert 1.7 < mill.ratio("steam", "product") < 2.0


def test_felts_are_changed_on_wednesdays(play: Player) -> None:
    mill = play("paper_mill")
    hours = mill.used("paper-machine").reshape(28, 24, 4).sum(axis=2)
    wednesdays = hours[2::7]
    assert (wednesdays[:, 8:12] < 0.5 * wednesdays[:, :8].min()).all()
    many = play("paper_mill", days=84)
    paper = many.used("product").reshape(-1, 96) / many.used("paper-machine").reshape(-1, 96)
    assert paper[2::7, 32:48].mean() < 0.975 * paper[:, 48:].mean(), "a slow machine gives less for its electricity"
    others = np.delete(hours, np.arange(2, 28, 7), axis=0)
    assert others.min() > 0.85 * others.max()


def test_stock_is_made_by_day(play: Player) -> None:
    mill = play("paper_mill")
    unmetered = mill.hourly("incomer") - mill.hourly("paper-machine") - mill.hourly("pumps")
    assert unmetered[7:21].min() > 1.2 * unmetered[23]


def test_crews_differ(play: Player) -> None:
    shifts = play("paper_mill").shifts("product")
    assert 0.01 < (shifts.std(axis=1) / shifts.mean(axis=1)).mean() < 0.1
