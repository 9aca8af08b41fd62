"""A served API of one's own, with the known world behind it, and holders of every kind to ask it."""

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from energy.access import Role, Scope
from energy.books import people, registry
from tests.api.served import FIRST, METERS, SITES, Served, fill, fill_books, served

AsRole = Callable[[Role, Scope], httpx.Client]


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The known world, for the tests of one module."""
    with served(tmp_path_factory.mktemp("shape")) as it:
        fill(it)
        yield it


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A world of one's own that has the known sites, meters and alerts, and no readings."""
    with served(tmp_path) as it:
        with it.context.books.begin() as db:
            for site in SITES:
                registry.put_site(db, site, "tests", FIRST)
            for meter in METERS:
                registry.put_meter(db, meter, "tests", FIRST)
        fill_books(it.context.books)
        yield it


@pytest.fixture
def filled(tmp_path: Path) -> Iterator[Served]:
    """A known world of one's own."""
    with served(tmp_path) as it:
        fill(it)
        yield it


@pytest.fixture
def as_role(one: Served) -> Iterator[AsRole]:
    """A client with a key of a role."""
    clients: list[httpx.Client] = []

    def make(role: Role, scope: Scope) -> httpx.Client:
        now = one.context.now()
        with one.context.books.begin() as db:
            _, secret = people.add_key(db, f"{role} of the tests", role, scope, now + 3_600_000, "tests", now)
        client = httpx.Client(base_url=one.url, headers={"Authorization": f"Bearer {secret}"}, timeout=20)
        clients.append(client)
        return client

    yield make
    for client in clients:
        with closing(client):
            pass
