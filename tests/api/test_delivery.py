"""The lists of delivery, over messages that were really journaled and landed, and over what somebody did to them."""

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from api import journal as module
from energy import manual
from energy.books import registry
from energy.broker.port import Delivery
from energy.journal import Journal, leaf_hash
from energy.registry import Meter, Site
from energy.topic import Topic
from energy.window import parse_time
from ingest.landings import Landings
from tests.api.served import Served, served

NOW = 1_795_306_500_000  # on 2026-11-22
DAY, DAY_MS = "2026-11-22", 86_400_000
COUNTS = ("messages", "undecodable", "received", "landed", "duplicate", "conflict", "held", "refused")


@pytest.fixture
def one(tmp_path: Path) -> Iterator[Served]:
    """An API with two sites and one meter, m-1, at each."""
    with served(tmp_path) as api:
        with api.context.books.begin() as db:
            for site in ("s-1", "s-2"):
                registry.put_site(db, Site(site, site, site), "tests", NOW)
        register(api, "s-1", "m-1")
        register(api, "s-2", "m-1")
        yield api


def register(one: Served, site: str, meter: str) -> None:
    with one.context.books.begin() as db:
        registry.put_meter(db, Meter(site, meter, meter, meter), "tests", NOW)


def folder(one: Served) -> Path:
    assert one.context.journal is not None
    return one.context.journal


def said(gateway: str, *readings: dict[str, Any], at: int = NOW, site: str = "s-1") -> Delivery:
    """A telemetry message as it comes in."""
    return Delivery(Topic(site, gateway, "telemetry").text, json.dumps({"readings": readings}).encode(), at, None)


def value(meter: str = "m-1", ts: int = NOW, **rest: Any) -> dict[str, Any]:
    return {"meter": meter, "ts": ts, **rest}


def journaled(one: Served, *deliveries: Delivery, worker: str = "w1") -> None:
    with closing(Journal(folder(one), worker)) as journal:
        journal.append(deliveries)


def land(one: Served) -> None:
    """Land everything, as ingest does."""
    landings = Landings(one.context.books, one.context.readings, folder(one), ("w1", manual.WORKER))
    while landings.step():
        pass


def tamper(one: Served, statement: str, day: str = DAY, worker: str = "w1") -> None:
    with closing(sqlite3.connect(folder(one) / f"{worker}-{day}.db")) as file, file:
        file.execute(statement)


def counts(**more: int) -> dict[str, int]:
    return dict.fromkeys(COUNTS, 0) | more


def rows(one: Served, **ask: object) -> list[int]:
    return [item["row"] for item in one.get("/journal", **ask)["items"]]


def test_the_ledger_tells_gateways_and_utc_days_apart(one: Served) -> None:
    journaled(
        one,
        said("b", value(p_kw=1.0, pf=0.5), value(ts=0, p_kw=1.0)),
        said("a", value(p_kw=1.0), value("m-9", p_kw=2.0)),
        said("a", value(p_kw=3.0), value(ts=NOW + 1, p_kw=3.0), at=NOW + DAY_MS),
        said("c", value(p_kw=1.0), site="s-2"),
        Delivery("odd", b"", NOW, None),
        Delivery("ecm/v1/s-2/c/telemetry", b"{", NOW, None),
    )
    land(one)
    nowhere = {"site": "", "gateway": "", "day": DAY, **counts(messages=1, undecodable=1)}
    a, b = ({"site": "s-1", "gateway": gateway, "day": DAY} for gateway in "ab")
    whole = [
        nowhere, a | counts(messages=1, received=2, duplicate=1, held=1),
        b | counts(messages=1, received=3, landed=2, refused=1),
        {"site": "s-2", "gateway": "c", "day": DAY, **counts(messages=2, undecodable=1, received=1, landed=1)},
        a | {"day": "2026-11-23", **counts(messages=1, received=2, landed=1, conflict=1)},
    ]  # fmt: skip
    assert one.get("/ledger") == {"items": whole, "next": None}
    assert one.get("/ledger", site="s-1")["items"] == [whole[1], whole[2], whole[4]]
    assert one.get("/ledger", site="s-1", gateway="a")["items"] == [whole[1], whole[4]]
    assert one.get("/ledger", **{"from": "2026-11-23"})["items"] == [whole[4]]
    assert one.get("/ledger", to="2026-11-23")["items"] == whole[:4]


