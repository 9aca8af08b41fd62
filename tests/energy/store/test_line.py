"""The lines of InfluxDB's protocol: each value comes back bit for bit, the fast way as the slow one."""

import re
import struct
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import InputError
from energy.store.line import LAST_TIME, to_line, to_lines
from energy.store.port import Point, Series

M1 = Series("meter", "steel-1", "m-1")
FINITE = st.floats(allow_nan=False, allow_infinity=False)


@given(st.lists(st.lists(FINITE, min_size=1, max_size=5), min_size=1, max_size=20))
def test_every_float_comes_back_bit_for_bit(rows: list[list[float]]) -> None:
    points = [Point(M1, 1 + n, {f"f{i}": value for i, value in enumerate(row)}) for n, row in enumerate(rows)]
    for row, line in zip(rows, to_lines(points), strict=True):
        said = [float(text) for text in re.findall(r"f\d+=([^, ]+)", line)]
        assert [struct.pack("d", value) for value in said] == [struct.pack("d", value) for value in row]
        assert re.fullmatch(r"meter,site=steel-1,meter=m-1 (f\d+=[-+.e\d]+,?)+ \d+", line)


@given(
    st.lists(
        st.tuples(st.text(), st.text(), st.dictionaries(st.text(), FINITE, min_size=1, max_size=3), st.integers()),
        min_size=1,
        max_size=5,
    )
)
def test_the_fast_way_says_and_refuses_what_the_slow_one_does(
    drawn: list[tuple[str, str, dict[str, float], int]],
) -> None:
    points = [Point(Series("meter", site, meter), time, fields) for site, meter, fields, time in drawn]
    try:
        slow = [to_line(point) for point in points]
    except InputError:
        with pytest.raises(InputError, match=r"bad_name|bad_time"):
            to_lines(points)
        return
    fast = to_lines(points)
    assert [_parsed(line) for line in fast] == [_parsed(line) for line in slow]


def test_whole_numbers_numpy_numbers_and_truths_are_floats() -> None:
    fields: dict[str, Any] = {"a": 3, "b": np.float64(2.5), "c": np.float32(0.5), "d": np.int64(7)}
    (line,) = to_lines([Point(M1, 1, fields)])
    assert _parsed(line)[1] == {"a": 3.0, "b": 2.5, "c": 0.5, "d": 7.0}
    (line,) = to_lines([Point(M1, 1, {"a": True, "b": False})])
    assert line == "meter,site=steel-1,meter=m-1 a=1.0,b=0.0 1"


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf"), np.float64("nan")])
def test_one_value_that_is_not_finite_refuses_the_whole(bad: float) -> None:
    with pytest.raises(InputError, match="not_finite") as caught:
        to_lines([Point(M1, 1, {"a": 1.0}), Point(M1, 2, {"a": 1.0, "b": bad})])
    assert "b at 2" in caught.value.detail


def test_a_field_whose_name_is_a_word_of_json_is_a_field() -> None:
    assert to_lines([Point(M1, 1, {"null": 1.0, "true_p": 2.0})]) == [
        "meter,site=steel-1,meter=m-1 null=1.0,true_p=2.0 1"
    ]


def test_what_the_protocol_cannot_carry_is_refused() -> None:
    for point in (
        Point(M1, 1, {"time": 1.0}),
        Point(M1, 1, {"a\\": 1.0}),
        Point(M1, 1, {"": 1.0}),
        Point(Series("meter", "a\nb", "m"), 1, {"a": 1.0}),
        Point(Series("#meter", "a", "m"), 1, {"a": 1.0}),
    ):
        with pytest.raises(InputError, match="bad_name"):
            to_lines([Point(M1, 1, {"a": 1.0}), point])
    assert len(to_lines([Point(M1, LAST_TIME, {"a": 1.0})])) == 1
    with pytest.raises(InputError, match="bad_time"):
        to_lines([Point(M1, LAST_TIME + 1, {"a": 1.0})])
    assert to_lines([]) == []


def _parsed(line: str) -> tuple[str, dict[str, float], str]:
    """A line apart, with its values as floats: each way may write the same float in another way."""
    head, fields, time = re.split(r"(?<!\\) ", line)
    said = dict(re.split(r"(?<!\\)=", field) for field in re.split(r"(?<!\\),", fields))
    return head, {name: float(value) for name, value in said.items()}, time
