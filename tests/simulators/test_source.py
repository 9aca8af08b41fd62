"""Curves and registers depend on nothing but seed, meter and time."""

import numpy as np
import pytest

from energy.window import QUARTER, parse_time
from simulators.demo_sites import demo_sites
from simulators.noise import DAY, Floats, Ints, bell, drift, uniform
from simulators.plant_clock import between, hour, weekday
from simulators.source import Driven, Gauge, Load, Register, Rest, Scaled, Total, growing

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


def test_what_drives_another_is_seen_in_it() -> None:
    air = flat(1)
    power = Driven(5, air, lambda flow, _: 10.0 + 0.5 * flow)
    slots = np.arange(40)
    assert (np.abs(power.counts(slots) - (250 + 0.5 * air.counts(slots))) <= 0.5).all()
    times = slots * QUARTER + 7_000
    assert power.flow(times).tolist() == (10.0 + 0.5 * air.flow(times)).tolist()
    leaking = Driven(5, Scaled(air, lambda times: np.full(len(times), 2.0)), power.response)
    assert leaking.counts(slots).sum() == pytest.approx(2 * power.counts(slots).sum() - 250 * 40, abs=40)
    noisy = Driven(5, air, power.response, 0.05)
    assert 0.02 < (noisy.counts(slots) / power.counts(slots)).std() < 0.08
    assert noisy.flow(times) / power.flow(times) == pytest.approx(noisy.counts(slots) / power.counts(slots), rel=0.001)


def test_a_response_is_asked_at_the_start_of_the_slot_and_never_gives_less_than_0() -> None:
    def response(flow: Floats, times: Ints) -> Floats:
        return np.asarray(0 * flow + np.where(times % QUARTER == 0, 4.0, np.nan) - 8.0 * (times == QUARTER))

    late = Driven(5, flat(1), response)
    assert late.counts(np.array([0, 1, 2])).tolist() == [100, 0, 100]
    assert late.flow(np.array([5, QUARTER + 5, 2 * QUARTER + 5])).tolist() == [4.0, 0.0, 4.0]


def test_the_rest_is_never_negative() -> None:
    whole, part = flat(1), Scaled(flat(1), lambda times: np.where(times < 5 * QUARTER, 0.25, 3.0))
    slots = np.arange(10)
    left = Rest(whole, part)
    assert (left.counts(slots)[:5] == whole.counts(slots)[:5] - part.counts(slots)[:5]).all()
    assert left.counts(slots)[:5].min() > 1_500
    assert not left.counts(slots)[5:].any()
    flow = left.flow(slots * QUARTER)
    assert flow[:5] == pytest.approx(0.75 * whole.flow(slots[:5] * QUARTER))
    assert not flow[5:].any()


def test_a_gauge_counts_nothing_and_may_be_negative() -> None:
    cold = Gauge(lambda times: np.asarray(times * -0.5, dtype=np.float64))
    assert cold.counts(np.array([1, 2])).tolist() == [0, 0]
    assert cold.flow(np.array([1, 2])).tolist() == [-0.5, -1.0]


def test_growth_is_nothing_before_and_whole_after() -> None:
    assert growing(1000, 100, 1.5)(np.array([0, 1000, 1050, 1100, 9000])).tolist() == [1.0, 1.0, 1.75, 2.5, 2.5]


def test_the_plant_clock_is_eight_hours_ahead() -> None:
    times = np.array([parse_time("2026-03-01T23:30", "Asia/Shanghai"), parse_time("2026-03-02T06:00", "Asia/Shanghai")])
    assert hour(times).tolist() == [23.5, 6.0]
    assert weekday(times).tolist() == [6, 0]
    assert between(times, 22, 6).tolist() == [True, False]
