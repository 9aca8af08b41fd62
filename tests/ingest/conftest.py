"""The ground of the tests of ingest."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.ingest.ground import Ground


@pytest.fixture
def ground(tmp_path: Path) -> Iterator[Ground]:
    """An empty ground with meter m-1 of steel-1 registered."""
    one = Ground(tmp_path, "m-1")
    yield one
    one.close()
