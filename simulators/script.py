"""A scenario with a seed and a start → what every gateway does, and what is true meanwhile."""

import hashlib
import heapq
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

import msgspec

from energy.errors import InputError
from energy.registry import Boundary, Meter, Site
from energy.window import parse_time
from simulators.device import Act, Device, Sending
from simulators.display import Display, Exchanged, Meterlike
from simulators.faults.fault import MeterFault, Placed
from simulators.faults.meter import Swapped
from simulators.faults.plant import PlantFault
from simulators.faults.wire import Unregistered, WireFault
from simulators.kind import MeterKind
from simulators.noise import DAY, key_of
from simulators.scenario import MeterSpec, Scenario, SiteSpec
from simulators.source import Change, Source


@dataclass(frozen=True, slots=True)
class PlayedSite:
    """A site of the script; displays: meter → what it says, `registered`: the meters that the system is told of."""

    site: Site
    displays: dict[str, Display]
    registered: tuple[Meter, ...]
    devices: tuple[tuple[str, Device], ...]


class Script:
    """Everything that is played, as a pure function of its arguments."""

    def __init__(
        self, scenario: Scenario, seed: int | None = None, start: date | None = None, days: int | None = None
    ) -> None:
        """The scenario's own seed, start and days where none is given; InputError for days below 1."""
        self.seed = scenario.seed if seed is None else seed
        self.scenario = replace_days(scenario, days)
        first = parse_time((start or scenario.start).isoformat(), scenario.zone)
        self.start = first
        self.end = first + self.scenario.days * DAY
        text = msgspec.json.encode(scenario)
        self._key = key_of(self.seed, hashlib.sha256(text).hexdigest(), str(first))
        self.faults = [
            Placed(f"f{number:02d}", fault, fault.span(first)) for number, fault in enumerate(scenario.fault, start=1)
        ]
        self.sites = [self._site(spec) for spec in scenario.site]

    def acts(self) -> Iterator[Act]:
        """What the gateways do, in the order of time."""
        period = self.scenario.period
        devices = [device for site in self.sites for _, device in site.devices]
        return heapq.merge(*(device.acts(self.end, period) for device in devices), key=lambda act: act.due)

    def _site(self, spec: SiteSpec) -> PlayedSite:
        faults = [placed for placed in self.faults if placed.fault.at.partition("/")[0] == spec.id]
        displays = self._displays(spec, faults)
        seen: dict[str, Meterlike] = dict(displays)
        for placed in faults:
            if isinstance(placed.fault, Swapped):
                one, other = placed.fault.at.partition("/")[2], placed.fault.other
                seen[one] = Exchanged(displays[one], displays[other], placed)
                seen[other] = Exchanged(displays[other], displays[one], placed)
        unknown = {
            meter for _, fault, _ in faults if isinstance(fault, Unregistered)
            for meter in displays if fault.at.partition("/")[2] in ("", meter, spec.gateway_of(meter))
        }  # fmt: skip
        return PlayedSite(
            _described(spec, self.scenario, tuple(displays)), displays,
            tuple(display.meter for name, display in displays.items() if name not in unknown),
            tuple(self._device(spec, gateway.name, seen, faults) for gateway in spec.gateway),
        )  # fmt: skip

    def _device(
        self, spec: SiteSpec, name: str, displays: dict[str, Meterlike], faults: list[Placed]
    ) -> tuple[str, Device]:
        mine = [display for meter, display in displays.items() if spec.gateway_of(meter) == name]
        names = ("", name, *(display.meter.id for display in mine))
        wire = [p for p in faults if isinstance(p.fault, WireFault) and p.fault.at.partition("/")[2] in names]
        how = next(gateway for gateway in spec.gateway if gateway.name == name)
        sending = Sending(spec.id, name, how.batch, how.gzip, how.drift)
        return name, Device(sending, mine, wire, key_of(self._key, spec.id, name))

    def _displays(self, spec: SiteSpec, faults: list[Placed]) -> dict[str, Display]:
        changes: dict[str, Change] = {}
        for _, fault, span in faults:
            if isinstance(fault, PlantFault):
                name = fault.at.partition("/")[2]
                changes[name] = _after(changes.get(name), fault.change(span, self._key))
        sources = spec.built.build(key_of(self.seed, spec.id), changes)
        out = {}
        for kind in spec.built.meters:
            if kind.id not in spec.meters:
                continue
            meter = self._meter(spec, kind)
            mine = [p for p in faults if isinstance(p.fault, MeterFault) and p.fault.at == f"{spec.id}/{kind.id}"]
            mine = [p for p in mine if not isinstance(p.fault, Swapped)]
            first = self._first(meter, spec.meter.get(kind.id, MeterSpec()))
            out[kind.id] = Display(meter, sources[kind.id], self.start, first, mine, kind.flow_key)
        return out

    def _meter(self, spec: SiteSpec, kind: MeterKind) -> Meter:
        how = spec.meter.get(kind.id, MeterSpec())
        return Meter(
            spec.id, kind.id, kind.name_zh, kind.name_en, kind.register, how.digits, how.decimals,
            Decimal(how.multiplier), kind.parent if kind.parent in spec.meters else None,
            self.scenario.period // 1000, f"carbonwatch simulation of {self.scenario.name}, seed {self.seed}",
        )  # fmt: skip

    def _first(self, meter: Meter, how: MeterSpec) -> int:
        if how.first is not None:
            return round(how.first / float(meter.resolution))
        return key_of(self.seed, "first", meter.site, meter.id) % (meter.modulus // 10)


def replace_days(scenario: Scenario, days: int | None) -> Scenario:
    """The scenario with another length."""
    if days is None:
        return scenario
    if not 1 <= days <= 3660:
        raise InputError("bad_days", f"{days} days: 1 to 3660 can be played")
    return msgspec.structs.replace(scenario, days=days)


def _after(first: Change | None, then: Change) -> Change:
    if first is None:
        return then
    before = first

    def both(source: Source) -> Source:
        return then(before(source))

    return both


def _described(spec: SiteSpec, scenario: Scenario, meters: tuple[str, ...]) -> Site:
    kind = spec.built
    boundary: Boundary | None = kind.boundary
    if boundary is not None and not boundary.meters <= set(meters):
        boundary = None
    name_zh, name_en = spec.name_zh or kind.name_zh, spec.name_en or kind.name_en
    return Site(spec.id, name_zh, name_en, kind.name, scenario.zone, boundary)
