"""One served API for the tests that only read, and a fresh one for those that write."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.delivered import fill_delivery
from tests.api.served import Served, fill, served


@pytest.fixture
def quick_stream(monkeypatch: pytest.MonkeyPatch) -> None:
    """The stream looks for news more often than it would for a person."""
    monkeypatch.setattr("api.stream._EVERY_S", 0.4)


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The known world; tests may read it, and write what no other test looks at."""
    with served(tmp_path_factory.mktemp("known")) as one:
        fill(one)
        fill_delivery(one)
        yield one


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A known world of one's own."""
    with served(tmp_path) as one:
        fill(one)
        fill_delivery(one)
        yield one
