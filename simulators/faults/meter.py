"""What goes wrong with a meter: the load stays as it is, and what the meter says of it is wrong."""

import numpy as np

from simulators.faults.fault import MeterFault, Span, share_trouble
from simulators.noise import Floats, Ints
from simulators.source import Shape


class GainFault(MeterFault, frozen=True, kw_only=True):
    """A fault by which a meter counts another share of what flows."""

    def gain(self, span: Span) -> Shape:
        """What the register counts of the truth, 1 when well; never negative."""
        raise NotImplementedError

    def gauge_gain(self, span: Span) -> Shape:
        """What the gauge shows of the truth."""
        return self.gain(span)


class Spike(GainFault, frozen=True, kw_only=True, tag="spike"):
    """The meter shows and counts 1 + `by` times the truth for a short while."""

    by: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.by > -1 else "by must be above -1"

    def gain(self, span: Span) -> Shape:
        """See `GainFault.gain`."""
        return _within(span, 1 + self.by)


class Step(Spike, frozen=True, kw_only=True, tag="step"):
    """The meter shows and counts 1 + `by` times the truth from one moment on."""


class Drift(GainFault, frozen=True, kw_only=True, tag="drift"):
    """The meter's error grows evenly to 1 + `by` times the truth at the end of `for`, when it is mended."""

    by: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.length and self.by > -1 else "it needs `for`, and by above -1"

    def gain(self, span: Span) -> Shape:
        """See `GainFault.gain`."""

        def factor(times: Ints) -> Floats:
            part = (times - span.start) / (span.end - span.start)
            return np.where(span.holds(times), 1 + self.by * part, 1.0)

        return factor


class CtRatio(GainFault, frozen=True, kw_only=True, tag="ct_ratio"):
    """A wrong CT ratio was set: everything is `ratio` times the truth."""

    ratio: float

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.ratio > 0 else "ratio must be above 0"

    def gain(self, span: Span) -> Shape:
        """See `GainFault.gain`."""
        return _within(span, self.ratio)


class ReversedCt(GainFault, frozen=True, kw_only=True, tag="reversed_ct"):
    """A current transformer is the wrong way round: power is negative, and the import register stands still."""

    def gain(self, span: Span) -> Shape:
        """See `GainFault.gain`."""
        return _within(span, 0.0)

    def gauge_gain(self, span: Span) -> Shape:
        """See `GainFault.gauge_gain`."""
        return _within(span, -1.0)


class Bypassed(GainFault, frozen=True, kw_only=True, tag="bypassed"):
    """A share `share` of the load goes past the meter."""

    share: float = 1.0

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return share_trouble(self.share)

    def gain(self, span: Span) -> Shape:
        """See `GainFault.gain`."""
        return _within(span, 1 - self.share)


class Stuck(MeterFault, frozen=True, kw_only=True, tag="stuck"):
    """Register and gauge stay at what they were; afterwards the register shows what went by."""


class Wrap(MeterFault, frozen=True, kw_only=True, tag="wrap"):
    """The register starts again at 0 at about `from`: its first value is set so."""


class Reset(MeterFault, frozen=True, kw_only=True, tag="reset"):
    """The register loses its count and goes on from 0."""


class MeterSwap(MeterFault, frozen=True, kw_only=True, tag="meter_swap"):
    """Another meter is put in, whose register shows `shows`; the gateway sends an event that says so."""

    shows: float = 12.34

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.shows >= 0 else "shows must not be below 0"


class Swapped(MeterFault, frozen=True, kw_only=True, tag="pue_meters_swapped"):
    """Two meters of a boundary are taken for each other: each carries the other's values."""

    other: str


def _within(span: Span, value: float) -> Shape:
    return lambda times: np.where(span.holds(times), value, 1.0)
