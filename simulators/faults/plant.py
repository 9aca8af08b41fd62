"""What goes wrong in the plant: the load itself changes, and every meter above sees it."""

import numpy as np

from simulators.faults.fault import MeterFault, Span
from simulators.noise import Floats, Ints, key_of
from simulators.plant_clock import between
from simulators.source import AtLeast, Change, Load, Scaled, Shape, Total, growing


class PlantFault(MeterFault, frozen=True, kw_only=True):
    """A fault that changes what one meter's load really is."""

    def change(self, span: Span, seed: int) -> Change:
        """The load as it becomes."""
        raise NotImplementedError


class NightLoad(PlantFault, frozen=True, kw_only=True, tag="night_load"):
    """Something is left running from 22:00 to 06:00: the load does not fall below `level` then (kW, t/h, m3/h)."""

    level: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.level > 0 else "level must be above 0"

    def change(self, span: Span, seed: int) -> Change:
        """See `PlantFault.change`."""

        def left_on(times: Ints) -> Floats:
            return np.where(span.holds(times) & between(times, 22.0, 6.0), self.level, 0.0)

        return lambda source: AtLeast(source, Load(key_of(seed, self.at, "night"), left_on, 0.02))


class Leak(PlantFault, frozen=True, kw_only=True, tag="leak"):
    """A constant flow of `level` (kW, t/h, m3/h) goes away beside the load, day and night."""

    level: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.level > 0 else "level must be above 0"

    def change(self, span: Span, seed: int) -> Change:
        """See `PlantFault.change`."""

        def lost(times: Ints) -> Floats:
            return np.where(span.holds(times), self.level, 0.0)

        return lambda source: Total((source, Load(key_of(seed, self.at, "leak"), lost, 0.01)), 0.0)


class CoolingDegradation(PlantFault, frozen=True, kw_only=True, tag="cooling_degradation"):
    """A chiller loses efficiency: within `for` its load grows to 1 + `by` times and stays there."""

    by: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.length and self.by > 0 else "it needs `for`, the time it takes, and by above 0"

    def change(self, span: Span, seed: int) -> Change:  # noqa: ARG002
        """See `PlantFault.change`."""
        return _scaled(growing(span.start, span.end - span.start, self.by))


class LoadSpike(PlantFault, frozen=True, kw_only=True, tag="load_spike"):
    """The load itself is 1 + `by` times the usual for a short while."""

    by: float

    def change(self, span: Span, seed: int) -> Change:  # noqa: ARG002
        """See `PlantFault.change`."""
        return _scaled(lambda times: np.where(span.holds(times), 1 + self.by, 1.0))


class LoadStep(LoadSpike, frozen=True, kw_only=True, tag="load_step"):
    """The load itself is 1 + `by` times the usual from one moment on, as after a change of the process."""


def _scaled(factor: Shape) -> Change:
    return lambda source: Scaled(source, factor)
