"""What becomes of values, on small truths made by hand; which truths are whole; and what the audit may know."""

import ast
import itertools
import json
import math
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import simulators.audit
from energy.errors import SetupError
from energy.window import to_text
from simulators.audit.fate import by_label
from simulators.audit.finding import Finding, Findings
from simulators.audit.run import run_of
from simulators.truth import FORMAT, Truth
from tests.simulators.audit.by_hand import DAY, PLAYED, START, Case


@pytest.mark.parametrize("kept", [1.0, 2.0])
@pytest.mark.parametrize("order", list(itertools.permutations((1, 2, 3))))
def test_whichever_value_came_first_stands_and_the_others_are_conflicts(
    case: Case, order: tuple[int, ...], kept: float
) -> None:
    values = {1: 1.0, 2: 2.0, 3: 1.0}
    for number in (1, 2, 3):
        case.message(number)
        case.sent(number, values[number])
    case.stored(kept)
    for number in order:
        for _ in range(2):  # each comes twice, so that no order is out of order
            row = case.journaled(str(number))
            if values[number] != kept:
                case.conflict(row, kept, values[number])
    assert case.checked() == []
    if kept == 1.0:
        assert case.fates() == {"stored": 1, "duplicate": 1, "conflict": 1}
    else:
        assert case.fates() == {"stored": 1, "conflict": 2}
    assert case.evidence.one("SELECT count(*) FROM arrival WHERE again") == 3


def test_what_is_listed_for_a_deleted_row_is_not_unexplained(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    case.evidence.add("gone", [("w1", DAY, 2, 2)])
    case.refused(2, 1)
    assert case.checked() == [("deleted", None)]


@pytest.mark.parametrize(("listed", "expected"), [(2, []), (1, [("lost", 1)])])
def test_beyond_a_hundred_refused_items_only_their_number_counts(
    case: Case, listed: int, expected: list[tuple[str, int]]
) -> None:
    case.message(1)
    for item in range(102):
        case.sent(1, math.nan, time=START + item, item=item, refuse=True)
    row = case.journaled("1")
    for item in range(100):
        case.refused(row, 1, item)
    case.refused(row, listed, 100)
    assert case.checked() == expected
    assert case.fates() == {"refused": 102}


def test_a_value_that_was_to_be_refused_and_is_stored_is_wrong(case: Case) -> None:
    case.message(1)
    case.sent(1, 9.9e15, refuse=True)
    case.refused(case.journaled("1"), 1)
    case.stored(9.9e15)
    assert case.checked() == [("wrong", 1)]


def test_a_good_value_that_was_refused_is_lost_with_the_reason(case: Case) -> None:
    case.message(1)
    case.sent(1, 5.0)
    case.refused(case.journaled("1"), 1, reason="in_future")
    assert case.checked() == [("lost", 1)]
    assert case.findings.first[0].text.endswith("was refused: in_future: said so")


def test_what_others_sent_first_is_unexplained_and_not_lost(case: Case) -> None:
    case.message(1)
    case.sent(1, 5.0)
    case.conflict(case.journaled("1"), 7.0, 5.0)
    case.stored(7.0)
    assert case.checked() == [("unexplained", 1)]


def test_a_point_is_doubled_where_its_own_place_has_it_and_moved_where_not(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    for item, quantity in enumerate(("p_kw", "e_kwh")):
        case.sent(1, 5.0 + item, quantity=quantity)
        case.stored(5.0 + item, START + 60_000, quantity=quantity)
        case.stored(5.0 + item, quantity=quantity)
    case.sent(1, 8.0, time=START + 900_000)
    case.stored(8.0, START + 960_000)
    assert case.checked() == [("doubled", 1), ("moved", 1)]
    assert case.findings.counts["doubled"] == 2
    assert case.fates() == {"stored": 2, "moved": 1}


def test_a_source_whose_own_place_is_empty_is_preferred_to_a_nearer_one(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    case.sent(1, 5.0)
    case.sent(1, 5.0, time=START + 3_000_000)
    case.stored(5.0)
    case.stored(5.0, START + 60_000)
    assert case.checked() == [("moved", 1)]


def test_the_quality_of_what_is_held_is_compared(case: Case) -> None:
    case.message(1)
    row = case.journaled("1")
    case.sent(1, 5.0)
    meter = case.evidence.meter("s", "m")
    case.evidence.add("held", [(1, PLAYED, "s", "g", meter, START, "estimated", True, "w1", DAY, row, 0)])
    case.evidence.add("held_value", [(1, case.series(), START, 5.0)])
    assert case.checked() == [("wrong", 1)]


def test_labels_are_counted_by_what_became_of_them(case: Case) -> None:
    case.message(1)
    case.sent(1, 5.0, labels="f01 f02")
    case.sent(1, 6.0, time=START + 1, labels="f02")
    case.stored(5.0)
    case.journaled("1")
    assert case.checked() == [("lost", 1)]
    assert by_label(case.evidence) == {"f01": {"stored": 1}, "f02": {"stored": 1, "lost": 1}}


def test_findings_take_only_words_that_are_explained() -> None:
    with pytest.raises(KeyError):
        Findings(1).add(Finding("vanished", ""))


@pytest.mark.parametrize(
    "played",
    [{"played_at": to_text(PLAYED), "finished_at": None, "ledgers": {}, "repeated": 0},
     {"finished_at": to_text(PLAYED), "ledgers": {}, "repeated": 0},
     {"played_at": to_text(PLAYED), "finished_at": to_text(PLAYED), "ledgers": [], "repeated": 0}],
)  # fmt: skip
def test_a_run_that_was_not_finished_has_no_truth(tmp_path: Path, played: dict[str, Any]) -> None:
    run = {"format": FORMAT, "zone": "UTC", "start": START, "end": START, "sites": []}
    for name, what in (("run", run), ("faults", []), ("played", played)):
        (tmp_path / f"{name}.json").write_text(json.dumps(what))
    with pytest.raises(SetupError):
        run_of(Truth(tmp_path))


def test_the_audit_knows_nothing_of_the_system_but_its_api() -> None:
    own = ("ingest", "analytics", "api", "deploy", "energy.register", "energy.books", "energy.store", "energy.journal")
    for path in Path(simulators.audit.__file__).parent.glob("*.py"):
        nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
        names = [node.module or "" for node in nodes if isinstance(node, ast.ImportFrom)]
        names += [alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names]
        assert not [name for name in names if f"{name}.".startswith(tuple(f"{one}." for one in own))], path.name
    code = f"import sys, simulators.audit.report; print([n for n in sys.modules if (n + '.').startswith({own!r})])"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert loaded.strip() == "[]"
