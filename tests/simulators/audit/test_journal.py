"""Which row of the journal carries which message, and ledgers that count them, on small truths made by hand."""

import json
import math
from dataclasses import replace

import pytest

from simulators.audit.journal import longest_rising
from simulators.audit.ledger import check_ledgers
from tests.simulators.audit.by_hand import Case, answers_of, ledger_of


def test_the_same_bytes_sent_twice_are_two_messages(case: Case) -> None:
    for number in (1, 2):
        case.message(number, said="same", seq=0, refuse=True)
    row = case.journaled("same")
    case.refused(row, 0, -1, "not_json")
    assert case.checked() == [("lost", 2)]


def test_a_leaf_may_stand_as_often_as_its_bytes_were_sent_and_no_more(case: Case) -> None:
    for number in (1, 2):
        case.message(number, said="same", seq=0)
    for _ in range(2):
        case.journaled("same", leaf="one", ms=1)
    case.message(3, seq=1)
    case.journaled("3", ms=2)
    case.journaled("same", leaf="one", ms=1)
    assert case.checked() == [("doubled", 1)]


def test_the_same_bytes_twice_in_one_millisecond_came_twice(case: Case) -> None:
    case.message(1)
    case.message(2, seq=2)
    case.journaled("1", leaf="one", ms=1)
    case.journaled("2", ms=1)
    case.journaled("1", leaf="one", ms=1)
    assert case.checked() == []


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


@pytest.mark.parametrize(
    ("boots", "later", "found", "noted"),
    [(["b", "next"], True, [], 1), (["b", "next"], False, [("unexplained", None)], 0),
     (["b"], True, [("unexplained", None)], 0)],
)  # fmt: skip
def test_what_another_boot_sent_after_the_run_is_left_out_and_said(
    case: Case, boots: list[str], later: bool, found: list[tuple[str, int | None]], noted: int
) -> None:
    case.answers = answers_of(ledger_of(), boots)
    case.message(1)
    case.journaled("1")
    case.journaled("of another", later=later)
    assert case.checked() == found
    assert len(case.notes) == noted


def test_the_longest_rising_selection_of_nothing_is_nothing() -> None:
    assert longest_rising([]) == set()
    assert longest_rising([3, 1, 2]) == {1, 2}


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
    notes = check_ledgers(case.evidence, case.run, answers_of(ledger_of(**counts), boots), case.findings)
    assert [finding.text for finding in case.findings.first] == ([found] if found else [])
    assert len(notes) == noted


def test_a_ledger_does_not_shrink(case: Case) -> None:
    case.message(1)
    case.journaled("1")
    assert case.checked() == []
    run = replace(case.run, before={("s", "g"): ledger_of(messages=5)})
    check_ledgers(case.evidence, run, answers_of(ledger_of(messages=4), ["b", "later"]), case.findings)
    assert [finding.text for finding in case.findings.first] == ["the ledger's messages is 1 less than before the run"]


@pytest.mark.parametrize(("came", "found"), [(1, 0), (2, 0), (0, 1)])
def test_without_the_journal_a_ledger_counts_at_least_what_was_sent(case: Case, came: int, found: int) -> None:
    case.message(1)
    case.sent(1, 5.0)
    case.evidence.index()
    answers = replace(answers_of(ledger_of(messages=came, received=came, landed=came), ["b"]), no_journal="none")
    check_ledgers(case.evidence, case.run, answers, case.findings)
    assert len(case.findings.first) == found
