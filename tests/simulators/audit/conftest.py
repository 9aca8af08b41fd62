"""One run that all tests look at, and tamper with as long as they undo it; and an empty truth to fill by hand."""

from collections.abc import Iterator

import pytest

from simulators.audit.evidence import Evidence
from tests.simulators.audit.by_hand import Case
from tests.simulators.audit.lab import Lab, open_lab


@pytest.fixture(scope="session")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """What `open_lab` gives."""
    with open_lab(tmp_path_factory.mktemp("audit")) as one:
        yield one


@pytest.fixture
def case() -> Iterator[Case]:
    with Evidence() as evidence:
        yield Case(evidence)
