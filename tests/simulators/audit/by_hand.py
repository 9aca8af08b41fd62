"""Small truths made by hand, with what a system says of them."""

import hashlib
from typing import Any

from energy.window import to_text
from simulators.audit.answers import Answers
from simulators.audit.evidence import Evidence
from simulators.audit.fate import counted, find_fates
from simulators.audit.finding import Findings
from simulators.audit.journal import check_journal
from simulators.audit.lists import check_lists
from simulators.audit.run import Run
from simulators.audit.strangers import check_strangers
from simulators.audit.values import check_values

START = 1_772_380_800_000
PLAYED = START + 100_000_000
TOPIC = "ecm/v1/s/g/telemetry"
DAY = "2026-03-03"


class Case:
    """What is sent by one gateway `g` of a site `s`, and what the system says of it."""

    def __init__(self, evidence: Evidence) -> None:
        self.evidence = evidence
        self.findings = Findings(100)
        self.run = Run("UTC", START, START + 3_600_000, PLAYED, PLAYED + 1000, frozenset({("s", "m")}),
                       frozenset({("s", "g")}), {}, 0)  # fmt: skip
        self.answers = Answers({}, frozenset(), "")
        self.notes: list[str] = []
        self._row = 0

    def message(self, number: int, *, seq: int | None = None, said: str = "", refuse: bool = False) -> None:
        seq = number if seq is None else seq
        self.evidence.add("message", [(number, "s", "g", "telemetry", "b", seq, TOPIC, _hash(said or str(number)),
                                       refuse, "not_json" if refuse else "")])  # fmt: skip

    def sent(
        self, message: int, value: float, *, time: int = START, item: int = 0, refuse: bool = False, meter: str = "m",
        quantity: str = "p_kw", labels: str = "",
    ) -> None:  # fmt: skip
        series = self.series(meter, quantity)
        self.evidence.add("sent", [(None, message, item, series, time, value, refuse, labels, None)])

    def series(self, meter: str = "m", quantity: str = "p_kw") -> int:
        return self.evidence.series(self.evidence.meter("s", meter), quantity)

    def stored(self, value: float, time: int = START, meter: str = "m", quantity: str = "p_kw") -> None:
        self.evidence.add("stored", [(self.series(meter, quantity), time, value)])

    def journaled(
        self, said: str, *, topic: str = TOPIC, intact: bool = True, leaf: str = "", later: bool = False,
        ms: int | None = None,
    ) -> int:  # fmt: skip
        self._row += 1
        self.evidence.add("journal", [(None, "w1", DAY, self._row, True, True, later, "s", "g", topic,
                                       _hash(said), leaf or f"leaf {self._row}", intact, False,
                                       self._row if ms is None else ms)])  # fmt: skip
        return self._row

    def conflict(self, row: int, kept: float, refused: float, item: int = 0) -> None:
        self.evidence.add("conflict", [(None, PLAYED, self.series(), START, kept, refused, "w1", DAY, row, item)])

    def refused(self, row: int, number: int, item: int = 0, reason: str = "not_finite") -> None:
        self.evidence.add("quarantine", [(None, PLAYED, "s", "g", reason, "said so", number, "w1", DAY, row, item)])

    def checked(self) -> list[tuple[str, int | None]]:
        """Everything that is found but for the ledger: word and message."""
        self.evidence.index()
        self.notes = check_journal(self.evidence, self.run, self.answers, self.findings)
        find_fates(self.evidence, journal=True)
        check_strangers(self.evidence, self.run, self.findings)
        check_values(self.evidence, self.run, self.findings)
        check_lists(self.evidence, self.run, self.findings)
        return [(finding.kind, finding.message) for finding in self.findings.first]

    def fates(self) -> dict[str, int]:
        return {fate: number for fate, number in counted(self.evidence).items() if number}


def _hash(said: str) -> str:
    return hashlib.sha256(said.encode()).hexdigest()


def ledger_of(**counts: int) -> dict[str, int]:
    names = ("messages", "undecodable", "received", "landed", "duplicate", "conflict", "held", "refused")
    return dict.fromkeys(names, 0) | counts


def boot_of(name: str, at: int = PLAYED) -> dict[str, Any]:
    return {"boot": name, "seq": 1, "last_seq": 1, "gaps": [], "first_at": to_text(at), "last_at": to_text(at)}


def answers_of(ledger: dict[str, int], boots: list[str]) -> Answers:
    gateway: Any = {"site": "s", "gateway": "g", "ledger": ledger, "boots": [boot_of(name) for name in boots]}
    return Answers({("s", "g"): gateway}, frozenset(), "")
