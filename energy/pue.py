"""Power usage effectiveness: Σ facility energy ÷ Σ IT energy on identical windows, and when it may be judged.

Source: ISO/IEC 30134-2 and GB 40879-2021; a value of less than twelve months is interim.
"""

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """What a PUE value says against its limit."""

    MEETS = "meets"
    EXCEEDS = "exceeds"
    NO_VERDICT = "no_verdict"


@dataclass(frozen=True, slots=True)
class Pue:
    """A PUE figure; `value` is None where it is undefined, `reason` says why there is no verdict."""

    value: float | None
    facility_kwh: float
    it_kwh: float
    coverage: float
    estimated_share: float
    verdict: Verdict
    reason: str


def ratio(
    facility_kwh: float, it_kwh: float, known: int, estimated: int, expected: int, limit: float, floor: float
) -> Pue:
    """Sums over the `known` windows where every boundary meter has a value, of `expected` → Pue.

    estimated: how many of the known windows rest on an estimated value; floor: the least coverage for a verdict.

    >>> ratio(130.0, 100.0, 96, 0, 96, limit=1.3, floor=0.9).verdict.value
    'meets'
    >>> ratio(130.0, 0.0, 96, 0, 96, limit=1.3, floor=0.9).reason
    'IT energy is 0: undefined'
    """
    coverage = known / expected if expected else 0.0
    share = estimated / known if known else 0.0
    value = facility_kwh / it_kwh if it_kwh > 0 else None
    verdict, reason = Verdict.NO_VERDICT, ""
    if known == 0:
        value, reason = None, "no window has every meter of the boundary"
    elif value is None:
        reason = "IT energy is 0: undefined"
    elif coverage < floor:
        reason = f"coverage {coverage:.0%} is under the floor of {floor:.0%}"
    elif value < 1:
        reason = "PUE under 1 is a data fault: check the boundary's meters"
    else:
        verdict = Verdict.EXCEEDS if value > limit else Verdict.MEETS
    return Pue(value, facility_kwh, it_kwh, coverage, share, verdict, reason)
