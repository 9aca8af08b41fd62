"""A meter's reading at one moment, and how far a value can be trusted."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

EARLIEST = 1_262_304_000_000  # 2010-01-01 UTC; no meter that this system serves is older
MAX_AHEAD = 10 * 60 * 1000  # a sender's clock may be this far ahead (ms)


class Quality(IntEnum):
    """The trust in a value; stored as a float field, so the order must never change."""

    MEASURED = 0
    ESTIMATED = 1
    MISSING = 2

    @classmethod
    def parse(cls, text: str) -> "Quality":
        """`measured`, `estimated` or `missing` → Quality; KeyError for anything else.

        >>> Quality.parse("estimated").name
        'ESTIMATED'
        """
        return cls[text.upper()]


@dataclass(frozen=True, slots=True)
class Reading:
    """What one meter said at `time` (ms UTC): quantity key → finite value in the quantity's unit."""

    meter: str
    time: int
    values: Mapping[str, float]
    quality: Quality = Quality.MEASURED
