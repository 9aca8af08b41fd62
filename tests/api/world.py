"""Two regions, three units and five sites whose every name and value tells whose it is, and a key for each holder."""

from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import httpx
from sqlalchemy import Connection, insert

from analytics.accounts import Accounts
from energy.access import EVERYTHING, Role, Scope
from energy.books import doors, parts, people, registry
from energy.books import tables as t
from energy.broker.port import Delivery
from energy.journal import Journal
from energy.registry import Boundary, Meter, Region, Site, Unit
from energy.store.port import Point, Series
from energy.topic import Topic
from energy.window import QUARTER
from tests.api.served import FIRST, Served

REGIONS = ("rqnorth", "rqsouth")
UNITS = {"uqalfa": "rqnorth", "uqbrav": "rqnorth", "uqdelt": "rqsouth"}
SITES = {"alfa01": "uqalfa", "alfa02": "uqalfa", "brav01": "uqbrav", "delt01": "uqdelt", "delt02": "uqdelt"}
NOWHERE = "ghost1"  # sends, and is no site: what it sent is of nobody's
WINDOWS = 12
_N = {site: n + 1 for n, site in enumerate(SITES)}


@dataclass(frozen=True, slots=True)
class Held:
    """A key's role and scope, and the sites and units that are open to it."""

    role: Role
    scope: Scope
    sites: frozenset[str]
    units: frozenset[str]

    @property
    def regions(self) -> frozenset[str]:
        """The regions that it may know of."""
        return frozenset(UNITS[unit] for unit in self.units)


def _of(role: Role, level: str, *names: str) -> Held:
    sites = {
        site for site, unit in SITES.items() if {"sites": site, "units": unit, "regions": UNITS[unit]}[level] in names
    }
    return Held(role, Scope.from_json({level: names}), frozenset(sites), frozenset(SITES[site] for site in sites))


def _all(role: Role) -> Held:
    return Held(role, EVERYTHING, frozenset(SITES), frozenset(UNITS))


HOLDERS = {
    "officer-north": _of(Role.OFFICER, "regions", "rqnorth"),
    "officer-south": _of(Role.OFFICER, "regions", "rqsouth"),
    "manager-alfa": _of(Role.ENERGY_MANAGER, "units", "uqalfa"),
    "manager-brav-delt": _of(Role.ENERGY_MANAGER, "units", "uqbrav", "uqdelt"),
    "operator-alfa01": _of(Role.PLANT_OPERATOR, "sites", "alfa01"),
    "operator-two": _of(Role.PLANT_OPERATOR, "sites", "brav01", "delt02"),
    "developer-delt": _of(Role.DEVELOPER, "units", "uqdelt"),
    "auditor": _all(Role.AUDITOR),
    "admin": _all(Role.ADMIN),
}
BOUND = [name for name, held in HOLDERS.items() if not held.scope.everything]
BY_ROLE = {held.role: name for name, held in reversed(HOLDERS.items())}  # one of each role


def marks_of(site: str) -> frozenset[str]:
    """What must not be said of a site to whom it is closed: its id, which is in each of its names, and its values."""
    n = _N[site]
    return frozenset({site, *(f"{value}00{n}.{rest}" for value, rest in ((3, "25"), (5, "25"), (7, "5"), (8, "75")))})


def closed_marks(held: Held) -> frozenset[str]:
    """Everything that must not be said to somebody."""
    if held.scope.everything:
        return frozenset()
    sites = [mark for site in SITES if site not in held.sites for mark in marks_of(site)]
    return frozenset({*sites, *UNITS.keys() - held.units, *set(REGIONS) - held.regions, NOWHERE})


@dataclass(frozen=True, slots=True)
class World:
    """The served API with a key of each holder."""

    one: Served
    keys: dict[str, str]

    def ask(self, holder: str, method: str, url: str, **rest: Any) -> httpx.Response:
        """One request of a holder; of nobody where `holder` is ""."""
        headers = {"Authorization": f"Bearer {self.keys[holder]}"} if holder else {}
        return self.one.bare.request(method, url, headers=headers, **rest)


def build(one: Served) -> World:
    """Fill a served API with all of it."""
    context = one.context
    with context.books.begin() as db:
        for region in REGIONS:
            registry.put_region(db, Region(region, f"区{region}", f"region {region}"), "tests", FIRST)
        for unit, region in UNITS.items():
            registry.put_unit(db, Unit(unit, f"单位{unit}", f"unit {unit}", region), "tests", FIRST)
        for site, unit in SITES.items():
            boundary = Boundary((f"{site}-main",), (f"{site}-it",))
            new = Site(site, f"厂{site}", f"plant {site}", "data_centre", boundary=boundary, unit=unit)
            registry.put_site(db, new, "tests", FIRST)
            for meter in meters(site):
                registry.put_meter(db, meter, "tests", FIRST)
            open_door(db, site)
        parts.say(db, "ingest", ok=True, detail={}, now=context.now())
    points = [point for site in SITES for point in _points(site, context.now())]
    context.readings.write(points)
    with context.books.begin() as db:
        span = {"first": FIRST, "last": FIRST + WINDOWS * QUARTER}
        db.execute(insert(t.touched), [{"site": s, "meter": m.id, **span} for s in SITES for m in meters(s)])
    Accounts(context.books, context.readings, context.accounts).step()
    with context.books.begin() as db:
        for site in SITES:
            db.execute(insert(t.alert).values(**alert_of(site)))
            db.execute(insert(t.alert_step).values(alert=_N[site], at=FIRST, actor="x", action="raise", note=site))
            db.execute(insert(t.touched).values(site=site, meter=f"{site}-main", first=FIRST, last=FIRST))
            db.execute(insert(t.last_heard).values(site=site, meter=f"{site}-main", received_at=FIRST, time=FIRST))
        for place, n in {**_N, NOWHERE: 6, "": 7}.items():
            for table, rows in _intake(place, n):
                db.execute(insert(table), rows)
        keys = {
            name: people.add_key(db, name, held.role, held.scope, context.now() + 10**9, "tests", FIRST)[1]
            for name, held in HOLDERS.items()
        }
    assert context.journal is not None
    with closing(Journal(context.journal, "w1")) as journal:
        journal.append([message_of(place) for place in (*SITES, NOWHERE, "")])
    return World(one, keys)


