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
