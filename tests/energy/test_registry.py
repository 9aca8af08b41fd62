"""What may be registered: names that are safe everywhere, registers that can be counted."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import InputError
from energy.registry import Boundary, Meter, check_meter, check_name

GOOD = Meter("steel-1", "incomer", "总进线", "Incomer", multiplier=Decimal("1000"))


@pytest.mark.parametrize("name", ["a", "steel-1", "m_0001", "dc.it", "高炉-2", "x" * 64])
def test_a_safe_name_is_taken(name: str) -> None:
    assert check_name("site", name) == name


@pytest.mark.parametrize(
    "name",
    ["", "x" * 65, "-a", ".a", "a b", "a/b", "a+b", "a#", "a\n", "a\x00", "..", "a%", "$SYS", "a\u200bb", "é\u0301"],
)
def test_a_name_that_breaks_a_topic_a_tag_or_a_url_is_refused(name: str) -> None:
    with pytest.raises(InputError) as caught:
        check_name("site", name)
    assert caught.value.reason == "bad_name"


@given(st.text(max_size=70))
def test_whatever_is_taken_can_stand_in_a_topic(name: str) -> None:
    try:
        check_name("site", name)
    except InputError:
        return
    assert not set(name) & set("/+#$\x00 \n\r\t,=\\\"'?&%<>")
    assert 1 <= len(name) <= 64


def test_a_meter_that_makes_sense_comes_back() -> None:
    assert check_meter(GOOD) is GOOD
    assert check_meter(replace(GOOD, register=None)).unit == ""
    assert (GOOD.resolution, GOOD.modulus) == (Decimal(10), 10**10)
    assert (GOOD.carrier, GOOD.unit) == ("electricity", "kWh")


@pytest.mark.parametrize(
    ("field", "value", "reason"),
    [
        ("site", "a b", "bad_name"),
        ("id", "", "bad_name"),
        ("register", "p_kw", "bad_register"),
        ("register", "nonsense", "bad_register"),
        ("digits", 0, "bad_register"),
        ("digits", 13, "bad_register"),
        ("decimals", -1, "bad_register"),
        ("decimals", 7, "bad_register"),
        ("multiplier", Decimal(0), "bad_multiplier"),
        ("multiplier", Decimal(-1), "bad_multiplier"),
        ("multiplier", Decimal("NaN"), "bad_multiplier"),
        ("multiplier", Decimal("Infinity"), "bad_multiplier"),
        ("parent", "incomer", "own_parent"),
    ],
)
def test_a_field_that_makes_no_sense_is_refused_with_its_reason(field: str, value: object, reason: str) -> None:
    with pytest.raises(InputError) as caught:
        check_meter(replace(GOOD, **{field: value}))  # type: ignore[arg-type]
    assert caught.value.reason == reason


def test_a_register_of_more_digits_than_a_float_holds_is_refused() -> None:
    check_meter(replace(GOOD, digits=12, decimals=3))
    with pytest.raises(InputError, match="at most 15"):
        check_meter(replace(GOOD, digits=12, decimals=4))


def test_a_boundary_names_each_meter_once() -> None:
    assert Boundary(("a", "b"), ("b", "c")).meters == {"a", "b", "c"}
