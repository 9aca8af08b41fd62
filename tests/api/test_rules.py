"""Every route has its rule, and the rule holds for every role: walked from the application, not from a list."""

from collections.abc import Iterator

import pytest
from fastapi import APIRouter, FastAPI

from api.access import Reader, Registrar
from energy.access import ALLOWED, Permission, Role
from tests.api.calls import PUBLIC, Call, calls, unruled
from tests.api.served import Served, served
from tests.api.world import BY_ROLE, World, build

GIVEN = {
    "site": "alfa01", "meter": "alfa01-main", "gateway": "alfa01-gw", "ident": "2", "name": "somebody",
    "unit": "uqalfa", "region": "rqnorth", "from": "2018-01-01", "to": "2018-01-02", "scope": {"units": ["uqalfa"]},
    "form": "csv",
}  # fmt: skip


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with served(tmp_path_factory.mktemp("rules")) as one:
        yield build(one)


def status(world: World, holder: str, call: Call) -> int:
    """The status of a call's answer; the body is not waited for, for the stream has no end."""
    headers = {"Authorization": f"Bearer {world.keys[holder]}"} if holder else {}
    with world.one.bare.stream(**call.request(GIVEN), headers=headers) as answer:
        return answer.status_code


def test_every_route_has_exactly_one_rule_or_is_open_by_name(known: Served) -> None:
    assert list(unruled(known.app)) == []
    assert len(calls(known.app)) >= 30


def test_every_permission_guards_something(known: Served) -> None:
    assert {call.permission for call in calls(known.app)} == set(Permission)


@pytest.mark.parametrize("role", Role)
def test_a_role_may_what_it_may_and_nothing_else(world: World, role: Role) -> None:
    for call in calls(world.one.app):
        got = status(world, BY_ROLE[role], call)
        if call.allowed(role):
            assert got not in (401, 403, 500, 503), f"{role} {call.key}: {got}"
        else:
            assert got == 403, f"{role} {call.key}: {got}"


def test_nobody_may_anything(world: World) -> None:
    for call in calls(world.one.app):
        assert status(world, "", call) == 401, call.key


def test_the_calls_are_real_ones(world: World) -> None:
    """Most of the admin's calls do what they are for, so that a rule behind the first one would show."""
    said = {call.key: status(world, BY_ROLE[Role.ADMIN], call) for call in calls(world.one.app)}
    odd = {key for key, got in said.items() if got >= 300}
    assert odd <= {
        ("POST", "/alerts/{ident}/acknowledge"), ("POST", "/alerts/{ident}/resolve"), ("DELETE", "/sessions/current"),
        ("DELETE", "/sessions/{ident}"), ("POST", "/keys/{ident}/rotate"), ("POST", "/accounts/{name}"),
    }, said  # fmt: skip


def test_the_table_of_roles_is_the_one_that_was_decided() -> None:
    p = Permission
    assert {role: set(may) for role, may in ALLOWED.items()} == {
        Role.OFFICER: {p.READ, p.INTAKE, p.ACT, p.EXPORT},
        Role.ENERGY_MANAGER: {p.READ, p.INTAKE, p.ACT, p.ENTER, p.REGISTER, p.EXPORT},
        Role.PLANT_OPERATOR: {p.READ, p.INTAKE, p.ACT, p.ENTER},
        Role.DEVELOPER: {p.READ, p.INTAKE, p.REGISTER, p.EXPORT},
        Role.AUDITOR: {p.READ, p.INTAKE, p.EXPORT, p.AUDIT},
        Role.ADMIN: set(p),
    }


def decided(method: str, path: str) -> Permission:
    """What a route does, by what it is called: whoever gives a route another rule says so here."""
    noun = path.split("/")[1]
    if noun in ("accounts", "keys") or (noun == "sessions" and not path.endswith("/current")):
        return Permission.ADMINISTER
    if noun == "audit" or path.startswith("/exports/audit"):
        return Permission.AUDIT
    if method == "GET":
        intake = ("gateways", "quarantine", "ledger", "held", "conflicts", "journal", "metrics")
        return Permission.EXPORT if noun == "exports" else Permission.INTAKE if noun in intake else Permission.READ
    return {
        "regions": Permission.ADMINISTER, "units": Permission.ADMINISTER, "sites": Permission.REGISTER,
        "alerts": Permission.ACT, "manual-readings": Permission.ENTER, "console-links": Permission.READ,
        "sessions": Permission.READ,
    }[noun]  # fmt: skip


def test_the_rule_of_a_route_is_the_one_for_what_it_does(known: Served) -> None:
    for call in calls(known.app):
        assert call.permission == decided(*call.key), call.key


def test_the_auditor_changes_nothing(known: Served) -> None:
    """What it may write is its own: a link and the end of its session."""
    may = {call.key for call in calls(known.app) if call.writes and call.allowed(Role.AUDITOR)}
    may = {key for key in may if "exports" not in key[1]}
    assert may == {("POST", "/console-links"), ("DELETE", "/sessions/current")}


def throw_away() -> FastAPI:
    """An application with a route that is guarded, in each way in which a route can come in."""
    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    inner, outer, mounted = (
        APIRouter(),
        APIRouter(prefix="/outer"),
        FastAPI(openapi_url=None, docs_url=None, redoc_url=None),
    )

    @app.get("/direct")
    @inner.get("/inner")
    @mounted.get("/mounted")
    def guarded(_: Reader) -> None: ...

    outer.include_router(inner, prefix="/inside")
    app.include_router(outer)
    app.mount("/sub", mounted)
    return app


def test_guarded_routes_pass_in_each_way_in() -> None:
    assert list(unruled(throw_away())) == []


def test_a_route_without_a_rule_is_found_wherever_it_is() -> None:
    app = throw_away()

    def bare() -> None: ...

    def twice(_: Reader, __: Registrar) -> None: ...

    deep, inner = APIRouter(prefix="/deep"), APIRouter()
    inner.add_api_route("/bare", bare)
    deep.include_router(inner, prefix="/deeper")
    mounted = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    mounted.include_router(inner)
    app.add_api_route("/bare", bare, methods=["POST"])
    app.include_router(deep, prefix="/v9")
    app.mount("/sub9", mounted)
    app.add_api_route("/twice", twice)
    app.add_api_websocket_route("/socket", bare)
    assert list(unruled(app)) == [
        "POST /bare", "GET /v9/deep/deeper/bare", "GET /sub9/bare", "GET /twice", "* /socket",
    ]  # fmt: skip


def test_what_is_open_to_all_is_still_there(known: Served) -> None:
    """A name in the list that no route has would open a later one unseen."""
    from api.walk import walk

    there = {(method, found.path) for found in walk(known.app.routes) for method in found.methods}
    assert there >= PUBLIC
