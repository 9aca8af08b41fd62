"""Nothing of a site, unit or region that is closed to somebody comes out of any route, and nothing gets in."""

import re
import threading
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select, update

from energy.books import tables as t
from energy.books.open import look
from tests.api.calls import Call, calls, said
from tests.api.served import served
from tests.api.world import (
    BOUND,
    HOLDERS,
    NOWHERE,
    REGIONS,
    SITES,
    UNITS,
    World,
    build,
    closed_marks,
    conflicts_of,
    live_point,
    marks_of,
)

RANGE = {"from": "2018-01-01", "to": "2018-01-02"}
MISSING = "none01"  # as long as the others, and no site
PLACES = [*SITES, NOWHERE, MISSING]
NUMBER = {site: n + 1 for n, site in enumerate(SITES)}
TEXTS: dict[str, list[Any]] = {
    "site": PLACES, "unit": [*UNITS, "none"], "region": [*REGIONS, "none"], "ident": list(range(8)),
    "cursor": [0, 1, 3], "limit": [1, 2, 10_000], "from": ["2018-01-01", "2018-01-01T01:00", "x"],
    "to": ["2018-01-02", "2018-01-01T02:00"],
    "reason": [f"odd_{place}" for place in PLACES], "actor": ["tests", "key admin"], "action": ["site.put"],
    "name": ["wang"], "gateway": [f"{place}-gw" for place in PLACES], "worker": ["w1", "manual"], "day": ["2018-01-01"],
}  # fmt: skip
SKIPPED_HEADERS = {"date", "ratelimit"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("scope")) as one:
        yield build(one)


def told(text: str, marks: frozenset[str]) -> list[str]:
    """The marks that a text has; a number only where it is not part of a longer one."""
    return sorted(mark for mark in marks if re.search(rf"(?<![\d.]){re.escape(mark)}(?!\d)", text))


def check(holder: str, answer: httpx.Response, asked: str = "") -> None:
    """AssertionError when an answer tells what is closed to its reader, apart from what was asked for by name."""
    marks = frozenset(mark for mark in closed_marks(HOLDERS[holder]) if mark not in asked)
    assert told(said(answer), marks) == [], (
        f"{holder} {answer.request.method} {answer.request.url}: {answer.text[:500]}"
    )


def reads(world: World) -> list[Call]:
    """Every route that does not change anything, but for the stream, which has no end."""
    return [call for call in calls(world.one.app) if call.method == "GET" and not call.path.endswith("/stream")]


def values(world: World, parameter: dict[str, Any]) -> list[Any]:
    """What a parameter may be given: known texts by its name, or what its schema says."""
    name, schemas = parameter["name"], world.one.app.openapi()["components"]["schemas"]
    for one in parameter["schema"].get("anyOf", [parameter["schema"]]):
        one = schemas[one["$ref"].rpartition("/")[2]] if "$ref" in one else one
        if "enum" in one:
            return list(one["enum"])
        if "const" in one:
            return [one["const"]]
        if name not in TEXTS and one.get("type") in ("integer", "boolean"):
            return [0, 1]
    return TEXTS.get(name, [*PLACES, "x"])


def asked(world: World, call: Call, data: st.DataObject) -> dict[str, Any]:
    """Parameters for a call, mostly such as make sense together."""
    site = data.draw(st.sampled_from(PLACES))
    wanted: dict[str, Any] = {}
    for one in call.parameters:
        if not one["required"] and one["name"] not in ("from", "to") and data.draw(st.booleans()):
            continue
        if one["name"] == "site":
            wanted["site"] = site
        elif one["name"] == "meter":
            place = data.draw(st.sampled_from([site, site, site, *PLACES]))
            wanted["meter"] = f"{place}-{data.draw(st.sampled_from(['main', 'it', 'new']))}"
        else:
            wanted[one["name"]] = data.draw(st.sampled_from(values(world, one)))
    return wanted


