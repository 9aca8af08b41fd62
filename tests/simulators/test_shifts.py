"""Shifts begin at 0, 8 and 16 of plant time, and have a crew each."""

import numpy as np

from energy.window import parse_time
from simulators.noise import DAY, Ints
from simulators.shifts import SHIFT, crew, shift_of

DAYBREAK = parse_time("2026-03-02", "Asia/Shanghai")


def test_a_day_has_three_shifts() -> None:
    times: Ints = DAYBREAK + np.array([-1, 0, SHIFT - 1, SHIFT, 2 * SHIFT, DAY - 1, DAY])
    assert (shift_of(times) - shift_of(times[1:2])[0]).tolist() == [-1, 0, 0, 1, 2, 2, 3]
    assert shift_of(times[1:2])[0] % 3 == 0


def test_a_crew_makes_the_same_all_shift_long_and_the_night_less() -> None:
    times = DAYBREAK + np.arange(0, 300 * DAY, SHIFT // 4, dtype=np.int64)
    made = crew(9, times, 0.04).reshape(-1, 3, 4)
    assert (made == made[:, :, :1]).all()
    assert abs(made[:, 1:].mean() - 1) < 0.01
    assert abs(made[:, 0].mean() - 0.96) < 0.01
    assert 0.03 < made[:, 1, 0].std() < 0.05
