"""A scenario: which sites are played, through which gateways, and what goes wrong with them; a TOML file."""

import tomllib
from datetime import date
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from energy.duration import parse_duration
from energy.errors import InputError
from energy.registry import check_name
from energy.topic import MANUAL
from energy.window import QUARTER
from simulators.faults import AnyFault
from simulators.faults.fault import Fault, MeterFault
from simulators.faults.meter import Swapped
from simulators.faults.wire import GatewayFault, WireFault
from simulators.kind import Kind
from simulators.kinds import KINDS

_FAULTS = [str(fault.__struct_config__.tag) for fault in AnyFault.__args__]
_SHORTEST = 1000  # ms between readings


class GatewaySpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A gateway: its meters (all others of the site when it names none), and how it sends.

    batch: most readings of a message; gzip: payloads are compressed; drift: how far its clock runs ahead in a day, such
    as `2 s`, until it starts anew.
    """

    name: str = "gw-1"
    meters: tuple[str, ...] = ()
    batch: int = 100
    gzip: bool = False
    drift: str = "0 s"


class MeterSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """How a register is displayed, where it is not 8 digits and 2 decimals; `first` is what it shows at the start."""

    digits: int = 8
    decimals: int = 2
    multiplier: int = 1
    first: float | None = None


class SiteSpec(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A site of a kind; `only` picks some of its meters."""

    id: str
    kind: str
    name_zh: str = ""
    name_en: str = ""
    only: tuple[str, ...] = ()
    gateway: tuple[GatewaySpec, ...] = (GatewaySpec(),)
    meter: dict[str, MeterSpec] = {}

    @property
    def built(self) -> Kind:
        """Its kind."""
        return KINDS[self.kind]

    @property
    def meters(self) -> tuple[str, ...]:
        """The meters that are played, parents first."""
        return tuple(meter.id for meter in self.built.meters if not self.only or meter.id in self.only)

    def gateway_of(self, meter: str) -> str:
        """The gateway that reads a meter."""
        named = {one: gateway.name for gateway in self.gateway for one in gateway.meters}
        rest = [gateway.name for gateway in self.gateway if not gateway.meters]
        return named.get(meter) or rest[0]


