"""What a check found: a verdict, figures, and how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Verdict(StrEnum):
    """warn: works, and is not as it should be or cannot be seen; fail: data may be lost, or come from anybody."""

    OK = "ok"
    WARN = "warn"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of the doctor's; `mend` is "" where nothing needs mending."""

    check: str
    verdict: Verdict
    said: str
    mend: str = ""
    figures: Mapping[str, Any] = field(default_factory=dict)

    def row(self) -> dict[str, Any]:
        """As it is printed."""
        return {"check": self.check, "verdict": str(self.verdict), "said": self.said, "mend": self.mend,
                "figures": dict(self.figures)}  # fmt: skip


def ok(check: str, said: str, **figures: Any) -> Finding:
    """All is as it should be."""
    return Finding(check, Verdict.OK, said, "", figures)


def warn(check: str, said: str, mend: str, **figures: Any) -> Finding:
    """It works, and should be otherwise; or it cannot be seen."""
    return Finding(check, Verdict.WARN, said, mend, figures)


def fail(check: str, said: str, mend: str, **figures: Any) -> Finding:
    """This is to be mended."""
    return Finding(check, Verdict.FAIL, said, mend, figures)
