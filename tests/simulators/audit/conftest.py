"""One run that all tests look at, and tamper with as long as they undo it."""

from collections.abc import Iterator

import pytest

from tests.simulators.audit.lab import Lab, open_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """What `open_lab` gives."""
    with open_lab(tmp_path_factory.mktemp("audit")) as one:
        yield one
