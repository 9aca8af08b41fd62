"""The register of gateways: what stands in it, who is let in by it, and that a change is noticed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine

from energy.books import doors, registry
from energy.books.open import look, open_books
from tests.where_books import books_url

NOW = 1_795_306_500_000


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Engine]:
    engine = open_books(books_url(tmp_path))
    yield engine
    engine.dispose()


def put(books: Engine, site: str, gateway: str, *, enabled: bool = True, credential: str = "c1", now: int = NOW) -> int:
    """Put one; the registry's version after it."""
    with books.begin() as db:
        registry.hold(db)
        doors.put(db, site, gateway, enabled=enabled, credential=credential, actor="tests", now=now)
        return registry.version(db)


def test_a_site_without_registered_gateways_is_not_in_the_list(books: Engine) -> None:
    with look(books) as db:
        assert doors.let_in(db) == {}
        assert doors.doors(db) == {}


def test_only_enabled_gateways_are_let_in_and_a_site_with_none_of_them_is_shut(books: Engine) -> None:
    put(books, "steel-1", "gw-1")
    put(books, "steel-1", "gw-2", enabled=False)
    put(books, "shut-1", "gw-1", enabled=False)
    with look(books) as db:
        assert doors.let_in(db) == {"steel-1": {"gw-1"}, "shut-1": set()}
        assert list(doors.doors(db)) == [("shut-1", "gw-1"), ("steel-1", "gw-1"), ("steel-1", "gw-2")]
        assert list(doors.doors(db, "shut-1")) == [("shut-1", "gw-1")]


def test_a_change_keeps_when_it_was_made_and_raises_the_version_and_no_change_does_not(books: Engine) -> None:
    first = put(books, "steel-1", "gw-1")
    assert put(books, "steel-1", "gw-1", now=NOW + 1) == first
    assert put(books, "steel-1", "gw-1", credential="c2", now=NOW + 2) == first + 1
    assert put(books, "steel-1", "gw-1", enabled=False, credential="c2", now=NOW + 3) == first + 2
    with look(books) as db:
        assert doors.doors(db)["steel-1", "gw-1"] == doors.Door("steel-1", "gw-1", False, "c2", NOW, NOW + 3)


def test_what_is_taken_off_is_gone_and_the_version_says_so(books: Engine) -> None:
    first = put(books, "steel-1", "gw-1")
    with books.begin() as db:
        registry.hold(db)
        assert doors.remove(db, "steel-1", "gw-1", "tests", NOW)
        assert not doors.remove(db, "steel-1", "gw-1", "tests", NOW)
        assert registry.version(db) == first + 1
        assert doors.let_in(db) == {}
