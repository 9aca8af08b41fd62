"""Dated thresholds with their sources: what a verdict is measured against, and since when."""

from dataclasses import dataclass

from energy.errors import SetupError


@dataclass(frozen=True, slots=True)
class Limit:
    """One dated row; `valid_from` is ms UTC; `verified` says whether the source's text was compared."""

    key: str
    value: float
    valid_from: int
    source: str
    verified: bool


# Rows that a new system begins with; an operator replaces them by later rows.
FIRST_ROWS = (
    Limit("pue.limit", 1.30, 0, "municipal industrial carbon-peak plan: data centres PUE ≤ 1.3", verified=True),
    Limit("pue.clear", 1.28, 0, "hysteresis: an alert ends 0.02 under the limit; our own choice", verified=True),
    Limit("coverage.floor", 0.90, 0, "national online monitoring: completeness ≥ 90 %", verified=False),
)


def in_force(rows: tuple[Limit, ...], key: str, at: int) -> Limit:
    """The row of `key` that holds at `at` (ms UTC); SetupError when there is none."""
    held = [row for row in rows if row.key == key and row.valid_from <= at]
    if not held:
        raise SetupError(f"no row for {key!r} is in force: add one to the limits")
    return max(held, key=lambda row: row.valid_from)
