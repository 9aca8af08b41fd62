"""Every change and every export is on record once, by whom, from where, before and after."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from sqlalchemy import Connection, delete, insert, select, text, update
from sqlalchemy.exc import SQLAlchemyError

from api.access import COOKIE
from energy.access import EVERYTHING, Role
from energy.books import people
from energy.books import tables as t
from energy.books.open import look, open_books
from energy.window import parse_time
from tests.api.calls import Call, calls
from tests.api.served import Served, served
from tests.api.world import BY_ROLE, HOLDERS, World, build, open_door
from tests.postgres import postgresql

GIVEN = {
    "site": "alfa01", "meter": "alfa01-main", "gateway": "alfa01-gw", "unit": "uqalfa", "region": "rqnorth",
    "from": "2018-01-01", "to": "2018-01-02", "scope": {"units": ["uqalfa"]}, "days": 30,
}  # fmt: skip
PASSWORD = "a password that nobody may see"


@dataclass(frozen=True, slots=True)
class Entry:
    """What the record is to say of a call: the action, a pattern of the target, and what of before and after."""

    action: str
    target: str
    before: bool = False
    after: bool = True
    site: str = ""


ENTRIES = {
    ("PUT", "/regions/{region}"): Entry("region.put", "region/rqnorth", before=True),
    ("PUT", "/units/{unit}"): Entry("unit.put", "unit/uqalfa", before=True),
    ("PUT", "/sites/{site}"): Entry("site.put", "site/alfa01", before=True, site="alfa01"),
    ("PUT", "/sites/{site}/meters/{meter}"): Entry("meter.put", "meter/alfa01/alfa01-main", before=True, site="alfa01"),
    ("PUT", "/sites/{site}/gateways/{gateway}"): Entry(
        "gateway.put", "gateway/alfa01/alfa01-gw", before=True, site="alfa01"
    ),
    ("DELETE", "/sites/{site}/gateways/{gateway}"): Entry(
        "gateway.remove", "gateway/alfa01/alfa01-gw", before=True, after=False, site="alfa01"
    ),
    ("POST", "/alerts/{ident}/acknowledge"): Entry("alert.acknowledge", "alert/1", before=True, site="alfa01"),
    ("POST", "/alerts/{ident}/resolve"): Entry("alert.resolve", "alert/1", before=True, site="alfa01"),
    ("POST", "/manual-readings"): Entry("readings.enter", "meter/alfa01/alfa01-main", site="alfa01"),
    ("POST", "/accounts/{name}"): Entry("account.add", "account/new-1"),
    ("PATCH", "/accounts/{name}"): Entry("account.change", "account/old-1", before=True),
    ("POST", "/keys"): Entry("key.add", r"key/\d+"),
    ("POST", "/keys/{ident}/rotate"): Entry("key.rotate", r"key/\d+", before=True),
    ("DELETE", "/keys/{ident}"): Entry("key.revoke", r"key/\d+", before=True, after=False),
    ("POST", "/console-links"): Entry("link.make", "console", after=False),
    ("POST", "/sessions"): Entry("session.open", "account:old-1", after=False),
    ("DELETE", "/sessions/current"): Entry("session.close", "account:old-1", after=False),
    ("DELETE", "/sessions/{ident}"): Entry("session.end", r"session/\d+", before=True, after=False),
}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """One world for the tests that look only at what they added to the record."""
    with served(tmp_path_factory.mktemp("record")) as one:
        yield build(one)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[World]:
    """A world of one's own."""
    with served(tmp_path) as one:
        yield build(one)


def writes(one: Served) -> list[Call]:
    """Every route that changes something, and the one that is open to all because it says who somebody is."""
    there = [call for call in calls(one.app) if call.writes]
    operation = one.app.openapi()["paths"]["/api/v1/sessions"]["post"]
    return [*there, Call("POST", "/api/v1/sessions", operation, there[0].permission)]


def exports(one: Served) -> list[Call]:
    """Every route that takes data away."""
    return [call for call in calls(one.app) if call.path.startswith("/api/v1/exports")]


