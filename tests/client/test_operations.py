"""The client has one method for each operation of the API, and every answer is what its type says."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, get_args, get_origin, get_type_hints

import httpx
import pytest

from energy.client import Client, Event
from energy.client.calls import Calls
from tests.api.served import DAY, FIRST, KEY, Served
from tests.client.shape import check

PASSWORD = "correct horse battery"
FROM, TO = "2018-01-01", "2018-01-03"


def sign_out(client: Client) -> None:
    """Out of a session of the client's own: a key has none."""
    key = client._http.headers.pop("Authorization")
    client._http.headers["X-Carbonwatch"] = "1"
    client.sign_in("wang", f"{PASSWORD} staple")
    client.sign_out()
    client._http.headers["Authorization"] = key


# Method → calls of it, in an order in which each finds what it needs.
CALLS: dict[str, list[Callable[[Client, Path], Any]]] = {
    "health": [lambda c, _: c.health()],
    "metrics": [lambda c, _: c.metrics()],
    "me": [lambda c, _: c.me()],
    "regions": [lambda c, _: c.regions()],
    "put_region": [lambda c, _: c.put_region("north", {"name_en": "North"})],
    "region": [lambda c, _: c.region("north")],
    "change_region": [lambda c, _: c.change_region("south", {"name_en": "South"})],
    "units": [lambda c, _: c.units(), lambda c, _: c.units("default")],
    "put_unit": [lambda c, _: c.put_unit("u-1", {"region": "north", "credit_code": "91320000MA1XXXXX0A"})],
    "unit": [lambda c, _: c.unit("u-1")],
    "change_unit": [lambda c, _: c.change_unit("u-1", {"name_en": "One"})],
    "sites": [lambda c, _: c.sites(), lambda c, _: c.sites("default")],
    "put_site": [
        lambda c, _: c.put_site("new-1", {"unit": "u-1"}),
        lambda c, _: c.put_site("new-2", {"boundary": {"facility": ["a"], "it": ["b"]}}),
    ],
    "site": [lambda c, _: c.site("dc-1")],
    "change_site": [lambda c, _: c.change_site("new-2", {"kind": "data_centre"})],
    "meters": [lambda c, _: c.meters(), lambda c, _: c.meters("steel-1")],
    "put_meter": [lambda c, _: c.put_meter("new-1", "m", {"register": None})],
    "meter": [lambda c, _: c.meter("new-1", "m")],
    "change_meter": [lambda c, _: c.change_meter("new-1", "m", {"parent": None, "source": "by hand"})],
    "put_door": [
        lambda c, _: c.put_door("new-1", "gw-1", credential="5f1c0a9e42b7"),
        lambda c, _: c.put_door("new-1", "gw-1", enabled=False),
    ],
    "doors": [lambda c, _: c.doors(), lambda c, _: c.doors("new-1")],
    "door": [lambda c, _: c.door("new-1", "gw-1")],
    "remove_door": [lambda c, _: c.remove_door("new-1", "gw-1")],
    "readings": [lambda c, _: c.readings("steel-1", "incomer", FROM, TO, limit=50)],
    "enter_readings": [
        lambda c, _: c.enter_readings(
            "steel-1", "incomer", "the gateway was down", [{"time": "2018-02-01T00:00", "values": {"e_kwh": 5000.0}}]
        )
    ],
    "energy": [
        lambda c, _: c.energy("steel-1", "incomer", FROM, TO, "15m", limit=50),
        lambda c, _: c.energy("steel-1", "steam", FROM, TO),
        lambda c, _: c.energy("empty-1"),
    ],
    "pue": [lambda c, _: c.pue("dc-1", FROM, TO, "hour", limit=7), lambda c, _: c.pue("dc-1")],
    "alerts": [lambda c, _: c.alerts(), lambda c, _: c.alerts(site="dc-1", state="active", kind="off_profile")],
    "alert": [lambda c, _: c.alert(1)],
    "acknowledge": [lambda c, _: c.acknowledge(1, "seen")],
    "resolve": [lambda c, _: c.resolve(1)],
    "gateways": [lambda c, _: c.gateways()],
    "quarantine": [lambda c, _: c.quarantine(), lambda c, _: c.quarantine(reason="not_json", limit=2)],
    "ledger": [lambda c, _: c.ledger(limit=3), lambda c, _: c.ledger("steel-1", "g-0", "2018-01-01", "2018-01-02")],
    "held": [lambda c, _: c.held(limit=2), lambda c, _: c.held("steel-1", "g", "waiting")],
    "conflicts": [lambda c, _: c.conflicts(limit=2), lambda c, _: c.conflicts("steel-1", "incomer")],
    "journal": [lambda c, _: c.journal(limit=2), lambda c, _: c.journal("steel-1", "g-0", "w0", "2017-12-31")],
    "journal_pages": [lambda c, _: c.journal_pages(limit=2), lambda c, _: c.journal_pages(worker="manual")],
    "stream": [lambda c, _: [next(c.stream())]],
    "export_readings": [
        lambda c, d: c.export_readings(d / "r.csv", "steel-1", None, FROM, TO),
        lambda c, d: c.export_readings(d / "r.xlsx", "steel-1", None, FROM, TO),
        lambda c, d: c.export_readings(d / "r.parquet", "steel-1", None, FROM, TO),
    ],
    "export_energy": [lambda c, d: c.export_energy(d / "e.csv", "steel-1", None, FROM, TO, "hour", each_meter=True)],
    "export_pue": [lambda c, d: c.export_pue(d / "p.csv", "dc-1", FROM, TO, "hour")],
    "export_alerts": [lambda c, d: c.export_alerts(d / "a.csv", state="active")],
    "export_quarantine": [lambda c, d: c.export_quarantine(d / "q.csv", reason="not_json")],
    "export_audit": [lambda c, d: c.export_audit(d / "audit.csv", action="site.put")],
    "add_account": [lambda c, _: c.add_account("wang", PASSWORD, "plant_operator", {"sites": ["steel-1"]})],
    "change_account": [
        lambda c, _: c.change_account("wang", role="auditor", scope={"everything": True}),
        lambda c, _: c.change_account("wang", password=f"{PASSWORD} staple", disabled=False),
    ],
    "accounts": [lambda c, _: c.accounts()],
    "sign_in": [lambda c, _: c.sign_in("wang", f"{PASSWORD} staple")],
    "sessions": [lambda c, _: c.sessions()],
    "end_session": [lambda c, _: c.end_session(c.sessions()[0]["id"])],
    "add_key": [lambda c, _: c.add_key("shop", "developer", {"units": ["u-1"]}, 30)],
    "rotate_key": [lambda c, _: c.rotate_key(1)],
    "revoke_key": [lambda c, _: c.revoke_key(2)],
    "keys": [lambda c, _: c.keys()],
    "console_link": [lambda c, _: c.console_link()],
    "audit": [lambda c, _: c.audit(), lambda c, _: c.audit(action="site.put", at_most=1)],
    "sign_out": [lambda c, _: sign_out(c)],
}


