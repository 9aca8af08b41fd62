"""Sequence numbers as ranges, against a set."""

import json

from hypothesis import given
from hypothesis import strategies as st

from ingest.sequence import Sequence

numbers = st.lists(st.integers(1, 40) | st.integers(1, 2**53 - 1))


def model(seen: set[int]) -> list[list[int]]:
    ranges: list[list[int]] = []
    for number in sorted(seen):
        if ranges and ranges[-1][1] == number - 1:
            ranges[-1][1] = number
        else:
            ranges.append([number, number])
    return ranges


@given(numbers)
def test_it_is_a_set(given_: list[int]) -> None:
    sequence, seen = Sequence(), set[int]()
    for number in given_:
        assert sequence.add(number) == (number not in seen)
        seen.add(number)
        assert sequence.ranges == model(seen)
        assert sequence.last == max(seen)
        contiguous = 0
        while contiguous + 1 in seen:
            contiguous += 1
        assert sequence.contiguous == contiguous


@given(st.sets(st.integers(1, 60)))
def test_gaps_are_what_never_arrived(seen: set[int]) -> None:
    sequence = Sequence()
    for number in seen:
        sequence.add(number)
    missing = {number for first, last in sequence.gaps() for number in range(first, last + 1)}
    assert missing == set(range(1, max(seen, default=0) + 1)) - seen
    assert sequence.gaps() == model(missing)


@given(numbers, numbers)
def test_it_goes_on_from_what_was_stored(before: list[int], after: list[int]) -> None:
    whole, first = Sequence(), Sequence()
    for number in before:
        whole.add(number)
        first.add(number)
    second = Sequence(json.loads(json.dumps(first.ranges)))
    for number in after:
        assert whole.add(number) == second.add(number)
    assert whole.ranges == second.ranges


def test_nothing_seen() -> None:
    assert (Sequence().ranges, Sequence().contiguous, Sequence().last, Sequence().gaps()) == ([], 0, 0, [])


def test_what_it_gives_is_not_its_own() -> None:
    sequence = Sequence([[1, 3]])
    sequence.ranges[0][1] = 99
    assert sequence.last == 3


def test_a_boot_whose_beginning_never_comes_counts_from_its_lowest_number_after_a_minute() -> None:
    sequence = Sequence()
    for at, seq in ((0, 12), (10_000, 10), (20_000, 11), (59_999, 14)):
        sequence.note(seq, at)
        assert sequence.contiguous == 0
    sequence.note(13, 60_000)
    assert (sequence.base, sequence.contiguous, sequence.gaps()) == (10, 14, [[1, 9]])
    sequence.note(5, 70_000)  # a late one below takes nothing back, also after a restart
    again = Sequence(sequence.ranges, sequence.base, sequence.first_at)
    assert sequence.contiguous == again.contiguous == 14


def test_a_boot_that_has_its_first_number_never_skips_a_gap() -> None:
    sequence = Sequence()
    for seq, at in ((1, 0), (3, 1), (4, 10**9)):
        sequence.note(seq, at)
    assert (sequence.base, sequence.contiguous) == (1, 1)


def test_ranges_are_bounded_and_what_is_contiguous_stays() -> None:
    sequence = Sequence()
    for seq in (1, 2, *range(4, 10_000, 2)):
        sequence.add(seq)
    assert len(sequence.ranges) == 2000
    assert (sequence.contiguous, sequence.last) == (2, 9998)