class Scenario(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What is played: from midnight of `start` in plant time, `days` long, a reading of each meter every `every`."""

    name: str
    start: date
    days: int
    site: tuple[SiteSpec, ...]
    fault: tuple[AnyFault, ...] = ()
    about: str = ""
    every: str = "15 min"
    zone: str = "Asia/Shanghai"
    seed: int = 1

    @property
    def period(self) -> int:
        """Ms between readings."""
        return parse_duration(self.every)


def read_scenario(path: Path) -> Scenario:
    """The scenario of a TOML file; InputError("bad_scenario") that says all at once what is wrong with it.

    Of a site or fault that has not even the right shape only the first mistake is told, and the others' sense waits.
    """
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InputError("bad_scenario", f"{path.name} cannot be read: {error}") from error
    try:
        scenario = msgspec.convert(raw, Scenario)
    except msgspec.ValidationError as error:
        raise InputError("bad_scenario", f"{path.name}: {_misshapen(str(error), raw)}") from error
    troubles = [*_settings(scenario), *_sites(scenario), *_faults(scenario)]
    if troubles:
        raise InputError("bad_scenario", f"{path.name}: " + "; ".join(troubles))
    return scenario


def _settings(scenario: Scenario) -> list[str]:
    out = []
    if not 1 <= scenario.days <= 3660:
        out.append(f"days = {scenario.days} is not 1 to 3660")
    try:
        if scenario.period < _SHORTEST or (QUARTER % scenario.period and scenario.period % QUARTER):
            out.append(f"every = {scenario.every!r} is neither a part nor a multiple of 15 min, from 1 s on")
    except InputError as error:
        out.append(error.detail)
    try:
        ZoneInfo(scenario.zone)
    except (OSError, ValueError, KeyError):
        out.append(f"zone = {scenario.zone!r} is no IANA time zone")
    return out


def _sites(scenario: Scenario) -> list[str]:
    out = [] if scenario.site else ["there is no site"]
    seen: set[str] = set()
    for site in scenario.site:
        out += _named("site", site.id)
        if site.id in seen:
            out.append(f"site {site.id} stands there twice")
        seen.add(site.id)
        if site.kind not in KINDS:
            out.append(f"site {site.id}: kind {site.kind!r} is none of {', '.join(KINDS)}")
            continue
        there = {meter.id for meter in site.built.meters}
        asked = {*site.only, *site.meter, *(one for gateway in site.gateway for one in gateway.meters)}
        out += [f"site {site.id}: {site.kind} has no meter {name}" for name in sorted(asked - there)]
        out += [f"site {site.id}: {trouble}" for trouble in _gateways(site)]
        for name, meter in site.meter.items():
            out += [f"meter {site.id}/{name}: {trouble}" for trouble in _display(meter)]
    return out


def _gateways(site: SiteSpec) -> list[str]:
    out = [trouble for gateway in site.gateway for trouble in _named("gateway", gateway.name)]
    names = [gateway.name for gateway in site.gateway]
    out += [f"gateway {name} stands there twice" for name in sorted({n for n in names if names.count(n) > 1})]
    named = [one for gateway in site.gateway for one in gateway.meters]
    out += [f"meter {one} has two gateways" for one in sorted({n for n in named if named.count(n) > 1})]
    rest = sum(not gateway.meters for gateway in site.gateway)
    if rest > 1 or (rest == 0 and set(site.meters) - set(named)):
        out.append("each meter needs one gateway: exactly one gateway may leave out `meters`, and takes the rest")
    for gateway in site.gateway:
        if not 1 <= gateway.batch <= 500:
            out.append(f"gateway {gateway.name}: batch = {gateway.batch} is not 1 to 500")
        try:
            parse_duration(gateway.drift)
        except InputError as error:
            out.append(error.detail)
    return out


def _display(meter: MeterSpec) -> list[str]:
    out = []
    if not (1 <= meter.digits <= 10 and 0 <= meter.decimals <= 2):
        out.append("digits 1 to 10, decimals 0 to 2")
    if meter.multiplier < 1:
        out.append("multiplier must be 1 or more")
    if meter.first is not None and not 0 <= meter.first < 10**meter.digits * meter.multiplier:
        out.append(f"first = {meter.first} is not on the display")
    return out


def _faults(scenario: Scenario) -> list[str]:
    sites = {site.id: site for site in scenario.site if site.kind in KINDS}
    out = []
    for number, fault in enumerate(scenario.fault, start=1):
        try:
            fault.span(0)
            troubles = [trouble for trouble in (fault.trouble(), _place(fault, sites)) if trouble]
        except InputError as error:
            troubles = [error.detail]
        out += [f"fault {number} ({fault.kind}): {trouble}" for trouble in troubles]
    return out


def _place(fault: Fault, sites: dict[str, SiteSpec]) -> str:
    name, _, rest = fault.at.partition("/")
    site = sites.get(name)
    if site is None:
        return f"at = {fault.at!r}: there is no site {name}"
    gateways = {gateway.name for gateway in site.gateway}
    if isinstance(fault, MeterFault):
        wanted = [rest, *([fault.other] if isinstance(fault, Swapped) else [])]
        missing = [meter for meter in wanted if meter not in site.meters]
        return f"at = {fault.at!r}: site {name} plays no meter {missing[0] or '(site/meter)'}" if missing else ""
    if isinstance(fault, GatewayFault):
        return "" if rest in {"", *gateways} else f"at = {fault.at!r}: site {name} has no gateway {rest}"
    if isinstance(fault, WireFault) and rest and rest not in gateways and rest not in site.meters:
        return f"at = {fault.at!r}: site {name} has no gateway or meter {rest}"
    return ""


def _named(what: str, name: str) -> list[str]:
    try:
        check_name(what, name)
    except InputError as error:
        return [error.detail]
    return [f"no gateway may be called {name!r}"] if what == "gateway" and name == MANUAL else []


def _misshapen(message: str, raw: dict[str, Any]) -> str:
    """A complaint of the decoder, with those about each other fault and site, by their numbers."""
    out = []
    for key, shape in (("site", SiteSpec), ("fault", AnyFault)):
        entries = raw.get(key, ())
        for number, entry in enumerate(entries if isinstance(entries, list) else (), start=1):
            try:
                msgspec.convert(entry, shape)
            except msgspec.ValidationError as error:
                kinds = (
                    f", which is none of {', '.join(sorted(_FAULTS))}"
                    if "kind" in str(error) and key == "fault"
                    else ""
                )
                out.append(f"{key} {number}: {error}{kinds}")
    return "; ".join(out) or message
