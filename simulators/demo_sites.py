"""The three sites of the demo: how they are registered, and what their meters measure."""

from dataclasses import dataclass

from energy.quantity import FLOW_OF
from energy.registry import Boundary, Meter, Site
from energy.window import floor_quarter
from simulators.data_centre import data_centre
from simulators.faults import Degradation
from simulators.noise import DAY, key_of
from simulators.plants import paper_mill, steel_works
from simulators.source import Register, Source

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


_SITES = {
    "steel-1": Site("steel-1", "滨海钢铁厂", "Binhai steel works", "steel_works"),
    "paper-1": Site("paper-1", "青江造纸厂", "Qingjiang paper mill", "paper_mill"),
    "dc-1": Site(
        "dc-1", "云港数据中心", "Yungang data centre", "data_centre", boundary=Boundary(("facility",), ("it",))
    ),
}
# site → meter → Chinese name, English name, register, parent
_METERS: dict[str, dict[str, tuple[str, str, str, str | None]]] = {
    "steel-1": {
        "incomer": ("总进线", "main incomer", "e_kwh", None),
        "arc-furnace": ("电弧炉", "arc furnace", "e_kwh", "incomer"),
        "compressor-1": ("1号空压机", "compressor 1", "e_kwh", "incomer"),
        "compressor-2": ("2号空压机", "compressor 2", "e_kwh", "incomer"),
        "compressor-3": ("3号空压机", "compressor 3", "e_kwh", "incomer"),
        "pumps": ("冷却水泵", "cooling water pumps", "e_kwh", "incomer"),
        "rolling": ("轧线及其他", "rolling line and the rest", "e_kwh", "incomer"),
    },
    "paper-1": {
        "incomer": ("总进线", "main incomer", "e_kwh", None),
        "paper-machine": ("造纸机", "paper machine", "e_kwh", "incomer"),
        "pumps": ("水泵", "pumps", "e_kwh", "incomer"),
        "steam": ("蒸汽总表", "steam", "steam_t", None),
        "gas": ("天然气总表", "natural gas", "gas_m3", None),
    },
    "dc-1": {
        "facility": ("总进线", "facility incomer", "e_kwh", None),
        "it": ("IT设备（UPS输出）", "IT equipment (UPS output)", "e_kwh", "facility"),
        "chiller": ("冷水机组", "chiller", "e_kwh", "facility"),
        "crac": ("精密空调与送风", "air handling", "e_kwh", "facility"),
        "lighting": ("照明及办公", "lighting and offices", "e_kwh", "facility"),
    },
}


def demo_sites(seed: int, anchor: int, note: str = "") -> tuple[DemoSite, ...]:
    """The sites whose history begins 35 days before the demo's first start `anchor` (ms UTC).

    The chiller fails from 12 days before the anchor on, and compressor 2 runs through the nights from 8 days before
    on. note: becomes the meters' `source`.
    """
    begin = floor_quarter(anchor)
    chiller = Degradation(begin - _CHILLER_FAILS_DAYS * DAY, _CHILLER_FAILS_WITHIN * DAY, _CHILLER_GROWTH)
    sources = {
        "steel-1": steel_works(seed, night_running_from=begin - _NIGHTS_DAYS * DAY),
        "paper-1": paper_mill(seed),
        "dc-1": data_centre(seed, chiller),
    }
    epoch = begin - HISTORY_DAYS * DAY
    return tuple(
        DemoSite(
            site, tuple(_feed(seed, name, meter, sources[name][meter], epoch, note) for meter in _METERS[name]), epoch
        )
        for name, site in _SITES.items()
    )


def _feed(seed: int, site: str, name: str, source: Source, epoch: int, note: str) -> MeterFeed:
    name_zh, name_en, register, parent = _METERS[site][name]
    meter = Meter(
        site,
        name,
        name_zh,
        name_en,
        register,
        digits=10,
        decimals=2,
        parent=parent,
        reports_every=PERIOD,
        source=note,
    )
    start = 10_000_000 + key_of(seed, "start", site, name) % 90_000_000
    return MeterFeed(meter, source, Register(source, epoch, start, meter.modulus))