def test_the_world_is_there_and_its_marks_would_be_found(world: World) -> None:
    """To whom everything is open, every mark is told by some read: else its absence elsewhere would say nothing."""
    heard = ""
    for call in reads(world):
        needed = {one["name"] for one in call.parameters if one["required"]}
        for site, unit in SITES.items():
            ask = {
                "site": site, "meter": f"{site}-main", "gateway": f"{site}-gw", "ident": NUMBER[site],
                "unit": unit, "region": UNITS[unit], "name": "wang", "form": "csv",
                "step": "15m" if call.path.endswith("/energy") else "hour", **RANGE,
            }  # fmt: skip
            heard += said(world.ask("admin", **call.request(ask)))
            heard += said(world.ask("admin", **call.request({name: ask[name] for name in needed})))
    for site in SITES:
        missing = marks_of(site) - set(told(heard, marks_of(site))) - {f"300{NUMBER[site]}.25"}
        assert not missing, site
    assert set(told(heard, frozenset({*UNITS, *REGIONS, NOWHERE}))) == {*UNITS, *REGIONS, NOWHERE}


@settings(max_examples=400, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_read_tells_what_is_closed(world: World, data: st.DataObject) -> None:
    holder = data.draw(st.sampled_from(BOUND))
    call = data.draw(st.sampled_from([one for one in reads(world) if one.allowed(HOLDERS[holder].role)]))
    wanted = asked(world, call, data)
    answer = world.ask(holder, **call.request(wanted))
    assert answer.status_code in (200, 404, 422), answer.text
    check(holder, answer, " ".join(str(value) for value in wanted.values()))


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_list_holds_what_is_open_and_all_of_it(world: World, holder: str) -> None:
    held = HOLDERS[holder]

    def items(path: str) -> list[dict[str, Any]]:
        answer = world.ask(holder, "GET", f"/api/v1{path}")
        assert answer.status_code == 200
        check(holder, answer)
        return list(answer.json()["items"])

    beyond = [NOWHERE] if held.scope.everything else []
    assert {one["id"] for one in items("/sites")} == held.sites
    assert {one["id"] for one in items("/units")} - {"default"} == held.units
    assert {one["id"] for one in items("/regions")} - {"default"} == held.regions
    assert {(one["site"], one["id"]) for one in items("/meters")} == {
        (site, f"{site}-{name}") for site in held.sites for name in ("main", "it")
    }
    assert {one["id"] for one in items("/alerts")} == {NUMBER[site] for site in held.sites}
    assert {one["gateway"] for one in items("/registered-gateways")} == {f"{site}-gw" for site in held.sites}
    assert {one["site"] for one in items("/gateways")} == {*held.sites, *beyond}
    assert {one["site"] for one in items("/quarantine")} == {*held.sites, *beyond, *([""] if beyond else [])}
    assert {one["site"] for one in items("/ledger")} == {*held.sites, *beyond}
    assert {one["site"] for one in items("/held")} == {*held.sites, *beyond}
    assert {one["site"] for one in items("/conflicts")} == {*held.sites, *beyond}
    assert {one["site"] for one in items("/journal")} == {*held.sites, *beyond, *([None] if beyond else [])}
    me = world.ask(holder, "GET", "/api/v1/me").json()
    assert set(me["sites"]) == held.sites
    whole = world.ask(holder, "GET", "/api/v1/quarantine").json()
    rest = 2**6 + 2**7 if beyond else 0  # of what is no site, and of what names none
    assert whole["conflicts"] == conflicts_of(held.sites) + rest
    assert whole["held"]["count"] == len(held.sites) + (2 if beyond else 0)
    assert {one["site"] for one in whole["held"]["meters"]} == {*held.sites, *beyond}
    assert whole["reasons"].keys() == {f"odd_{site}" for site in {*held.sites, *beyond}}


def same_but(answer: httpx.Response, name: str) -> tuple[int, dict[str, str], str]:
    """Status, headers and body of an answer with the name that was asked for taken out."""
    headers = {key: value for key, value in answer.headers.items() if key not in SKIPPED_HEADERS}
    return answer.status_code, headers, re.sub(rf"\b{re.escape(name)}(?=\b|-)", "?", answer.text)


def placed(call: Call, site: str, unit: str) -> dict[str, Any]:
    """Arguments that lead a call to a site, or to its alert."""
    return {
        "site": site, "meter": f"{site}-main", "gateway": f"{site}-gw", "ident": NUMBER.get(site, 9), "unit": unit,
        "form": "csv", **RANGE,
    }  # fmt: skip


def about_sites(world: World) -> list[Call]:
    """Every route that leads to one site, by its name or by its alert."""
    found = [call for call in calls(world.one.app) if call.names("site") or "/alerts/{ident}" in call.path]
    assert len(found) >= 13
    return found


def books_of(world: World) -> dict[str, Any]:
    """Every row of the books."""
    with look(world.one.context.books) as db:
        return {table.name: sorted(map(str, db.execute(select(table)))) for table in t.META.sorted_tables}


@pytest.mark.parametrize("holder", BOUND)
def test_a_closed_site_answers_like_one_that_does_not_exist_and_takes_nothing(world: World, holder: str) -> None:
    held, before = HOLDERS[holder], books_of(world)
    for call in about_sites(world):
        unit = "none" if call.key == ("PUT", "/sites/{site}") else next(iter(held.units))
        missing = world.ask(holder, **call.request(placed(call, MISSING, unit)))
        assert missing.status_code == (404 if call.allowed(held.role) else 403), f"{call.key} {missing.text}"
        for site in SITES.keys() - held.sites:
            closed = world.ask(holder, **call.request(placed(call, site, unit)))
            check(holder, closed, f"{site} {unit}")
            wanted = same_but(missing, "9" if "ident" in call.path else MISSING)
            assert same_but(closed, str(NUMBER[site]) if "ident" in call.path else site) == wanted, call.key
    assert books_of(world) == before


@pytest.mark.parametrize("holder", ["manager-alfa", "manager-brav-delt", "developer-delt"])
def test_no_site_is_made_moved_or_taken_across_the_bounds(world: World, holder: str) -> None:
    held, before = HOLDERS[holder], books_of(world)

    def put(site: str, unit: str | None) -> httpx.Response:
        answer = world.ask(holder, "PUT", f"/api/v1/sites/{site}", json={"unit": unit})
        check(holder, answer, f"{site} {unit}")
        return answer

    own, open_site = sorted(held.units)[0], sorted(held.sites)[0]
    for other in [*(UNITS.keys() - held.units), "default", "none"]:
        unknown = put("new-1", "none-1").text.replace("none-1", "?")
        assert put("new-1", other).text.replace(other, "?") == unknown
        assert put(open_site, other).status_code == 404
        assert put(open_site, other).text.replace(other, "?") == unknown
    for site in SITES.keys() - held.sites:
        # The one thing that a name which is taken cannot hide: nobody can make it anew.
        assert (put(site, own).status_code, put(site, None).status_code) == (404, 404)
    assert books_of(world) == before


def listen(world: World, holder: str, heard: dict[str, str], headers: dict[str, str], enough: str) -> None:
    """Keep what a holder's stream says until it has said `enough`, and then for one more turn."""
    key = {"Authorization": f"Bearer {world.keys[holder]}", **headers}
    turns = 12
    with httpx.stream("GET", f"{world.one.url}/api/v1/stream", headers=key, timeout=20) as answer:
        assert answer.status_code == 200
        for line in answer.iter_lines():
            heard[holder] += line + "\n"
            if line.startswith(":"):
                turns = min(turns - 1, 1) if enough in heard[holder] else turns - 1
            if turns <= 0:
                return


@pytest.mark.usefixtures("quick_stream")
def test_no_stream_tells_what_is_closed(world: World) -> None:
    context, heard = world.one.context, dict.fromkeys(HOLDERS, "")
    threads = [threading.Thread(target=listen, args=(world, holder, heard, {}, "event: alert")) for holder in HOLDERS]
    for thread in threads:
        thread.start()
    for thread in threads:
        while not heard[threads_name(threads, thread)]:
            thread.join(0.05)
    context.readings.write([live_point(site, context.now()) for site in SITES])
    with context.books.begin() as db:
        db.execute(update(t.alert).values(updated_at=context.now()))
    for thread in threads:
        thread.join(30)
    for holder, held in HOLDERS.items():
        assert told(heard[holder], closed_marks(held)) == [], holder
        for site in held.sites:
            assert f'"site": "{site}"' in heard[holder], f"{holder} has not heard of {site}"
            assert f"800{NUMBER[site]}.75" in heard[holder]
    resume(world, heard["admin"])


def threads_name(threads: list[threading.Thread], thread: threading.Thread) -> str:
    """The holder whose stream a thread reads."""
    return list(HOLDERS)[threads.index(thread)]


def resume(world: World, whole: str) -> None:
    """A stream that goes on from an id of somebody else's stream tells no more."""
    idents = re.findall(r"^id: (.+)$", whole, re.MULTILINE)
    for ident in idents[:1]:
        again = {"officer-south": "", "operator-alfa01": ""}
        for holder in again:
            listen(world, holder, again, {"Last-Event-ID": ident}, ":")
            assert told(again[holder], closed_marks(HOLDERS[holder])) == [], holder