@pytest.mark.parametrize("ask", [{"from": "x"}, {"to": "2026-13-01"}, {"from": "2026-11-22T00:00"}])
def test_what_is_no_day_is_said(one: Served, ask: dict[str, str]) -> None:
    answer = one.http.get("/api/v1/ledger", params=ask)
    assert (answer.status_code, answer.json()["type"]) == (422, "bad_time")
    assert next(iter(ask.values())) in answer.json()["detail"]


def test_held_readings_are_listed_before_and_after_they_land(one: Served) -> None:
    journaled(
        one,
        said("a", value(p_kw=0.0), value("m-8", p_kw=1.0, pf=0.5, q="estimated")),
        said("b", value("m-9", p_kw=2.0)),
    )
    land(one)
    first, second = one.get("/held")["items"]
    assert first == {
        "id": first["id"], "at": "2026-11-22T00:15:00+00:00", "site": "s-1", "gateway": "a", "meter": "m-8",
        "time": "2026-11-22T00:15:00+00:00", "ms": NOW, "values": {"p_kw": 1.0, "pf": 0.5}, "quality": "estimated",
        "landed_at": None, "journal": {"worker": "w1", "day": DAY, "row": 1, "item": 1},
    }  # fmt: skip
    assert (second["meter"], second["journal"]["row"], second["quality"]) == ("m-9", 2, "measured")
    register(one, "s-1", "m-9")
    before = one.context.now()
    land(one)
    [landed] = one.get("/held", state="landed")["items"]
    assert landed == second | {"landed_at": landed["landed_at"]}
    assert before <= parse_time(landed["landed_at"], "UTC") <= one.context.now()
    assert one.get("/held", state="waiting")["items"] == [first]
    assert one.get("/held", gateway="b")["items"] == [landed]
    assert one.get("/held", site="s-2")["items"] == []


def test_conflicts_say_what_stands_and_what_came(one: Served) -> None:
    journaled(one, said("a", value(p_kw=1.0, pf=0.5)), said("b", value(ts=NOW + 1, pf=0.1), value(p_kw=2.0, pf=0.5)))
    journaled(one, said("b", value(p_kw=3.0), site="s-2"), said("b", value(p_kw=4.0), site="s-2"))
    land(one)
    first, second = one.get("/conflicts")["items"]
    assert {name: first[name] for name in first.keys() - {"id", "at"}} == {
        "site": "s-1", "meter": "m-1", "time": "2026-11-22T00:15:00+00:00", "ms": NOW, "quantity": "p_kw",
        "kept": 1.0, "refused": 2.0, "journal": {"worker": "w1", "day": DAY, "row": 2, "item": 1},
    }  # fmt: skip
    assert (second["site"], second["kept"], second["refused"]) == ("s-2", 3.0, 4.0)
    assert one.get("/conflicts", site="s-2", meter="m-1")["items"] == [second]
    assert one.get("/conflicts", meter="m-2")["items"] == []


