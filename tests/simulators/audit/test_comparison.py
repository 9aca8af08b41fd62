"""The comparison itself, on small truths made by hand."""

import ast
import hashlib
import itertools
import json
import math
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import simulators.audit
from energy.errors import SetupError
from energy.window import to_text
from simulators.audit.answers import Answers
from simulators.audit.evidence import Evidence
from simulators.audit.fate import by_label, counted, find_fates
from simulators.audit.finding import Finding, Findings
from simulators.audit.journal import check_journal, longest_rising
from simulators.audit.ledger import check_ledgers
from simulators.audit.lists import check_lists
from simulators.audit.run import Run, run_of
from simulators.audit.strangers import check_strangers
from simulators.audit.values import check_values
from simulators.truth import FORMAT, Truth

START = 1_772_380_800_000
PLAYED = START + 100_000_000
TOPIC = "ecm/v1/s/g/telemetry"
DAY = "2026-03-03"


class Case:
    """What is sent by one gateway `g` of a site `s`, and what the system says of it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.findings = Findings(100)
        self.run = Run("UTC", START, START + 3_600_000, PLAYED, PLAYED + 1000, frozenset({("s", "m")}),
                       frozenset({("s", "g")}), {}, 0)  # fmt: skip
        self.answers = Answers({}, frozenset(), "")
        self.notes: list[str] = []
        self._row = 0

    def message(self, number: int, *, seq: int | None = None, said: str = "", refuse: bool = False) -> None:
        seq = number if seq is None else seq
        self.evidence.add("message", [(number, "s", "g", "telemetry", "b", seq, TOPIC, _hash(said or str(number)),
                                       refuse, "not_json" if refuse else "")])  # fmt: skip

    def sent(
        self, message: int, value: float, *, time: int = START, item: int = 0, refuse: bool = False, meter: str = "m",
        quantity: str = "p_kw", labels: str = "",
    ) -> None:  # fmt: skip
        series = self.series(meter, quantity)
        self.evidence.add("sent", [(None, message, item, series, time, value, refuse, labels, None)])

    def series(self, meter: str = "m", quantity: str = "p_kw") -> int:
        return self.evidence.series(self.evidence.meter("s", meter), quantity)

    def stored(self, value: float, time: int = START, meter: str = "m", quantity: str = "p_kw") -> None:
        self.evidence.add("stored", [(self.series(meter, quantity), time, value)])

    def journaled(
        self, said: str, *, topic: str = TOPIC, intact: bool = True, leaf: str = "", later: bool = False
    ) -> int:  # fmt: skip
        self._row += 1
        self.evidence.add("journal", [(None, "w1", DAY, self._row, True, True, later, "s", "g", topic,
                                       _hash(said), leaf or f"leaf {self._row}", intact, False)])  # fmt: skip
        return self._row

    def conflict(self, row: int, kept: float, refused: float, item: int = 0) -> None:
        self.evidence.add("conflict", [(None, PLAYED, self.series(), START, kept, refused, "w1", DAY, row, item)])

    def refused(self, row: int, number: int, item: int = 0, reason: str = "not_finite") -> None:
        self.evidence.add("quarantine", [(None, PLAYED, "s", "g", reason, "said so", number, "w1", DAY, row, item)])

    def checked(self) -> list[tuple[str, int | None]]:
        """Everything that is found but for the ledger: word and message."""
        self.evidence.index()
        self.notes = check_journal(self.evidence, self.run, self.answers, self.findings)
        find_fates(self.evidence, journal=True)
        check_strangers(self.evidence, self.run, self.findings)
        check_values(self.evidence, self.run, self.findings)
        check_lists(self.evidence, self.run, self.findings)
        return [(finding.kind, finding.message) for finding in self.findings.first]

    def fates(self) -> dict[str, int]:
        return {fate: number for fate, number in counted(self.evidence).items() if number}


def _hash(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


@pytest.fixture
def case() -> Iterator[Case]:
    with Evidence() as evidence:
        yield Case(evidence)


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


def test_the_same_bytes_sent_twice_are_two_messages(case: Case) -> None:
    for number in (1, 2):
        case.message(number, said="same", seq=0, refuse=True)
    row = case.journaled("same")
    case.refused(row, 0, -1, "not_json")
    assert case.checked() == [("lost", 2)]


def test_a_leaf_may_stand_as_often_as_its_bytes_were_sent_and_no_more(case: Case) -> None:
    for number in (1, 2):
        case.message(number, said="same", seq=0)
    for _ in range(3):
        case.journaled("same", leaf="one")
    assert case.checked() == [("doubled", 1)]


def test_a_will_of_the_run_is_no_stranger(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    case.journaled(json.dumps({"boot": "b"}), topic="ecm/v1/s/g/death")
    assert case.checked() == []


def test_a_will_of_another_boot_is_one(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    case.journaled(json.dumps({"boot": "other"}), topic="ecm/v1/s/g/death")
    assert case.checked() == [("unexplained", None)]


def test_of_many_messages_only_the_one_that_was_put_elsewhere_has_moved(case: Case) -> None:
    for number in range(1, 9):
        case.message(number)
    for number in (1, 3, 4, 5, 6, 7, 2, 8):
        case.journaled(str(number))
    assert case.checked() == [("moved", 2)]


def test_what_comes_again_explains_another_order(case: Case) -> None:
    for number in (1, 2, 3):
        case.message(number)
    for number in (1, 3, 2, 3):
        case.journaled(str(number))
    assert case.checked() == []


def test_an_altered_row_stands_for_the_message_that_is_missing_there(case: Case) -> None:
    for number in (1, 2, 3):
        case.message(number)
    case.sent(2, math.nan, refuse=True)
    case.journaled("1")
    row = case.journaled("changed", intact=False)
    case.journaled("3")
    case.refused(row, 1)
    assert case.checked() == [("altered", 2)]
    assert case.fates() == {"refused": 1}


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


def test_labels_are_counted_by_what_became_of_them(case: Case) -> None:
    case.message(1)
    case.sent(1, 5.0, labels="f01 f02")
    case.sent(1, 6.0, time=START + 1, labels="f02")
    case.stored(5.0)
    case.journaled("1")
    assert case.checked() == [("lost", 1)]
    assert by_label(case.evidence) == {"f01": {"stored": 1}, "f02": {"stored": 1, "lost": 1}}


def _ledger(**counts: int) -> dict[str, int]:
    names = ("messages", "undecodable", "received", "landed", "duplicate", "conflict", "held", "refused")
    return dict.fromkeys(names, 0) | counts


def _boot(name: str, at: int = PLAYED) -> dict[str, Any]:
    return {"boot": name, "seq": 1, "last_seq": 1, "gaps": [], "first_at": to_text(at), "last_at": to_text(at)}


def _answers(ledger: dict[str, int], boots: list[str]) -> Answers:
    gateway: Any = {"site": "s", "gateway": "g", "ledger": ledger, "boots": [_boot(name) for name in boots]}
    return Answers({("s", "g"): gateway}, frozenset(), "")


@pytest.mark.parametrize(
    ("boots", "later", "found", "noted"),
    [(["b", "next"], True, [], 1), (["b", "next"], False, [("unexplained", None)], 0),
     (["b"], True, [("unexplained", None)], 0)],
)  # fmt: skip
def test_what_another_boot_sent_after_the_run_is_left_out_and_said(
    case: Case, boots: list[str], later: bool, found: list[tuple[str, int | None]], noted: int
) -> None:
    case.answers = _answers(_ledger(), boots)
    case.message(1)
    case.journaled("1")
    case.journaled("of another", later=later)
    assert case.checked() == found
    assert len(case.notes) == noted


GOOD = {"messages": 2, "received": 2, "landed": 1, "duplicate": 1}
SENSE = "the ledger counts"


@pytest.mark.parametrize(
    ("counts", "boots", "found", "noted"),
    [
        (GOOD, ["b"], "", 0),
        (GOOD | {"landed": 2, "duplicate": 0}, ["b"], f"{SENSE} 2 landed values, and 1 are stored", 0),
        (GOOD | {"landed": 0, "duplicate": 2}, ["b"], f"{SENSE} 0 landed values, and 1 are stored", 0),
        (GOOD | {"messages": 3}, ["b"], f"{SENSE} 3 messages, and 2 came", 0),
        (GOOD | {"received": 3, "held": 1}, ["b"], f"{SENSE} 1 held, and 0 came", 0),
        (GOOD | {"received": 3}, ["b"], "the ledger says that 3 values were received, and accounts for 2", 0),
        (GOOD | {"received": 3, "held": 1}, ["b", "later"], "", 1),
        (GOOD | {"received": 3}, ["b", "later"], "the ledger says that 3 values were received, and accounts for 2", 1),
    ],
)
def test_a_ledger_adds_up_and_counts_what_came(
    case: Case, counts: dict[str, int], boots: list[str], found: str, noted: int
) -> None:
    case.message(1)
    case.sent(1, 5.0)
    case.stored(5.0)
    for _ in range(2):
        case.journaled("1")
    assert case.checked() == []
    notes = check_ledgers(case.evidence, case.run, _answers(_ledger(**counts), boots), case.findings)
    assert [finding.text for finding in case.findings.first] == ([found] if found else [])
    assert len(notes) == noted


def test_the_longest_rising_selection_of_nothing_is_nothing() -> None:
    assert longest_rising([]) == set()
    assert longest_rising([3, 1, 2]) == {1, 2}


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
