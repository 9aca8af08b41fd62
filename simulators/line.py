"""A gateway's line and clock: when it is off, when it has no connection, what boot it is in, what time it believes."""

from bisect import bisect_right
from collections.abc import Sequence

from energy.duration import parse_duration
from simulators.faults.fault import Placed, Span
from simulators.faults.wire import ClockSkew, GatewayDead, Outage, Reboot
from simulators.noise import DAY, key_of

_BACK = 5_000  # ms from the line's return to the first message


class Line:
    """When a gateway is off or not connected, and its boots."""

    def __init__(self, epoch: int, faults: Sequence[Placed], key: int) -> None:
        """epoch: the first boot, ms UTC; faults: those of this gateway; key: makes the boots' names."""
        self._off = [(label, span) for label, fault, span in faults if type(fault) is GatewayDead]
        self._kept = [(label, span) for label, fault, span in faults if type(fault) is Outage]
        self.dead = [span for _, span in self._off]
        self.down = sorted((span for _, fault, span in faults if isinstance(fault, Outage)), key=lambda s: s.start)
        reboots = [span.start for _, fault, span in faults if type(fault) is Reboot]
        self.starts = sorted({epoch, *(span.end for span in self.dead), *reboots})
        self._key = key

    def off(self, time: int) -> list[str]:
        """Why it has no power; the labels."""
        return [label for label, span in self._off if span.has(time)]

    def kept(self, due: int) -> list[str]:
        """Why what is due is kept; the labels."""
        return [label for label, span in self._kept if span.has(due)]

    def ready(self, due: int) -> int:
        """When what is due at a moment (ms UTC) can be sent."""
        for span in self.down:
            if span.has(due):
                due = span.end + _BACK
        return due

    def boot(self, time: int) -> str:
        """The name of the boot at a moment."""
        return f"{key_of(self._key, 'boot', str(self._number(time))) & 0xFFFFFFFF:08x}"

    def booted(self, time: int) -> int:
        """When the boot at a moment began."""
        return self.starts[self._number(time)]

    def cuts(self, end: int) -> list[int]:
        """When the connection breaks, up to `end`: a line goes down, or a boot ends that was connected."""
        broken = {span.start for span in self.down} | set(self.starts[1:])
        return sorted(cut for cut in broken if cut <= end and not any(s.start < cut <= s.end for s in self.down))

    def returns(self, end: int) -> list[int]:
        """When it connects, the first time included; a line that is down at `end` comes back all the same."""
        back = {start for start in self.starts if start <= end} | {s.end for s in self.down if s.start <= end}
        return sorted(time for time in back if not any(span.has(time) for span in self.down))

    def _number(self, time: int) -> int:
        return max(0, bisect_right(self.starts, time) - 1)


class Clock:
    """What time a gateway believes it is."""

    def __init__(self, line: Line, faults: Sequence[Placed], drift: str) -> None:
        """drift: how far it runs ahead in a day; each boot sets it right."""
        self._line, self._drift = line, parse_duration(drift)
        self._skews: list[tuple[Span, int]] = [
            (span, parse_duration(fault.by)) for _, fault, span in faults if isinstance(fault, ClockSkew)
        ]

    def shows(self, time: int) -> int:
        """The clock at a true moment, ms UTC."""
        skew = sum(by for span, by in self._skews if span.has(time))
        return time + skew + round(self._drift * (time - self._line.booted(time)) / DAY)
