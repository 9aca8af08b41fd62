"""Curves and registers depend on nothing but seed, meter and time."""

import numpy as np
import pytest

from energy.window import QUARTER, parse_time
from simulators.demo_sites import demo_sites
from simulators.noise import DAY, bell, drift, uniform
from simulators.plant_clock import between, hour, weekday
from simulators.source import Load, Register, Total, growing

ANCHOR = parse_time("2026-03-02T10:07:11", "Asia/Shanghai")


def flat(key: int = 1, noise: float = 0.02) -> Load:
    return Load(key, lambda times: np.full(len(times), 100.0), noise)


def test_noise_has_its_moments_and_its_bounds() -> None:
    index = np.arange(200_000)
    assert abs(uniform(7, index).mean() - 0.5) < 0.005
    values = bell(7, index)
    assert abs(values.mean()) < 0.01
    assert abs(values.std() - 1) < 0.01
    assert np.abs(values).max() < 3.47
    assert abs(np.corrcoef(bell(7, index), bell(8, index))[0, 1]) < 0.01


def test_drift_is_continuous_over_midnight() -> None:
    midnight = 20_000 * DAY
    before, after = drift(3, np.array([midnight - 1, midnight]))
    assert abs(before - after) < 1e-6


def test_every_meter_gives_the_same_at_any_time_in_any_order() -> None:
    one, other = demo_sites(20, ANCHOR), demo_sites(20, ANCHOR)
    for a, b in zip(one, other, strict=True):
        times = a.epoch + np.arange(0, 35 * DAY, 7_777_777, dtype=np.int64)
        for left, right in zip(a.feeds, b.feeds, strict=True):
            backwards = [int(right.register.at(np.array([t]))[0]) for t in times[::-1]]
            assert left.register.at(times).tolist() == backwards[::-1]


def test_a_register_never_falls_and_is_the_sum_of_its_slots() -> None:
    for site in demo_sites(20, ANCHOR):
        for feed in site.feeds:
            times = site.epoch + np.arange(0, DAY, 5_000, dtype=np.int64)
            counts = feed.register.at(times)
            assert (np.diff(counts) >= 0).all()
            slots = np.arange(site.epoch // QUARTER, (site.epoch + DAY) // QUARTER)
            gained = feed.register.at(np.array([site.epoch + DAY]))[0] - counts[0]
            assert gained == feed.source.counts(slots).sum()


def test_a_register_wraps_at_its_modulus() -> None:
    register = Register(flat(), 0, 9_990, 10_000)
    assert register.at(np.array([0])).tolist() == [9_990]
    assert 2_400 < register.at(np.array([QUARTER]))[0] < 2_600


def test_flow_and_energy_agree() -> None:
    times = np.arange(0, 4 * DAY, 5_000, dtype=np.int64)
    for site in demo_sites(20, ANCHOR):
        for feed in site.feeds:
            energy = feed.source.counts(np.arange(times[0] // QUARTER, times[-1] // QUARTER + 1)).sum() / 100
            assert feed.source.flow(times).mean() * 96 == pytest.approx(energy, rel=0.005)


def test_total_is_its_parts_and_what_is_lost() -> None:
    parts = (flat(1), flat(2))
    slots = np.arange(10)
    below = parts[0].counts(slots) + parts[1].counts(slots)
    assert Total(parts, 0.0).counts(slots).tolist() == below.tolist()
    assert (Total(parts, 0.1).counts(slots) - np.ceil(below * 0.1)).tolist() == below.tolist()


def test_growth_is_nothing_before_and_whole_after() -> None:
    assert growing(1000, 100, 1.5)(np.array([0, 1000, 1050, 1100, 9000])).tolist() == [1.0, 1.0, 1.75, 2.5, 2.5]


def test_the_plant_clock_is_eight_hours_ahead() -> None:
    times = np.array([parse_time("2026-03-01T23:30", "Asia/Shanghai"), parse_time("2026-03-02T06:00", "Asia/Shanghai")])
    assert hour(times).tolist() == [23.5, 6.0]
    assert weekday(times).tolist() == [6, 0]
    assert between(times, 22, 6).tolist() == [True, False]
