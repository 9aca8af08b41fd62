"""The audit of a run: reads the truth, asks the system, and says what does not agree."""

from dataclasses import dataclass
from typing import Any

from energy.client import Client
from simulators.audit.answers import take_answers
from simulators.audit.evidence import Evidence
from simulators.audit.fate import by_label, counted, find_fates
from simulators.audit.finding import Finding, Findings
from simulators.audit.journal import check_journal
from simulators.audit.ledger import check_ledgers
from simulators.audit.lists import check_counts, check_lists
from simulators.audit.run import run_of, take_sent
from simulators.audit.strangers import check_strangers
from simulators.audit.values import check_values
from simulators.truth import Truth


@dataclass(frozen=True, slots=True)
class Report:
    """What an audit says.

    counts: of messages and values, by what became of them; found: by each word of `finding.KINDS`, how many values,
    messages or rows; findings: the first of them; notes: what could only be checked in part; faults: each fault's
    label with the values that it touched, by what became of them.
    """

    scenario: str
    seed: int
    counts: dict[str, int]
    found: dict[str, int]
    findings: list[Finding]
    total: int
    notes: list[str]
    faults: list[dict[str, Any]]

    @property
    def well(self) -> bool:
        """Whether nothing was found."""
        return self.total == 0

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return {
            "scenario": self.scenario, "seed": self.seed, "well": self.well, "counts": self.counts,
            "found": self.found, "findings": [finding.row() for finding in self.findings],
            "findings_in_all": self.total, "notes": self.notes, "faults": self.faults,
        }  # fmt: skip


def audit(truth: Truth, client: Client, now: int, *, keep: int = 50, journal: bool = True) -> Report:
    """Compare a run's truth with what the system answers; `now` in ms UTC, `keep`: findings to keep.

    Without `journal` it is not asked for, and not missed. SetupError or InputError for a truth that is not whole,
    OutsideError when the system does not answer.
    """
    run = run_of(truth)
    findings = Findings(keep)
    with Evidence() as evidence:
        take_sent(evidence, truth)
        answers = take_answers(evidence, run, client, now, journal=journal)
        whole = not answers.no_journal
        notes = check_journal(evidence, run, answers, findings) if whole else []
        find_fates(evidence, journal=whole)
        check_strangers(evidence, run, findings)
        check_values(evidence, run, findings)
        (check_lists if whole else check_counts)(evidence, run, findings)
        notes += check_ledgers(evidence, run, answers, findings)
        if not whole:
            text = f"the journal was not checked: {answers.no_journal}"
            notes.append(text)
            if journal:
                findings.add(Finding("unexplained", text))
        counts = _counts(evidence, whole=whole)
        if run.repeated:
            notes.append(f"gateways handed {run.repeated} messages over again, for want of a receipt")
        touched = by_label(evidence)
    return Report(
        str(truth.run["scenario"]), int(truth.run["seed"]), counts, dict(findings.counts), findings.first,
        findings.total, notes,
        [{name: fault.get(name) for name in ("label", "kind", "at", "from", "until", "readings", "missed")}
         | {"values": touched.get(fault["label"], {})} for fault in truth.faults],
    )  # fmt: skip


def _counts(evidence: Evidence, *, whole: bool) -> dict[str, int]:
    fates = counted(evidence)
    counts = {
        "messages": int(evidence.one("SELECT count(*) FROM message")), "values": sum(fates.values()),
        "stored": fates["stored"], "duplicates": fates["duplicate"], "conflicts": fates["conflict"],
        "held": fates["held"], "refused": fates["refused"],
    }  # fmt: skip
    if whole:
        counts["redelivered"] = int(evidence.one("SELECT count(*) FROM arrival WHERE again"))
    return counts
