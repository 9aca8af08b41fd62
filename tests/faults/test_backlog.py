"""A backlog in the journal is landed whole, and memory does not grow with it."""

from pathlib import Path

import pytest

from tests.faults.backlog import Landed, land


@pytest.mark.needs("mosquitto")
def test_a_backlog_is_landed_without_growth_of_memory(tmp_path: Path) -> None:
    seen = land(tmp_path, 60_000)
    assert len(seen.memory) >= 4, "too quick to say anything"
    assert seen.flat, seen.memory


def test_growing_memory_is_told_from_flat() -> None:
    seen = Landed(1, 0.0)
    seen.memory = [100, 104, 101, 104, 100, 103]
    assert seen.flat
    seen.memory = [100, 110, 120, 130, 140, 150]
    assert not seen.flat