def prepared(world: World, call: Call) -> tuple[dict[str, Any], dict[str, str]]:
    """What makes a call succeed: its arguments, and the headers of whoever makes it."""
    context, now = world.one.context, world.one.context.now()
    given: dict[str, Any] = {**GIVEN, "ident": 1}
    headers = {"Authorization": f"Bearer {world.keys['admin']}"}
    with context.books.begin() as db:
        if "{name}" in call.path or "sessions" in call.path:
            db.execute(delete(t.account))
            db.execute(delete(t.login))
            people.add_account(db, "old-1", PASSWORD, Role.ADMIN, EVERYTHING, now)
            given |= {"name": "new-1" if call.method == "POST" and "{name}" in call.path else "old-1"}
        if call.key == ("POST", "/sessions"):
            given, headers = {"name": "old-1", "password": PASSWORD}, {}
        if "{gateway}" in call.path:
            open_door(db, "alfa01")
        if "/keys/{ident}" in call.path:
            given["ident"] = people.add_key(db, "k", Role.ADMIN, EVERYTHING, now + 10**9, "tests", now)[0]
        if call.method == "DELETE" and "sessions" in call.path:
            secret = people.add_login(db, people.SESSION, "account:old-1", 10**9, "", now)
            given["ident"] = db.execute(select(t.login.c.id)).scalar_one()
            if call.path.endswith("current"):
                headers = {"Cookie": f"{COOKIE}={secret}", "X-Carbonwatch": "1"}
    return given, headers


def record(world: World) -> list[dict[str, Any]]:
    """Every entry, oldest first, as the auditor reads it."""
    answer = world.ask("auditor", "GET", "/api/v1/audit?limit=10000")
    assert answer.status_code == 200
    return list(reversed(answer.json()["items"]))


def keys_of(one: Served) -> list[tuple[str, str]]:
    return [call.key for call in writes(one)]


def test_it_is_known_of_every_write_what_the_record_says(known: Served) -> None:
    assert set(keys_of(known)) == ENTRIES.keys()


@pytest.mark.parametrize("key", ENTRIES, ids=" ".join)
def test_a_write_is_on_record_once_and_says_everything(world: World, key: tuple[str, str]) -> None:
    [call] = [one for one in writes(world.one) if one.key == key]
    given, headers = prepared(world, call)
    wanted, start, before = ENTRIES[key], world.one.context.now(), len(record(world))
    answer = world.one.bare.request(**call.request(given), headers=headers)
    assert answer.status_code < 300, answer.text
    [entry] = record(world)[before:]
    by_account = key in (("POST", "/sessions"), ("DELETE", "/sessions/current"))
    assert (entry["actor"], entry["role"]) == ("account old-1" if by_account else "key admin", "admin")
    assert entry["address"] == "127.0.0.1"
    assert start <= parse_time(entry["at"], "UTC") <= world.one.context.now()
    assert (entry["action"], entry["site"]) == (wanted.action, wanted.site)
    assert re.fullmatch(wanted.target, entry["target"])
    assert (entry["before"] is not None, entry["after"] is not None) == (wanted.before, wanted.after)
    if wanted.before and wanted.after:
        assert entry["before"] != entry["after"]


@pytest.mark.parametrize("key", ENTRIES, ids=" ".join)
def test_a_write_that_fails_leaves_nothing_on_record(world: World, key: tuple[str, str]) -> None:
    [call] = [one for one in writes(world.one) if one.key == key]
    given, headers = prepared(world, call)
    request, before = call.request(given), record(world)
    tried: list[httpx.Response] = []
    if key != ("POST", "/sessions"):
        tried.append(world.one.bare.request(**request))
        tried += [world.ask(BY_ROLE[role], **request) for role in Role if not call.allowed(role)]
    if request["json"] is not None:
        odd: list[Any] = [{**request["json"], "unknown": 1}, [], "x", {"note": 5, "name": 5, "site": 5}]
        tried += [world.one.bare.request(**{**request, "json": body}, headers=headers) for body in odd]
    if "{" in call.path:
        for name, missing in (("site", "no-such"), ("ident", 99), ("region", "a b"), ("unit", "a b"), ("name", "a b")):
            if f"{{{name}}}" in call.path and key != ("PUT", "/sites/{site}"):
                tried.append(world.one.bare.request(**call.request({**given, name: missing}), headers=headers))
    if key == ("POST", "/sessions"):
        tried.append(world.one.bare.request(**call.request({**given, "password": "another"})))
    if key == ("DELETE", "/sessions/current"):
        tried.append(world.ask("admin", **request))
    assert len(tried) >= 2 or key == ("POST", "/console-links")
    assert all(400 <= answer.status_code < 500 for answer in tried), [answer.status_code for answer in tried]
    assert record(world) == before


def test_a_write_whose_transaction_fails_leaves_nothing_on_record(own: World) -> None:
    """The record is written in the change's own transaction: what breaks one takes both back."""
    with own.one.context.books.begin() as db:
        db.execute(text("DROP TABLE alert_step"))
    answer = own.ask("admin", "POST", "/api/v1/alerts/1/acknowledge", json={})
    assert answer.status_code == 503
    with look(own.one.context.books) as db:
        assert db.execute(select(t.alert.c.state).where(t.alert.c.id == 1)).scalar() == "active"
    assert record(own) == []