def methods() -> dict[str, Callable[..., Any]]:
    """The client's methods, without the plain calls that they are made of."""
    plain = {name for name, _ in inspect.getmembers(Calls, inspect.isfunction)}
    return {
        name: method
        for name, method in inspect.getmembers(Client, inspect.isfunction)
        if name not in plain and not name.startswith("_")
    }


def test_there_is_a_call_of_every_method() -> None:
    assert CALLS.keys() == methods().keys()


@pytest.fixture
def asked(client: Client) -> list[tuple[str, str]]:
    """(method, path) of what the client has asked so far."""
    seen: list[tuple[str, str]] = []
    hooks = {"request": [lambda request: seen.append((request.method, request.url.path))]}
    client._http.event_hooks = hooks
    return seen


def operation(one: Served, method: str, path: str) -> tuple[str, str]:
    """The operation of the API that a request is of; one with fewer variables goes first."""
    paths = one.app.openapi()["paths"]
    for template in sorted(paths, key=lambda text: text.count("{")):
        pattern = "".join(part if n % 2 == 0 else "[^/]+" for n, part in enumerate(re.split(r"(\{\w+\})", template)))
        if method.lower() in paths[template] and re.fullmatch(pattern, path):
            return method.lower(), template
    raise AssertionError(f"the API has no {method} {path}")


