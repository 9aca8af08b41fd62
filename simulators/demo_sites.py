"""The three sites of the demo: how they are registered, and what their meters measure."""

from dataclasses import dataclass

from energy.quantity import FLOW_OF, QUANTITIES
from energy.registry import Meter, Site
from energy.window import floor_quarter
from simulators.industries.steel import compressor_2_at_night
from simulators.kind import MeterKind
from simulators.kinds import KINDS
from simulators.noise import DAY, key_of
from simulators.source import AtLeast, Change, Register, Scaled, Source, growing

HISTORY_DAYS = 35
PERIOD = 5  # s between live readings
_CHILLER_FAILS_DAYS, _CHILLER_FAILS_WITHIN, _CHILLER_GROWTH = 12, 6, 1.1
_NIGHTS_DAYS = 8


@dataclass(frozen=True, slots=True)
class MeterFeed:
    """A meter and what it measures."""

    meter: Meter
    source: Source
    register: Register

    @property
    def flow_key(self) -> str:
        """The gauge sent beside the register."""
        return FLOW_OF[self.meter.register or "e_kwh"]


@dataclass(frozen=True, slots=True)
class DemoSite:
    """A site and its meters, parents first."""

    site: Site
    feeds: tuple[MeterFeed, ...]
    epoch: int  # ms UTC of the first reading


# site → its names and its kind
_SITES = {
    "steel-1": ("滨海钢铁厂", "Binhai steel works", "steel_works"),
    "paper-1": ("青江造纸厂", "Qingjiang paper mill", "paper_mill"),
    "dc-1": ("云港数据中心", "Yungang data centre", "data_centre"),
}


def demo_sites(seed: int, anchor: int, note: str = "") -> tuple[DemoSite, ...]:
    """The sites whose history begins 35 days before the demo's first start `anchor` (ms UTC).

    The chiller fails from 12 days before the anchor on, and compressor 2 runs through the nights from 8 days before
    on. note: becomes the meters' `source`. Meters of energy only.
    """
    begin = floor_quarter(anchor)
    changes = _changes(seed, begin)
    epoch = begin - HISTORY_DAYS * DAY
    out = []
    for name, (name_zh, name_en, kind_name) in _SITES.items():
        kind = KINDS[kind_name]
        sources = kind.build(seed, changes.get(name, {}))
        meters = [meter for meter in kind.meters if meter.register and QUANTITIES[meter.register].carrier]
        feeds = tuple(_feed(seed, name, meter, sources[meter.id], epoch, note) for meter in meters)
        out.append(DemoSite(Site(name, name_zh, name_en, kind_name, boundary=kind.boundary), feeds, epoch))
    return tuple(out)


def _changes(seed: int, begin: int) -> dict[str, dict[str, Change]]:
    """What goes wrong: site → meter → change."""
    night = compressor_2_at_night(seed, begin - _NIGHTS_DAYS * DAY)
    worn = growing(begin - _CHILLER_FAILS_DAYS * DAY, _CHILLER_FAILS_WITHIN * DAY, _CHILLER_GROWTH)
    return {
        "steel-1": {"compressor-2": lambda source: AtLeast(source, night)},
        "dc-1": {"chiller": lambda source: Scaled(source, worn)},
    }


def _feed(seed: int, site: str, kind: MeterKind, source: Source, epoch: int, note: str) -> MeterFeed:
    meter = Meter(
        site,
        kind.id,
        kind.name_zh,
        kind.name_en,
        kind.register,
        digits=10,
        decimals=2,
        parent=kind.parent,
        reports_every=PERIOD,
        source=note,
    )
    start = 10_000_000 + key_of(seed, "start", site, kind.id) % 90_000_000
    return MeterFeed(meter, source, Register(source, epoch, start, meter.modulus))
