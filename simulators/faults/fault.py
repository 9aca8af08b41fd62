"""What every fault of a scenario says: where it is, when it begins and how long it lasts."""

import re
from dataclasses import dataclass
from typing import Any, NamedTuple

import msgspec
import numpy as np

from energy.duration import parse_duration
from energy.errors import InputError
from energy.window import QUARTER
from simulators.noise import DAY, Ints
from simulators.plant_clock import Mask

_FORM = re.compile(r"day (\d{1,4}) (\d\d):(\d\d)")
FOREVER = 2**62


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of time [start, end) in ms UTC."""

    start: int
    end: int

    def holds(self, times: Ints) -> Mask:
        """Which of `times` lie in it [n] → [n]."""
        return np.asarray((times >= self.start) & (times < self.end))

    def has(self, time: int) -> bool:
        """Whether it holds one moment."""
        return self.start <= time < self.end


class Fault(
    msgspec.Struct,
    frozen=True,
    kw_only=True,
    forbid_unknown_fields=True,
    tag_field="kind",
    rename={"begin": "from", "length": "for"},
):
    """A fault as a scenario states it.

    at: a site, or `site/meter` or `site/gateway` as the kind asks; begin: such as `day 2 06:00`, in plant time from the
    run's first day on; length: such as `6 h`, to the end of the run without it.
    """

    at: str
    begin: str
    length: str = ""
    note: str = ""

    def span(self, midnight: int) -> Span:
        """When it is; `midnight` is the first day's, ms UTC. InputError where a text cannot be read."""
        start = midnight + parse_moment(self.begin)
        if not self.length:
            return Span(start, FOREVER)
        length = parse_duration(self.length)
        if length <= 0:
            raise InputError("bad_fault", f"for = {self.length!r} is not above 0")
        return Span(start, start + length)

    def trouble(self) -> str:
        """What is wrong with its numbers, "" for nothing."""
        return ""

    @property
    def kind(self) -> str:
        """Its name, as in a scenario."""
        return str(self.__struct_config__.tag)

    @property
    def sizes(self) -> dict[str, Any]:
        """Its own parameters."""
        common = {"at", "begin", "length", "note"}
        return {name: getattr(self, name) for name in self.__struct_fields__ if name not in common}


class Placed(NamedTuple):
    """A fault in a run: its label, and when it is."""

    label: str
    fault: Fault
    span: Span


class MeterFault(Fault, frozen=True, kw_only=True):
    """A fault at one meter: `at` is `site/meter`."""


def share_trouble(share: float) -> str:
    """What is wrong with a share of what is hit, "" for nothing."""
    return "" if 0 < share <= 1 else "share must be above 0, at most 1"


def parse_moment(text: str) -> int:
    """`day N HH:MM` → ms from the first day's midnight; InputError otherwise.

    >>> parse_moment("day 2 06:30") == 30 * 3_600_000 + 30 * 60_000
    True
    """
    found = _FORM.fullmatch(text.strip())
    if found is None or int(found[1]) < 1 or int(found[2]) > 23 or int(found[3]) > 59:
        raise InputError("bad_fault", f"from = {text!r} is not a moment such as day 2 06:30")
    return (int(found[1]) - 1) * DAY + int(found[2]) * 4 * QUARTER + int(found[3]) * 60_000
