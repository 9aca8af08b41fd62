"""A real InfluxDB for the boards' queries."""

from collections.abc import Iterator

import pytest

from tests import neighbours


@pytest.fixture(scope="session")
def influx() -> Iterator[tuple[str, str]]:
    """A real InfluxDB 2 as (url, all-access token)."""
    with neighbours.influxd() as address:
        yield address
