"""The real API over real stores on a free port, with a small known world behind it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
from fastapi import FastAPI
from sqlalchemy import Engine, insert

from analytics.accounts import Accounts
from api.app import create_app
from api.context import Context
from api.guard import Walls, hosts
from api.rates import Rules
from deploy.listen import Server
from energy.books import doors, parts, registry
from energy.books import tables as t
from energy.books.open import open_books
from energy.books.people import digest
from energy.registry import Boundary, Meter, Site
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from energy.window import QUARTER, parse_time
from tests.where_books import books_url

KEY = "the-key-of-the-tests"
PATIENT = Rules(requests=1_000_000, sign_ins=10_000, streams=1_000)  # the tests are faster than anybody
DAY = 96 * QUARTER
FIRST = parse_time("2018-01-01", "Asia/Shanghai")
SITES = (
    Site("steel-1", "钢厂", "Steel works"),
    Site("dc-1", "数据中心", "Data centre", "data_centre", boundary=Boundary(("facility",), ("it",))),
    Site("berlin-1", "柏林", "Berlin", zone="Europe/Berlin"),
    Site("empty-1", "空", "Empty"),
)
METERS = (
    Meter("steel-1", "incomer", "总进线", "Incomer", multiplier=Decimal("0.07")),
    Meter("steel-1", "second", "二线", "Second"),
    Meter("steel-1", "furnace", "电炉", "Furnace", parent="incomer"),
    Meter("steel-1", "steam", "蒸汽", "Steam", register="steam_t", decimals=3),
    Meter("steel-1", "gauge", "功率", "Gauge", register=None),
    Meter("dc-1", "facility", "总用电", "Facility"),
    Meter("dc-1", "it", "IT 用电", "IT", parent="facility"),
    Meter("berlin-1", "incomer", "总进线", "Incomer"),
)
WINDOWS = 3 * 96  # of each meter, from FIRST on
KINDS = ("off_profile", "pue_over_limit", "silent_meter")


def count_at(meter: Meter, n: int) -> int:
    """The register's counts at the n-th window edge after FIRST: a known, uneven rise."""
    step = {"facility": 1300, "it": 1000}.get(meter.id, 317)
    return step * n + (n * n) % 97 if step == 317 else step * n


@dataclass(frozen=True, slots=True)
class Served:
    """A running API: `http` with the key, `bare` without one."""

    url: str
    app: FastAPI
    context: Context
    http: httpx.Client
    bare: httpx.Client

    def get(self, path: str, **params: object) -> dict[str, Any]:
        """GET of /api/v1`path` → its JSON; AssertionError unless 200."""
        answer = self.http.get(f"/api/v1{path}", params={key: str(value) for key, value in params.items()})
        assert answer.status_code == 200, answer.text
        return dict(answer.json())


@contextmanager
def served(
    folder: Path, rules: Rules = PATIENT, books_at: str | None = None, walls: Walls | None = None,
    public: str | None = None,
) -> Iterator[Served]:  # fmt: skip
    """Serve the API on a folder with nothing in it but the books' first rows; `books_at`: their address.

    walls: without its names, which are those of where it listens and of `public`, the address that people use.
    """
    books = open_books(books_at or books_url(folder))
    readings, windows = SqliteStore(folder / "readings.db"), SqliteStore(folder / "accounts.db")
    with socket.socket(proto=socket.IPPROTO_TCP) as listener:  # asyncio sends without delay only where it is said
        listener.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        context = Context(books, readings, windows, public or url, digest(KEY), ("ingest",), folder / "journal")
        app = create_app(context, rules, replace(walls or Walls(), hosts=hosts(url, public or url)))
        server = Server(app, "127.0.0.1", 0)
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        key = {"Authorization": f"Bearer {KEY}"}
        with (
            closing(httpx.Client(base_url=url, headers=key, timeout=20)) as http,
            closing(httpx.Client(base_url=url, timeout=20)) as bare,
        ):
            try:
                yield Served(url, app, context, http, bare)
            finally:
                app.state.stopping.set()
                server.should_exit = True
                thread.join(10)
    assert not thread.is_alive()
    for store in (readings, windows):
        store.close()
    books.dispose()


def fill(one: Served) -> None:
    """The world that the tests know: sites, meters, readings and windows, alerts, and what came in."""
    context = one.context
    with context.books.begin() as db:
        for site in SITES:
            registry.put_site(db, site, "tests", FIRST)
        for meter in METERS:
            registry.put_meter(db, meter, "tests", FIRST)
        doors.put(db, "steel-1", "gw-1", enabled=True, credential="0123456789ab", actor="tests", now=FIRST)
        doors.put(db, "steel-1", "gw-2", enabled=False, credential="", actor="tests", now=FIRST)
        parts.say(db, "ingest", ok=True, detail={}, now=context.now())
    for meter in METERS:
        if meter.register is not None:
            context.readings.write([_reading(meter, n) for n in range(WINDOWS + 1)])
    touched = [{"site": m.site, "meter": m.id, "first": FIRST, "last": FIRST + WINDOWS * QUARTER} for m in METERS]
    with context.books.begin() as db:
        db.execute(insert(t.touched), touched)
    Accounts(context.books, context.readings, context.accounts).step()
    fill_books(context.books)


def _reading(meter: Meter, n: int) -> Point:
    fields = {str(meter.register): float(count_at(meter, n) * meter.resolution), "quality": 0.0}
    return Point(Series("meter", meter.site, meter.id), FIRST + n * QUARTER, fields)


def fill_books(books: Engine) -> None:
    """Alerts, what came in, and what of it was refused or is held."""
    alerts = [
        {"kind": KINDS[n % 3], "site": ("steel-1", "dc-1")[n % 2], "meter": ("incomer", "")[n % 2], "state": "active",
         "since": FIRST, "confirmed": FIRST + n, "raised_at": FIRST + n, "updated_at": FIRST + n, "until": None,
         "late": False, "value": 1.5, "limit": 1.3, "unit": "kWh", "excess": 0.2, "what_zh": "高", "what_en": "high",
         "evidence": {"curve": [[FIRST, 1.5]]}}
        for n in range(11)
    ]  # fmt: skip
    place = {"worker": "w1", "day": "2018-01-01", "item": -1}
    refused = [
        {"at": FIRST + n, "reason": ("not_json", "bad_topic")[n % 2], "detail": "no", "topic": "ecm/v1/x", "size": 1,
         "excerpt": "{", "row": n, "count": 0, **place}
        for n in range(9)
    ]  # fmt: skip
    held = [
        {"at": FIRST, "site": "steel-1", "gateway": "g", "meter": f"new-{n}", "time": FIRST + n, "quality": 0,
         "values": {"p_kw": 1.0}, "row": 100 + n, **place}
        for n in range(3)
    ]  # fmt: skip
    gateways = [
        {"site": "steel-1", "gateway": f"g-{n}", "boot": boot, "seen": [[1, 5], [8, 9]], "last_seq": 9,
         "first_at": FIRST, "last_at": FIRST + age}
        for n in range(5)
        for age, boot in enumerate(("old", "new"))
    ]  # fmt: skip
    with books.begin() as db:
        db.execute(insert(t.alert), alerts)
        steps = [
            {"alert": n + 1, "at": FIRST, "actor": "carbonwatch", "action": "raise", "note": ""} for n in range(11)
        ]
        db.execute(insert(t.alert_step), steps)
        for table, rows in ((t.quarantine, refused), (t.held, held), (t.gateway, gateways)):
            db.execute(insert(table), rows)