def test_an_export_is_on_record(world: World) -> None:
    for call in exports(world.one):
        before = len(record(world))
        for form in ("csv", "parquet"):
            answer = world.ask("auditor", **call.request({"form": form, "site": "alfa01", **GIVEN}))
            assert answer.status_code == 200, f"{call.key} {answer.text}"
        mine = record(world)[before:]
        assert [entry["actor"] for entry in mine] == ["key auditor"] * 2, call.key
        assert all(entry["action"].startswith("export.") and entry["after"] for entry in mine)
        refused = world.ask("auditor", **call.request({"form": "csv", "from": "x"}))
        assert refused.status_code == 422
        assert len(record(world)) == before + 2


def test_a_link_that_is_spent_is_a_session_on_record(own: World) -> None:
    url = own.ask("auditor", "POST", "/api/v1/console-links").json()["url"]
    assert own.one.bare.get(url).headers["location"] == "/"
    assert own.one.bare.get(url).headers["location"] == "/?link=spent"
    assert [(one["action"], one["actor"], one["role"]) for one in record(own)] == [
        ("link.make", "key auditor", "auditor"), ("session.open", "key auditor", "auditor"),
    ]  # fmt: skip


def test_the_same_write_twice_under_one_idempotency_key_is_on_record_once(own: World) -> None:
    headers = {"Authorization": f"Bearer {own.keys['admin']}", "Idempotency-Key": "once"}
    for _ in range(2):
        assert own.one.bare.post("/api/v1/alerts/1/acknowledge", json={}, headers=headers).status_code == 200
    assert [entry["action"] for entry in record(own)] == ["alert.acknowledge"]


def test_the_record_is_read_by_auditor_and_admin_and_found_by_its_filters(own: World) -> None:
    for site in ("alfa01", "brav01"):
        own.ask("admin", "PUT", f"/api/v1/sites/{site}", json={"unit": "uqdelt"})
    own.ask("officer-south", "POST", "/api/v1/alerts/4/acknowledge", json={"note": "seen"})
    for name, held in HOLDERS.items():
        may = held.role in (Role.AUDITOR, Role.ADMIN)
        assert own.ask(name, "GET", "/api/v1/audit").status_code == (200 if may else 403)

    def found(**params: str) -> list[str]:
        return [one["target"] for one in own.ask("auditor", "GET", "/api/v1/audit", params=params).json()["items"]]

    assert found() == ["alert/4", "site/brav01", "site/alfa01"]
    assert found(actor="key officer-south") == ["alert/4"]
    assert found(action="site.put", site="alfa01") == ["site/alfa01"]
    assert found(limit="2") == ["alert/4", "site/brav01"]
    assert found(actor="nobody") == []


def only_added_to(url: str) -> None:
    """AssertionError unless the books at this address refuse to change or drop an entry."""
    books = open_books(url)

    def add(db: Connection) -> None:
        db.execute(insert(t.audit).values(at=1, actor="x", action="y", target="z"))

    with books.begin() as db:
        add(db)
    attempts: list[Any] = [
        update(t.audit).values(actor="nobody"), delete(t.audit), text("UPDATE audit SET at = 2 WHERE id = 1"),
        text("DELETE FROM audit WHERE id = 1"),
    ]  # fmt: skip
    if books.dialect.name == "postgresql":
        attempts += [text("TRUNCATE audit"), text("INSERT INTO audit (id, actor) VALUES (1, 'n') ON CONFLICT (id) "
                                                  "DO UPDATE SET actor = 'n'")]  # fmt: skip
    else:
        attempts += [text("REPLACE INTO audit (id, actor) VALUES (1, 'nobody')")]
    for attempt in attempts:
        with pytest.raises(SQLAlchemyError, match="append-only"), books.begin() as db:
            db.execute(attempt)
    with books.begin() as db:
        add(db)
    with look(books) as db:
        assert db.execute(select(t.audit.c.id, t.audit.c.actor).order_by(t.audit.c.id)).all() == [(1, "x"), (2, "x")]
    books.dispose()


def test_sqlite_only_adds_to_the_record(tmp_path: Path) -> None:
    only_added_to(f"sqlite:///{tmp_path}/books.db")


@pytest.mark.needs("postgresql")
def test_postgresql_only_adds_to_the_record() -> None:
    with postgresql() as cluster:
        only_added_to(cluster.url(cluster.create()))


def test_an_entry_has_what_was_before_and_what_is_after(own: World) -> None:
    assert record(own) == []
    own.ask("admin", "PUT", "/api/v1/regions/r-9", json={})
    own.ask("admin", "PUT", "/api/v1/regions/r-9", json={"name_en": "Nine"})
    before, after = record(own)
    assert (before["before"], before["after"]["name_en"]) == (None, "r-9")
    assert (after["before"]["name_en"], after["after"]["name_en"]) == ("r-9", "Nine")
