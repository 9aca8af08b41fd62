"""Whether the ledgers count what came: by themselves, and against what was sent and found."""

from collections.abc import Iterator, Mapping

from simulators.audit.answers import Answers
from simulators.audit.evidence import Evidence
from simulators.audit.finding import Finding, Findings
from simulators.audit.run import Place, Run

_CLASSES = ("landed", "duplicate", "conflict", "held", "refused")
_COUNTS = ("messages", "undecodable", "received", *_CLASSES)
_ROWS = """SELECT site, gateway, count(*) FROM journal WHERE ours AND since GROUP BY site, gateway"""
_UNREADABLE = """SELECT m.site, m.gateway, count(*) FROM arrival a JOIN message m ON m.number = a.message
  WHERE m.refuse GROUP BY m.site, m.gateway"""
_VALUES = "SELECT site, gateway, fate, count(*) FROM came WHERE NOT whole GROUP BY site, gateway, fate"
_KEYS = """SELECT m.site, m.gateway, count(*) FROM sent s JOIN message m ON m.number = s.message
  WHERE s.fate = 'stored' GROUP BY m.site, m.gateway"""
_SENT = """SELECT m.site, m.gateway, count(*), sum(m.refuse) FROM message m GROUP BY m.site, m.gateway"""
_CLASS_OF = {"stored": "landed", "duplicate": "landed", "conflict": "conflict", "held": "held", "refused": "refused"}

Counts = Mapping[str, int]


def check_ledgers(evidence: Evidence, run: Run, answers: Answers, findings: Findings) -> list[str]:
    """Findings for what does not add up; and the notes on what could only be checked in part."""
    notes = []
    expected = None if answers.no_journal else _expected(evidence)
    for place in sorted(run.gateways):
        now = answers.gateways.get(place)
        before = run.before.get(place, {})
        if now is None:
            findings.add(_finding(place, "the system has no ledger of this gateway"))
            continue
        diff = {name: now["ledger"][name] - before.get(name, 0) for name in _COUNTS}
        troubles = [*_identity(now["ledger"]), *(_shrunk(diff) if before else ())]
        others = answers.other_boots(evidence, run, place)
        why = ""
        if others:
            why = f"boots that are not of this run were heard since ({', '.join(others)})"
        elif findings.touches(*place):
            why = "other things were found there"
        if why:
            notes.append(f"{'/'.join(place)}: of its ledger only the sum was checked, for {why}")
        elif expected is None:
            troubles += _at_least(evidence, place, diff)
        else:
            alone = place[0] not in answers.others and not before
            troubles += _compared(diff, expected.get(place, {}), alone=alone)
        if troubles:
            findings.add(_finding(place, "; ".join(troubles)))
    return notes


def _identity(ledger: Counts) -> Iterator[str]:
    total = sum(ledger[name] for name in _CLASSES)
    if ledger["received"] != total:
        yield f"the ledger says that {ledger['received']} values were received, and accounts for {total}"


def _shrunk(diff: Counts) -> Iterator[str]:
    for name in ("messages", "undecodable", "received", "duplicate", "conflict", "refused"):
        if diff[name] < 0:
            yield f"the ledger's {name} is {-diff[name]} less than before the run"


def _compared(diff: Counts, expected: Counts, *, alone: bool) -> Iterator[str]:
    """`alone`: nothing was there before, so that every key that is stored landed in this run."""
    for name in ("messages", "undecodable", "conflict", "held", "refused"):
        if diff[name] != expected.get(name, 0):
            yield f"the ledger counts {diff[name]} {name}, and {expected.get(name, 0)} came"
    kept = diff["landed"] + diff["duplicate"]
    if kept != expected.get("landed", 0):
        yield f"the ledger counts {kept} landed and duplicate values, and {expected.get('landed', 0)} came"
    elif diff["landed"] > expected.get("keys", 0) or (alone and diff["landed"] < expected.get("keys", 0)):
        yield f"the ledger counts {diff['landed']} landed values, and {expected.get('keys', 0)} are stored"


def _at_least(evidence: Evidence, place: Place, diff: Counts) -> Iterator[str]:
    """Without the journal nobody knows how often a message came: at least once."""
    query = """SELECT count(*) FILTER (WHERE NOT m.refuse), count(*) FILTER (WHERE s.refuse AND NOT m.refuse)
      FROM sent s JOIN message m ON m.number = s.message WHERE m.site = ? AND m.gateway = ?"""
    values, refused = next(evidence.rows(query, *place))
    messages, unreadable = next((row[2:] for row in evidence.rows(_SENT) if row[:2] == place), (0, 0))
    least = {"messages": messages, "undecodable": unreadable, "received": values, "refused": refused}
    for name, number in least.items():
        if diff[name] < number:
            yield f"the ledger counts {diff[name]} {name}, and at least {number} were sent"


def _expected(evidence: Evidence) -> dict[Place, dict[str, int]]:
    """What each gateway's ledger must have counted; keys: how many distinct values are stored."""
    out: dict[Place, dict[str, int]] = {}
    for name, query in (("messages", _ROWS), ("undecodable", _UNREADABLE), ("keys", _KEYS)):
        for site, gateway, number in evidence.rows(query):
            out.setdefault((site, gateway), {})[name] = number
    for site, gateway, fate, number in evidence.rows(_VALUES):
        if fate in _CLASS_OF:
            row = out.setdefault((site, gateway), {})
            row[_CLASS_OF[fate]] = row.get(_CLASS_OF[fate], 0) + number
    return out


def _finding(place: Place, text: str) -> Finding:
    return Finding("unexplained", text, *place)
