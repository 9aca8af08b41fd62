"""What the API answers, as types: every key that a caller may rely on."""

from dataclasses import dataclass
from typing import Any, Generic, NotRequired, TypedDict, TypeVar

Json = dict[str, Any]
Item = TypeVar("Item")


class Page(TypedDict, Generic[Item]):
    """A page of a list; `next` is the cursor of the following page, None at the end."""

    items: list[Item]
    next: str | None


class Part(TypedDict):
    """How one part of the system is; `age_s`: seconds since its last word."""

    name: str
    ok: bool
    detail: Json
    age_s: float


class Health(TypedDict):
    """status: "ok" when every part is well, else "degraded"."""

    status: str
    parts: list[Part]


class Region(TypedDict):
    """A region."""

    id: str
    name_zh: str
    name_en: str


class Unit(TypedDict):
    """An energy-using unit; `region` is the region's id."""

    id: str
    region: str
    name_zh: str
    name_en: str
    credit_code: str | None


class BoundaryOf(TypedDict):
    """The meters whose sums make a data centre's PUE."""

    facility: list[str]
    it: list[str]
    category: str


class Site(TypedDict):
    """A site; `unit` is the id of the energy-using unit, `zone` an IANA time zone."""

    id: str
    name_zh: str
    name_en: str
    unit: str
    kind: str
    zone: str
    boundary: BoundaryOf | None


class Door(TypedDict):
    """A registered gateway; `credential` tells which password is in use, "" where nobody said."""

    site: str
    gateway: str
    enabled: bool
    credential: str
    created_at: str
    changed_at: str


class Latest(TypedDict):
    """A meter's newest values by quantity; `time` is RFC 3339, `quality` measured or estimated."""

    time: str
    values: dict[str, float]
    quality: str


class Meter(TypedDict):
    """A meter; `unit` is its register's, `multiplier` a decimal as text; the last three come with lists only."""

    site: str
    id: str
    name_zh: str
    name_en: str
    register: str | None
    unit: str
    carrier: str | None
    digits: int
    decimals: int
    multiplier: str
    parent: str | None
    reports_every: int | None
    source: str
    pending: NotRequired[int]
    last_reading: NotRequired[str | None]
    latest: NotRequired[Latest | None]


class Reading(TypedDict):
    """A reading as it landed; `ms` is UTC."""

    time: str
    ms: int
    values: dict[str, float]
    quality: str


class Entry(TypedDict):
    """Readings as they were entered by hand; `journal` says where the entry lies."""

    site: str
    meter: str
    author: str
    at: str
    reason: str
    readings: int
    values: int
    first: str
    last: str
    journal: Json


class Sum(TypedDict):
    """A sum over windows, None where none of them has a value; kwh is None where it is not electricity."""

    kwh: float | None
    amount: float | None
    intervals: int
    missing: int
    measured: int
    estimated: int


class EnergyWindow(Sum):
    """The sum of one window."""

    start: str
    end: str


EnergyPage = TypedDict(
    "EnergyPage",
    {
        "site": str, "meter": str | None, "unit": str, "from": str, "to": str, "step": str, "total": Sum,
        "items": list[EnergyWindow], "next": str | None,
    },
)  # fmt: skip


class PueLimit(TypedDict):
    """The limit in force and where it comes from."""

    value: float
    source: str
    verified: bool
    valid_from: str


class PueWindow(TypedDict):
    """PUE of one window; None where it cannot be told, and then `reason` says why."""

    start: str
    end: str
    pue: float | None
    facility_kwh: float
    it_kwh: float
    coverage: float
    estimated_share: float
    interim: bool
    verdict: str
    reason: str


PuePage = TypedDict(
    "PuePage",
    {
        "site": str, "category": str, "from": str, "to": str, "limit": PueLimit, "items": list[PueWindow],
        "next": str | None,
    },
)  # fmt: skip


class What(TypedDict):
    """A sentence in Chinese and English."""

    zh: str
    en: str


class AlertStep(TypedDict):
    """What was done about an alert."""

    at: str
    actor: str
    action: str
    note: str


class Alert(TypedDict):
    """An alert with its evidence and every step taken."""

    id: int
    kind: str
    site: str
    meter: str
    state: str
    late: bool
    value: float | None
    limit: float | None
    unit: str
    excess: float | None
    evidence: Json
    since: str
    confirmed: str
    raised_at: str
    updated_at: str
    until: str | None
    what: What
    steps: list[AlertStep]


class Boot(TypedDict):
    """What arrived of one start of a gateway; gaps: [first, last] of what never did."""

    boot: str
    seq: int
    last_seq: int
    gaps: list[list[int]]
    first_at: str
    last_at: str


class Gateway(TypedDict):
    """A gateway with its ledger over all days; what is of its newest boot stands in it too, unless it has none."""

    site: str
    gateway: str
    ledger: dict[str, int]
    boots: list[Boot]
    boot: NotRequired[str]
    seq: NotRequired[int]
    last_seq: NotRequired[int]
    gaps: NotRequired[list[list[int]]]
    first_at: NotRequired[str]
    last_at: NotRequired[str]


class Refused(TypedDict):
    """What could not be taken, and where it stands in the journal."""

    id: int
    at: str
    site: str
    gateway: str
    reason: str
    detail: str
    topic: str
    excerpt: str
    size: int
    values: int
    journal: Json


class Quarantine(TypedDict):
    """A page of what was refused, and what is held for meters that are not registered."""

    items: list[Refused]
    next: str | None
    reasons: dict[str, int]
    conflicts: int
    held: Json


@dataclass(frozen=True, slots=True)
class Event:
    """A server-sent event: `name` is readings, alert or health; `data` its JSON; `id` where to go on after it."""

    name: str
    data: Any
    id: str | None
