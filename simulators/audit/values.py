"""The values that are not as they were sent: nowhere, changed, or refused without a reason."""

from typing import NamedTuple

from simulators.audit.evidence import Evidence
from simulators.audit.fate import BAD
from simulators.audit.finding import Finding, Findings
from simulators.audit.journal import at
from simulators.audit.run import Run

# A refusal that is not listed is told of by `lists`, for each time that it came.
_POINTS = """SELECT s.fate, m.site, m.gateway, r.meter, s.time, min(s.message), min(s.item),
  group_concat(DISTINCT e.quantity), count(DISTINCT s.series || ' ' || coalesce(s.value, '')), e.meter
  FROM sent s JOIN series e ON e.id = s.series JOIN meter r ON r.id = e.meter JOIN message m ON m.number = s.message
  WHERE s.fate IN ({}) AND NOT (s.refuse AND s.fate = 'lost')
  GROUP BY s.fate, e.meter, s.time ORDER BY min(s.message), min(s.item)"""
_NOT_MOVED = ", ".join(f"'{fate}'" for fate in BAD if fate != "moved")  # these are told of where they are now
_DIFFERENT = """SELECT e.quantity, s.value, t.value FROM sent s JOIN series e ON e.id = s.series
  LEFT JOIN stored t ON t.series = s.series AND t.time = s.time
  WHERE s.message = ? AND s.item = ? AND s.fate = ? ORDER BY 1"""
_HELD_THERE = """SELECT r.meter, h.time, h.meter FROM arrival a
  JOIN held h ON h.worker = a.worker AND h.day = a.day AND h.row = a.row AND h.item = ? JOIN meter r ON r.id = h.meter
  WHERE a.message = ? LIMIT 1"""
_REASON = """SELECT q.reason || ': ' || q.detail FROM arrival a
  JOIN quarantine q ON q.worker = a.worker AND q.day = a.day AND q.row = a.row
  WHERE a.message = ? AND q.item IN (?, -1) LIMIT 1"""
_DOUBTFUL = """SELECT m.site, m.gateway, r.meter, d.time, d.quality, min(s.message), count(DISTINCT s.series)
  FROM doubtful d JOIN series e ON e.meter = d.meter JOIN sent s ON s.series = e.id AND s.time = d.time
  JOIN message m ON m.number = s.message JOIN meter r ON r.id = d.meter
  WHERE s.fate = 'stored' GROUP BY d.meter, d.time ORDER BY min(s.message)"""
# Keys of which every value is listed as a contradiction: what stands came from somebody else.
_OTHERS_FIRST = """SELECT m.site, m.gateway, r.meter, e.quantity, s.time, min(s.message), t.value FROM sent s
  JOIN stored t ON t.series = s.series AND t.time = s.time JOIN series e ON e.id = s.series
  JOIN meter r ON r.id = e.meter JOIN message m ON m.number = s.message
  WHERE s.fate = 'conflict' AND NOT EXISTS (SELECT 1 FROM sent o WHERE o.series = s.series AND o.time = s.time
    AND o.fate IN ('stored', 'wrong', 'taken', 'unlisted'))
  GROUP BY s.series, s.time ORDER BY min(s.message)"""


class _Point(NamedTuple):
    fate: str
    site: str
    gateway: str
    meter: str
    time: int
    message: int
    item: int
    quantities: str
    number: int
    ident: int


def check_values(evidence: Evidence, run: Run, findings: Findings) -> None:
    """One finding for each reading whose values met the same bad fate."""
    for row in evidence.rows(_POINTS.format(_NOT_MOVED)):
        point = _Point(*row)
        kind, text = ("lost", "") if findings.full else _told(evidence, run, point)
        kind = kind if not findings.full else _kind(evidence, point)
        findings.add(Finding(kind, text, point.site, point.gateway, point.meter,
                             " ".join(sorted(point.quantities.split(","))), run.clock(point.time), point.message,
                             point.number))  # fmt: skip
    for site, gateway, meter, time, quality, number, count in evidence.rows(_DOUBTFUL):
        findings.add(Finding("wrong", f"stored as {quality}, sent as measured in message {number}", site, gateway,
                             meter, "quality", run.clock(time), number, count))  # fmt: skip
    for site, gateway, meter, quantity, time, number, value in evidence.rows(_OTHERS_FIRST):
        findings.add(Finding("unexplained", f"{value!r} stands, which this run did not send; what it sent is among the"
                             " conflicts", site, gateway, meter, quantity, run.clock(time), number))  # fmt: skip


def where_of(evidence: Evidence, number: int) -> str:
    """A message with its boot, its number and its place in the journal."""
    boot, seq = next(evidence.rows("SELECT boot, seq FROM message WHERE number = ?", number))
    place = next(evidence.rows("SELECT worker, day, row FROM arrival WHERE message = ? ORDER BY again", number), None)
    if place is not None:
        lies = at(*place)
    else:
        lies = "not in the journal" if evidence.one("SELECT 1 FROM journal") else "journal not checked"
    return f"message {number} (boot {boot}, number {seq or 'none'}, {lies})"


def _kind(evidence: Evidence, point: _Point) -> str:
    if point.fate in ("wrong", "taken"):
        return "wrong"
    if point.fate == "misheld":
        _, time, meter = next(evidence.rows(_HELD_THERE, point.item, point.message))
        return "wrong" if (meter, time) == (point.ident, point.time) else "moved"
    return "lost"


def _told(evidence: Evidence, run: Run, point: _Point) -> tuple[str, str]:
    source = where_of(evidence, point.message)
    values = list(evidence.rows(_DIFFERENT, point.message, point.item, point.fate))
    sent = ", ".join(f"{name} {value!r}" for name, value, _ in values)
    kind = _kind(evidence, point)
    if point.fate == "wrong":
        stored = ", ".join(f"{name} {value!r}" for name, _, value in values)
        return kind, f"sent as {sent} in {source}, stored as {stored}"
    if point.fate == "taken":
        return kind, f"{sent} of {source} should have been refused, and is stored"
    if point.fate == "unlisted":
        return kind, f"{sent} of {source} contradicts what stands, and is not among the conflicts"
    if point.fate == "denied":
        return kind, f"{sent} of {source} was refused: {evidence.one(_REASON, point.message, point.item)}"
    if point.fate == "misheld":
        meter, time, _ = next(evidence.rows(_HELD_THERE, point.item, point.message))
        there = f"for {meter} at {run.clock(time)}" if kind == "moved" else "with another value"
        return kind, f"{sent} of {source} is held {there}"
    return kind, f"{sent} of {source} is neither stored nor held nor refused"
