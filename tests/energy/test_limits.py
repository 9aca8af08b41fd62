"""The limit in force is the newest row of its key that had begun."""

import pytest

from energy.errors import SetupError
from energy.limits import FIRST_ROWS, Limit, in_force

ROWS = (
    Limit("pue.limit", 1.25, 2000, "newer", verified=True),
    Limit("pue.limit", 1.3, 1000, "older", verified=True),
    Limit("other", 9.0, 1500, "of another key", verified=False),
)


@pytest.mark.parametrize(("at", "value"), [(1000, 1.3), (1999, 1.3), (2000, 1.25), (10**13, 1.25)])
def test_a_row_holds_from_its_first_moment_until_the_next(at: int, value: float) -> None:
    assert in_force(ROWS, "pue.limit", at).value == value


@pytest.mark.parametrize(("key", "at"), [("pue.limit", 999), ("unknown", 5000), ("other", 1499)])
def test_where_no_row_holds_the_operator_is_told(key: str, at: int) -> None:
    with pytest.raises(SetupError, match=key):
        in_force(ROWS, key, at)


def test_a_new_system_has_every_limit_that_a_verdict_needs() -> None:
    found = {key: in_force(FIRST_ROWS, key, 0) for key in ("pue.limit", "pue.clear", "coverage.floor")}
    assert found["pue.clear"].value < found["pue.limit"].value
    assert all(row.source for row in found.values())
