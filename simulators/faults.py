"""What goes wrong in a plant, as a function of time."""

from dataclasses import dataclass

import numpy as np

from simulators.noise import Floats, Ints


@dataclass(frozen=True, slots=True)
class Degradation:
    """Efficiency lost slowly: the load grows to 1 + `growth` times within `length` ms from `begin` (ms UTC)."""

    begin: int
    length: int
    growth: float

    def factor(self, times: Ints) -> Floats:
        """What the healthy load is multiplied by, `times` ms UTC [n] → [n]."""
        x = np.clip((times - self.begin) / self.length, 0.0, 1.0)
        return np.asarray(1 + self.growth * x * x * (3 - 2 * x), dtype=np.float64)
