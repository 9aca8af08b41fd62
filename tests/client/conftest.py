"""A served API with the known world, and a client of it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.client import Client
from tests.api.delivered import fill_delivery
from tests.api.served import KEY, Served, fill, served


@pytest.fixture
def world(tmp_path: Path) -> Iterator[Served]:
    """A known world of one's own."""
    with served(tmp_path) as one:
        fill(one)
        fill_delivery(one)
        yield one


@pytest.fixture
def client(world: Served) -> Iterator[Client]:
    """With the admin key."""
    with Client(world.url, KEY) as one:
        yield one