def test_the_journal_gives_every_message_as_it_came(one: Served) -> None:
    entry = manual.encode(manual.Entry("me", "why", "m-1", [manual.Entered(NOW, {"p_kw": 1.0}, "measured")]))
    by_hand = Delivery(manual.topic("s-1"), entry, NOW + 5, None)
    foreign, false = Delivery("a/主题", b"\xff\x00", NOW, None), by_hand._replace(received_at=NOW)
    good = said("a", value(p_kw=1.0))
    journaled(one, good, foreign, false)
    journaled(one, by_hand, worker=manual.WORKER)
    page = one.get("/journal")
    assert (page["next"], page["holes"], page["cut_short"]) == (None, [], [])
    assert page["items"] == [
        {"worker": worker, "day": DAY, "row": row, "received_at": at, "ms": sent.received_at, "topic": sent.topic,
         "site": site, "gateway": gateway, "size": len(sent.payload),
         "sha256": hashlib.sha256(sent.payload).hexdigest(), "leaf": leaf_hash(sent).hex(), "intact": True}
        for worker, row, sent, site, gateway, at in (
            (manual.WORKER, 1, by_hand, "s-1", "manual", "2026-11-22T00:15:00.005000+00:00"),
            ("w1", 1, good, "s-1", "a", "2026-11-22T00:15:00+00:00"),
            ("w1", 2, foreign, None, None, "2026-11-22T00:15:00+00:00"),
            ("w1", 3, false, None, None, "2026-11-22T00:15:00+00:00"),
        )
    ]  # fmt: skip
    assert [item["worker"] for item in one.get("/journal", gateway="manual")["items"]] == [manual.WORKER]
    assert [item["gateway"] for item in one.get("/journal", site="s-1")["items"]] == ["manual", "a"]
    assert one.get("/journal", site="s-2")["items"] == []
    assert [item["worker"] for item in one.get("/journal", worker="w1")["items"]] == ["w1"] * 3


@pytest.mark.parametrize(("limit", "look_at"), [(3, 1000), (1000, 3)])
def test_a_page_is_bounded_over_all_journals_together(
    one: Served, monkeypatch: pytest.MonkeyPatch, limit: int, look_at: int
) -> None:
    monkeypatch.setattr(module, "_LOOK_AT", look_at)
    for worker in ("w1", "w2", "w3"):
        journaled(one, said("a"), said("a"), worker=worker)
    found: list[list[tuple[str, int]]] = []
    cursor: str | None = None
    while not found or cursor is not None:
        page = one.get("/journal", limit=limit, **({} if cursor is None else {"cursor": cursor}))
        found.append([(item["worker"], item["row"]) for item in page["items"]])
        cursor = page["next"]
    assert found == [[("w1", 1), ("w1", 2), ("w2", 1)], [("w2", 2), ("w3", 1), ("w3", 2)]]