def meters(site: str) -> tuple[Meter, Meter]:
    """A site's two meters."""
    main = Meter(site, f"{site}-main", f"总{site}", f"main {site}", multiplier=Decimal("0.25"), source=f"by {site}")
    return main, Meter(site, f"{site}-it", f"机{site}", f"it {site}", multiplier=Decimal("0.25"), parent=main.id)


def open_door(db: Connection, site: str) -> None:
    """Register a site's gateway."""
    doors.put(db, site, f"{site}-gw", enabled=True, credential=f"00{_N[site]}", actor="tests", now=FIRST)


def conflicts_of(sites: frozenset[str]) -> int:
    """How many conflicts there are at these sites: a sum that tells which they are."""
    return sum(2 ** _N[site] for site in sites)


def message_of(site: str) -> Delivery:
    """A site's message in the journal; "": one that names no site in its place, but in its text."""
    said = site or NOWHERE
    topic = Topic(said, f"{said}-gw", "telemetry").text if site else f"odd/{said}"
    return Delivery(topic, said.encode(), FIRST, None)


def alert_of(site: str) -> dict[str, Any]:
    """A site's alert; its id is the site's number."""
    return {
        "kind": "off_profile", "site": site, "meter": f"{site}-main", "state": "active", "since": FIRST,
        "confirmed": FIRST, "raised_at": FIRST, "updated_at": FIRST, "until": None, "late": False,
        "value": float(f"800{_N[site]}.75"), "limit": 1.3, "unit": "kWh", "excess": 0.2, "what_zh": f"高{site}",
        "what_en": f"high {site}", "evidence": {"curve": [[FIRST, float(f"800{_N[site]}.75")]], "note": site},
    }  # fmt: skip


def live_point(site: str, now: int) -> Point:
    """A reading of now."""
    return Point(Series("meter", site, f"{site}-main"), now, {"p_kw": float(f"700{_N[site]}.5"), "quality": 0.0})


def _points(site: str, now: int) -> list[Point]:
    out = [live_point(site, now - 60_000)]
    for n in range(WINDOWS + 1):
        for meter, each in zip(meters(site), (float(f"500{_N[site]}.25"), float(f"300{_N[site]}.25")), strict=True):
            fields = {"e_kwh": n * each, "p_kw": float(f"700{_N[site]}.5"), "quality": 0.0}
            out.append(Point(Series("meter", site, meter.id), FIRST + n * QUARTER, fields))
    return out


def _intake(site: str, n: int) -> list[tuple[Any, list[dict[str, Any]]]]:
    said = site or NOWHERE
    place = {"worker": "w1", "day": "2018-01-01", "item": -1}
    quarantine = {
        "at": FIRST,
        "site": site,
        "gateway": f"{said}-gw",
        "reason": f"odd_{said}",
        "detail": f"of {said}",
        "topic": f"ecm/v1/{said}/{said}-gw/telemetry",
        "excerpt": said,
        "size": 1,
        "row": n,
        "count": 0,
    }
    held = {
        "at": FIRST,
        "site": said,
        "gateway": f"{said}-gw",
        "meter": f"{said}-new",
        "time": FIRST,
        "quality": 0,
        "values": {"p_kw": 1.0},
        "row": 100 + n,
        **place,
    }
    conflicts = [
        {"at": FIRST, "site": said, "meter": f"{said}-main", "quantity": "p_kw", "time": FIRST, "kept": 1.0,
         "refused": 2.0, "row": 1000 * n + one, **place}
        for one in range(2**n)
    ]  # fmt: skip
    rows: list[tuple[Any, list[dict[str, Any]]]] = [
        (t.quarantine, [{**quarantine, **place}]), (t.held, [held]), (t.conflict, conflicts)
    ]  # fmt: skip
    if site:
        gateway = {"site": said, "gateway": f"{said}-gw", "boot": f"{said}-b", "seen": [[1, n]], "last_seq": n,
                   "first_at": FIRST, "last_at": FIRST}  # fmt: skip
        rows += [(t.gateway, [gateway]), (t.ledger, [{"site": said, "gateway": f"{said}-gw", "day": "2018-01-01"}])]
    return rows
