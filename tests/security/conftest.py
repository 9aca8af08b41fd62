"""A served API with the known world, and one that says no soon."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.api.served import Served, fill, served


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Served]:
    """A known world of one's own."""
    with served(tmp_path) as one:
        fill(one)
        yield one


@pytest.fixture(scope="session")
def known(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """The known world; tests may read it."""
    with served(tmp_path_factory.mktemp("security")) as one:
        fill(one)
        yield one
