"""The matrix in short: a few of its rows on real neighbours, and what its verdict is made of."""

import os
import shutil
from pathlib import Path
from typing import Any

import pytest

from simulators.truth import Truth
from tests.faults import table
from tests.faults.around import configuration
from tests.faults.peer import compared
from tests.faults.plays import Play
from tests.faults.rows import EMBEDDED, Outcome, Row, rows, run
from tests.faults.strokes import points, small_disk

ROWS = {row.name: row for row in rows(outage=6.0, size=0.25)}


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
@pytest.mark.parametrize("name", ["store held", "store stopped"])
def test_nothing_is_lost_on_real_neighbours(tmp_path: Path, name: str) -> None:
    outcome = run(ROWS[name], tmp_path / "round", embedded=False, telegraf=False)
    assert outcome.well, outcome
    assert outcome.values > 0


@pytest.mark.needs("mosquitto")
@pytest.mark.needs("influxdb")
def test_nothing_is_lost_on_a_full_disk(tmp_path: Path) -> None:
    """Where none can be mounted, test_health has a file of the journal that may not grow."""
    outcome = run(ROWS["disk full"], tmp_path / "round", embedded=False, telegraf=False)
    if "can be mounted by root alone" in outcome.trouble:
        pytest.skip(outcome.trouble)
    assert outcome.well, outcome
    assert "waited unacknowledged" in outcome.notes[0]


def test_what_goes_wrong_on_the_way_is_no_verdict(tmp_path: Path) -> None:
    def stroke(_here: Any) -> None:
        raise AssertionError("the stroke went wrong")

    outcome = run(Row("one", "", Play(), stroke), tmp_path / "round", embedded=True, telegraf=False)
    assert not outcome.well
    assert "the stroke went wrong" in outcome.trouble


@pytest.mark.parametrize("found", [{"lost": 1}, {"doubled": 1}, {"unexplained": 1}, {"other": 1}, {"trouble": "x"}])
def test_any_finding_makes_a_row_fail(found: dict[str, Any]) -> None:
    assert Outcome("one", EMBEDDED, values=5).well
    assert not Outcome("one", EMBEDDED, values=5, **found).well
    line = table.text([], [Outcome("one", EMBEDDED, values=5, **found)], telegraf=True)
    assert "1" in line or "no verdict: x" in line


def test_telegraf_is_counted_by_the_truth(tmp_path: Path) -> None:
    class Said(Truth):
        def __init__(self) -> None:
            """No files."""

        def values(self) -> Any:
            head = {"site": "s", "meter": "m", "quantity": "p_kw", "expect": "take"}
            yield head | {"time": "1", "value": "1.5"}
            yield head | {"time": "1", "value": "1.5"}  # sent twice, stored once
            yield head | {"time": "2", "value": "2.5"}
            yield head | {"time": "3", "value": "3.5"}
            yield head | {"time": "4", "value": "nan", "expect": "refuse"}

    stored = [(("s", "m", "p_kw", 1), 1.5), (("s", "m", "p_kw", 2), 9.9), (("s", "m", "p_kw", 7), 0.0)]
    assert compared(Said(), stored) == (3, 1, 1, 1)


def test_the_points_are_drawn_by_a_seed_and_lie_within() -> None:
    assert points(10_000, 20) == points(10_000, 20) == sorted(points(10_000, 20))
    assert len(set(points(10_000, 20))) == 20
    assert points(10_000, 20)[0] >= 200
    assert points(10_000, 20)[-1] < 9_000


def test_the_brokers_limits_are_those_that_ship(tmp_path: Path) -> None:
    text = configuration(tmp_path, 4711)
    for line in ("persistence true", "autosave_interval 5", "max_queued_messages 0", "max_inflight_messages 2000"):
        assert f"\n{line}\n" in text
    assert "listener 4711 127.0.0.1" in text
    assert "certfile" not in text


def test_a_small_disk_is_one_where_it_can_be_mounted(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", 4) as disk:
        if not os.path.ismount(disk):
            pytest.skip("a disk of its own can be mounted by root alone")
        assert shutil.disk_usage(disk).total == 4 * 2**20
    assert not os.path.ismount(tmp_path / "disk")


def test_the_page_keeps_what_is_around_the_matrix(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        "before\n<!-- matrix: made by scripts/faults --write -->\nold\n<!-- end of matrix -->\nafter\n", "utf-8"
    )
    table.write(page, "new")
    assert page.read_text("utf-8").splitlines()[0::2] == ["before", "new", "after"]