@pytest.mark.parametrize("look_at", [1, 4, 1000])
@pytest.mark.parametrize("limit", [1, 3, 1000])
def test_a_gateways_messages_are_told_from_holes_whoever_sent_what_is_gone(
    one: Served, monkeypatch: pytest.MonkeyPatch, look_at: int, limit: int
) -> None:
    monkeypatch.setattr(module, "_LOOK_AT", look_at)
    for day in range(2):
        journaled(one, *(said("ab"[n % 2], value(ts=n, p_kw=1.0), at=NOW + day * DAY_MS) for n in range(8)))
    tamper(one, "DELETE FROM record WHERE row IN (1, 4, 5)")
    tamper(one, "DELETE FROM record WHERE row = 7", "2026-11-23")
    items, holes, pages = [], [], 0
    cursor: str | None = None
    while pages == 0 or cursor is not None:
        ask = {} if cursor is None else {"cursor": cursor}
        page = one.get("/journal", site="s-1", gateway="a", limit=limit, **ask)
        items += [(item["day"], item["row"]) for item in page["items"]]
        holes += [tuple(hole.values()) for hole in page["holes"]]
        cursor, pages = page["next"], pages + 1
    assert items == [(DAY, 3), (DAY, 7), *(("2026-11-23", row) for row in (1, 3, 5))]
    assert holes == [("w1", DAY, 1, 1), ("w1", DAY, 4, 5), ("w1", "2026-11-23", 7, 7)]
    assert pages >= max(len(items) // limit, 12 // look_at)
    assert rows(one, day=DAY, gateway="b", limit=1000) == {1: [2], 4: [2, 6], 1000: [2, 6, 8]}[look_at]


def test_what_is_changed_is_named_and_what_is_impossible_is_shown(one: Served) -> None:
    journaled(one, *(said("a", value(ts=n, p_kw=1.0)) for n in range(5)))
    tamper(one, "UPDATE record SET payload = CAST('{}' AS BLOB) WHERE row = 2")
    tamper(one, "UPDATE record SET received_at = 9223372036854775807 WHERE row = 4")
    items = one.get("/journal")["items"]
    assert [item["row"] for item in items if not item["intact"]] == [2, 4]
    assert (items[1]["size"], items[1]["sha256"]) == (2, hashlib.sha256(b"{}").hexdigest())
    assert (items[3]["ms"], items[3]["received_at"]) == (2**63 - 1, None)


def test_a_journal_that_ends_before_what_has_landed_is_cut_short(one: Served) -> None:
    journaled(one, *(said("a", value(ts=NOW + n, p_kw=1.0)) for n in range(5)))
    land(one)
    assert (one.get("/journal")["cut_short"], one.get("/journal")["holes"]) == ([], [])
    tamper(one, "DELETE FROM record WHERE row > 3")
    cut = [{"worker": "w1", "day": DAY, "last": 3, "landed": 5}]
    assert one.get("/journal")["holes"] == [{"worker": "w1", "day": DAY, "first": 4, "last": 5}]
    asks: list[dict[str, str]] = [{}, {"site": "s-2"}, {"worker": "w1", "day": DAY}]
    for ask in asks:
        assert one.get("/journal", **ask)["cut_short"] == cut
    for other in ({"worker": "manual"}, {"day": "2026-11-23"}):
        assert one.get("/journal", **other)["cut_short"] == []
    journaled(one, said("a", at=NOW + DAY_MS))
    (folder(one) / f"w1-{DAY}.db").unlink()
    assert one.get("/journal")["cut_short"] == [{**cut[0], "last": 0}]


def test_an_api_apart_from_the_journals_says_so(one: Served) -> None:
    land(one)  # of nothing: ingest has started, and nothing has come
    assert one.get("/journal") == {"items": [], "next": None, "holes": [], "cut_short": []}
    journaled(one, said("a", value(p_kw=1.0)))
    land(one)
    shutil.move(folder(one), folder(one).with_name("elsewhere"))
    answer = one.http.get("/api/v1/journal")
    assert (answer.status_code, answer.json()["type"]) == (409, "no_journal")
    assert answer.headers["content-type"] == "application/problem+json"
    assert one.http.get("/api/v1/journal?site=nobody").status_code == 404


@pytest.mark.parametrize(
    "cursor", ["x", "3", "w1/2026-11-22", "../x/2026-11-22/1", "w1/2026-11-22/-1", "w1//1 ", "w1/x/1"]
)
def test_a_cursor_that_no_page_gave_is_refused(one: Served, cursor: str) -> None:
    answer = one.http.get("/api/v1/journal", params={"cursor": cursor})
    assert (answer.status_code, answer.json()["type"]) == (422, "bad_cursor")


def test_no_name_leads_out_of_the_folder(one: Served, tmp_path: Path) -> None:
    journaled(one, said("a"))
    shutil.copytree(folder(one), tmp_path / "other")
    for worker in ("../other/w1", "w?", "*", "w1/../w1", str(tmp_path / "other" / "w1")):
        assert one.get("/journal", worker=worker)["items"] == []
    assert rows(one, worker="w1") == [1]


def test_the_newest_values_say_their_quality(one: Served) -> None:
    now = one.context.now()
    journaled(one, said("a", value(ts=now - 5000, p_kw=1.0), value(ts=now - 4000, p_kw=2.0, q="estimated"), at=now))
    journaled(one, said("a", value(ts=now - 5000, p_kw=1.0), at=now, site="s-2"))
    land(one)
    latest = {meter["site"]: meter["latest"] for meter in one.get("/meters")["items"]}
    assert {site: (found["values"], found["quality"]) for site, found in latest.items()} == {
        "s-1": ({"p_kw": 2.0}, "estimated"), "s-2": ({"p_kw": 1.0}, "measured")
    }  # fmt: skip
