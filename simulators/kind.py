"""A kind of site: which meters it has, and what they measure."""

from collections.abc import Callable
from dataclasses import dataclass

from energy.quantity import FLOW_OF
from energy.registry import Boundary
from simulators.source import Changes, Source

Build = Callable[[int, Changes], dict[str, Source]]


@dataclass(frozen=True, slots=True)
class MeterKind:
    """A meter of a kind of site; its source counts in steps of 0.01 of the register's unit.

    register: quantity key, None for a meter that shows only `gauge`; parent: the meter that contains this one.
    """

    id: str
    name_zh: str
    name_en: str
    register: str | None = "e_kwh"
    parent: str | None = None
    gauge: str | None = None

    @property
    def flow_key(self) -> str | None:
        """The gauge that is sent beside the register, None where there is none."""
        return self.gauge or FLOW_OF.get(self.register or "")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of site.

    meters: parents first; build: (seed, changes) → meter → source, where changes alter what single meters really
    measure, before totals are taken.
    """

    name: str
    name_zh: str
    name_en: str
    meters: tuple[MeterKind, ...]
    build: Build
    boundary: Boundary | None = None
