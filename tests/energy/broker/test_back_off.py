"""Waits between tries: longer each time, bounded, and drawn."""

import random

from energy.broker.back_off import BackOff


def test_waits_double_to_a_bound_and_lie_in_the_upper_half() -> None:
    back_off = BackOff(random.Random(1), first=0.5, most=8.0)
    waits = [back_off.wait() for _ in range(7)]
    for wait, ceiling in zip(waits, (0.5, 1, 2, 4, 8, 8, 8), strict=True):
        assert ceiling / 2 <= wait <= ceiling
    back_off.reset()
    assert back_off.wait() <= 0.5


def test_what_is_refused_waits_long_and_the_next_failure_longest() -> None:
    back_off = BackOff(random.Random(1), first=0.5, most=8.0)
    assert 30 <= back_off.long_wait(60.0) <= 60
    assert 4 <= back_off.wait() <= 8


def test_a_fleet_spreads() -> None:
    waits = sorted(BackOff(random.Random(n), first=8.0).wait() for n in range(400))
    counts = [sum(begin <= wait < begin + 1 for wait in waits) for begin in (4, 5, 6, 7)]
    assert all(60 < count < 140 for count in counts)