def returned(method: Callable[..., Any]) -> Any:
    """The type of what a method gives; of the items where it gives them one by one."""
    kind = get_type_hints(method)["return"]
    return list[get_args(kind)[0]] if get_origin(kind) is Iterator else kind  # type: ignore[misc]


def test_every_operation_has_its_method_and_every_answer_is_as_its_type_says(
    world: Served, client: Client, asked: list[tuple[str, str]], tmp_path: Path
) -> None:
    for name, calls in CALLS.items():
        kind = returned(methods()[name])
        for number, call in enumerate(calls):
            answer = call(client, tmp_path)
            answer = list(answer) if inspect.isgenerator(answer) else answer
            check(answer, kind, f"{name}/{number}")
    done = {operation(world, *one) for one in asked}
    paths = world.app.openapi()["paths"]
    assert done == {(method, path) for path, methods in paths.items() for method in methods}


def test_lists_are_read_to_their_end(client: Client, asked: list[tuple[str, str]]) -> None:
    all_of_them = list(client.readings("steel-1", "incomer", FROM, "2018-01-04T00:01", limit=100))
    assert len(asked) == 3
    assert [reading["ms"] for reading in all_of_them] == [FIRST + n * DAY // 96 for n in range(3 * 96 + 1)]
    assert [window["start"] for window in client.energy("steel-1", None, FROM, TO, "hour", limit=10)["items"]] == [
        window["start"] for window in client.energy("steel-1", None, FROM, TO, "hour")["items"]
    ]
    assert [day["day"] for day in client.ledger(limit=3)] == [f"2018-01-0{1 + n // 2}" for n in range(8)]
    assert [(one["meter"], one["landed_at"]) for one in client.held(limit=2)] == [(f"new-{n}", None) for n in range(3)]
    assert [one["refused"] for one in client.conflicts(limit=2)] == [2.0, 3.0, 4.0, 5.0, 6.0]
    assert [one["row"] for one in client.journal(limit=2)] == [1, 2, 3, 5, 6, 7]
    pages = list(client.journal_pages(limit=2))
    assert [[one["row"] for one in page["items"]] for page in pages] == [[1, 2], [3, 5], [6, 7]]
    assert [page["holes"] for page in pages] == [
        [], [{"worker": "w0", "day": "2017-12-31", "first": 4, "last": 4}], []
    ]  # fmt: skip
    assert list(client.journal_pages(limit=2, cursor=pages[0]["next"])) == pages[1:]
    assert len(client.audit(at_most=10**9)) == len(client.audit())


def test_a_change_leaves_what_it_does_not_name_and_undoes_nobodys(world: Served, client: Client) -> None:
    before = client.site("dc-1")
    assert client.change_site("dc-1", {"name_en": "Renamed"}) == {**before, "name_en": "Renamed"}
    meter = client.meter("steel-1", "incomer")
    assert client.change_meter("steel-1", "incomer", {"source": "x"}) == {**meter, "source": "x"}
    with Client(world.url, KEY) as other:
        meddled: list[str] = []

        def meddle(request: httpx.Request) -> None:
            if request.method == "PUT" and not meddled:
                meddled.append(request.headers["if-match"])
                other.change_site("dc-1", {"kind": "other"})

        client._http.event_hooks = {"request": [meddle]}
        after = client.change_site("dc-1", {"name_zh": "新"})
    assert len(meddled) == 1
    assert after == {**before, "name_en": "Renamed", "kind": "other", "name_zh": "新"}


def test_a_session_is_used_as_a_key_is(world: Served, client: Client) -> None:
    client.add_account("li", PASSWORD, "plant_operator", {"sites": ["steel-1"]})
    with Client(world.url) as own:
        assert own.sign_in("li", PASSWORD)["name"] == "account li"
        assert [site["id"] for site in own.sites()] == ["steel-1"]
        assert own.acknowledge(1)["steps"][-1]["actor"] == "account li"
        own.sign_out()
        with pytest.raises(Exception, match="the key was not taken"):
            own.sites()


def test_events_and_answers_are_what_httpx_would_give(world: Served, client: Client) -> None:
    event = next(client.stream())
    assert isinstance(event, Event)
    assert httpx.get(f"{world.url}/api/v1/health").json()["status"] == event.data["status"] == client.health()["status"]
