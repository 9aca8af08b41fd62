"""PUE: a ratio of sums, and a verdict only where there is ground for one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.pue import Pue, Verdict, ratio


def judged(facility: float, it: float, known: int = 96, estimated: int = 0, expected: int = 96) -> Pue:
    return ratio(facility, it, known, estimated, expected, limit=1.3, floor=0.9)


@pytest.mark.parametrize(
    ("facility", "verdict"),
    [(100.0, Verdict.MEETS), (129.9, Verdict.MEETS), (130.0, Verdict.MEETS), (130.1, Verdict.EXCEEDS)],
)
def test_a_value_meets_its_limit_until_it_passes_it(facility: float, verdict: Verdict) -> None:
    found = judged(facility, 100.0)
    assert (found.verdict, found.value, found.reason) == (verdict, facility / 100, "")
    assert (found.coverage, found.estimated_share) == (1.0, 0.0)


def test_a_value_under_1_is_shown_and_not_judged() -> None:
    found = judged(99.0, 100.0)
    assert (found.verdict, found.value) == (Verdict.NO_VERDICT, 0.99)
    assert "data fault" in found.reason


@pytest.mark.parametrize("it", [0.0, -1.0])
def test_without_it_energy_it_is_undefined(it: float) -> None:
    found = judged(130.0, it)
    assert (found.verdict, found.value) == (Verdict.NO_VERDICT, None)
    assert "undefined" in found.reason


def test_without_a_known_window_there_is_no_value() -> None:
    found = judged(0.0, 0.0, known=0)
    assert (found.verdict, found.value, found.coverage, found.estimated_share) == (Verdict.NO_VERDICT, None, 0.0, 0.0)
    assert "no window" in found.reason
    assert judged(0.0, 0.0, known=0, expected=0).coverage == 0.0


@pytest.mark.parametrize(("known", "verdict"), [(87, Verdict.EXCEEDS), (86, Verdict.NO_VERDICT)])
def test_coverage_under_the_floor_gives_no_verdict(known: int, verdict: Verdict) -> None:
    found = judged(140.0, 100.0, known=known)
    assert (found.verdict, found.value) == (verdict, 1.4)
    assert found.reason == ("" if verdict is Verdict.EXCEEDS else "coverage 90% is under the floor of 90%")


@given(
    st.floats(0, 1e9), st.floats(-1, 1e9), st.integers(0, 96), st.integers(0, 96), st.integers(0, 96)
)  # fmt: skip
def test_there_is_a_reason_exactly_where_there_is_no_verdict(
    facility: float, it: float, known: int, estimated: int, expected: int
) -> None:
    found = judged(facility, it, known, min(known, estimated), expected)
    assert (found.reason == "") == (found.verdict is not Verdict.NO_VERDICT)
    assert 0 <= found.estimated_share <= 1
