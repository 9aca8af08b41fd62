"""Ingest, the broker and the whole system are killed under load: the rows of the matrix about that, in short."""

from pathlib import Path

import pytest

from tests.faults.rows import rows, run

KILLS = 2
ROWS = {row.name: row for row in rows(kills=KILLS, size=0.25)}


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
@pytest.mark.parametrize("name", ["ingest killed", "broker killed", "both killed"])
def test_nothing_is_lost_on_real_neighbours(tmp_path: Path, name: str) -> None:
    outcome = run(ROWS[name], tmp_path / "round", embedded=False, telegraf=False)
    assert outcome.well, outcome
    assert outcome.values > 0
    assert len(outcome.notes) == (1 if name == "both killed" else 2)
    if name == "ingest killed":
        assert all("in flight" in note and "journaled" in note and "landed" in note for note in outcome.notes)


def test_nothing_is_lost_when_all_of_it_is_killed(tmp_path: Path) -> None:
    outcome = run(ROWS["all killed"], tmp_path / "round", embedded=True, telegraf=False)
    assert outcome.well, outcome
    assert len(outcome.notes) == KILLS
