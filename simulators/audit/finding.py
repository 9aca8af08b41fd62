"""What an audit found: each finding in one sentence, with its place and the word for it."""

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

# Every word that a finding can have, and what it says.
KINDS = {
    "lost": "sent, and neither stored nor held nor refused; or not in the journal, or not in the list it belongs to",
    "doubled": "there a second time where it was never sent",
    "wrong": "there, and not as it was sent",
    "moved": "gone from its own place, and there at another",
    "deleted": "rows that are missing from the journal",
    "altered": "a row of the journal that is not as it was when it was written",
    "unexplained": "there, and nobody sent it; counts that do not add up; or what could not be checked",
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is not as it should be.

    quantity: several are separated by blanks; time: RFC 3339 in the run's zone; message: its number in the truth;
    count: how many values, messages or rows it is about. What does not apply is "" or None.
    """

    kind: str
    text: str
    site: str = ""
    gateway: str = ""
    meter: str = ""
    quantity: str = ""
    time: str = ""
    message: int | None = None
    count: int = 1

    def row(self) -> dict[str, Any]:
        """As a row to print."""
        return asdict(self)


class Findings:
    """Counts every finding, and keeps the first ones."""

    def __init__(self, keep: int) -> None:
        """`keep`: how many are kept, so that a store that lost everything does not fill the memory."""
        self._keep = keep
        self.first: list[Finding] = []
        self.counts: Counter[str] = Counter(dict.fromkeys(KINDS, 0))
        self.total = 0
        self._gateways: set[tuple[str, str]] = set()

    def add(self, finding: Finding) -> None:
        """Note one; KeyError for a kind that is none of KINDS."""
        if finding.kind not in KINDS:
            raise KeyError(finding.kind)
        self.counts[finding.kind] += finding.count
        self.total += 1
        self._gateways.add((finding.site, finding.gateway))
        if len(self.first) < self._keep:
            self.first.append(finding)

    @property
    def full(self) -> bool:
        """Whether what is found from now on is only counted, so that its text is of no use."""
        return len(self.first) >= self._keep

    def touches(self, site: str, gateway: str) -> bool:
        """Whether anything was found at a gateway, or at its site or everywhere."""
        return bool(self._gateways & {(site, gateway), (site, ""), ("", "")})
