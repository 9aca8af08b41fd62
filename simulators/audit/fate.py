"""What became of each value that was sent, whatever the order in which it came."""

from simulators.audit.evidence import Evidence

# stored: the value stands; duplicate: it was sent once more; conflict: another came first, and it is listed;
# held, refused: listed. The rest is not as it should be:
# unlisted: another came first, and it is not listed; wrong: what stands was never sent; misheld: its place among the
# held values has something else; denied: refused, though nothing is wrong with it; taken: stored, though it should have
# been refused; lost: nowhere; moved: see `strangers`.
_WELL = ("stored", "duplicate", "conflict", "held", "refused")
BAD = ("unlisted", "wrong", "misheld", "denied", "taken", "lost", "moved")
FATES = (*_WELL, *BAD)

_SAME_STORED = (
    "EXISTS (SELECT 1 FROM stored t WHERE t.series = sent.series AND t.time = sent.time AND t.value = sent.value)"
)
_ANY_STORED = "EXISTS (SELECT 1 FROM stored t WHERE t.series = sent.series AND t.time = sent.time)"
_LISTED = """EXISTS (SELECT 1 FROM conflict c WHERE c.series = sent.series AND c.time = sent.time
  AND c.refused = sent.value)"""
_STANDS = """EXISTS (SELECT 1 FROM sent o WHERE o.series = sent.series AND o.time = sent.time AND o.fate = 'stored')"""
_WAITS = """EXISTS (SELECT 1 FROM held_value v JOIN held h ON h.id = v.held
  WHERE v.series = sent.series AND v.time = sent.time AND v.value = sent.value AND h.waits)"""
_HELD_THERE = """EXISTS (SELECT 1 FROM arrival a JOIN held h
  ON h.worker = a.worker AND h.day = a.day AND h.row = a.row AND h.item = sent.item AND h.waits
  WHERE a.message = sent.message)"""
_REFUSED_THERE = """EXISTS (SELECT 1 FROM arrival a JOIN quarantine q
  ON q.worker = a.worker AND q.day = a.day AND q.row = a.row
  WHERE a.message = sent.message AND (q.item IN (sent.item, -1)
    OR sent.message IN (SELECT message FROM crowded)))"""
_TAKEN_TOO = """EXISTS (SELECT 1 FROM sent o WHERE o.series = sent.series AND o.time = sent.time
  AND o.value = sent.value AND NOT o.refuse)"""
_EARLIER = """EXISTS (SELECT 1 FROM sent o WHERE o.series = sent.series AND o.time = sent.time
  AND o.fate = 'stored' AND o.id < sent.id)"""
# Beyond 100 refused items of a message, the quarantine has one row for all that are refused for the same reason.
_CROWDED = """CREATE TABLE crowded AS SELECT message FROM sent JOIN message ON number = message
  WHERE sent.refuse AND NOT message.refuse GROUP BY message HAVING count(DISTINCT item) > 100"""


def find_fates(evidence: Evidence, *, journal: bool) -> None:
    """Write the fate of every value; without the journal, nobody can say where its refusal would stand: it counts."""
    evidence.run(_CROWDED)
    steps = [
        ("taken", f"refuse AND {_SAME_STORED} AND NOT {_TAKEN_TOO}"),
        ("refused", f"refuse AND {_REFUSED_THERE}" if journal else "refuse"),
        ("stored", f"NOT refuse AND {_SAME_STORED}"),
        ("conflict", f"NOT refuse AND {_ANY_STORED} AND {_LISTED}"),
        ("unlisted", f"NOT refuse AND {_ANY_STORED} AND {_STANDS}"),
        ("wrong", f"NOT refuse AND {_ANY_STORED}"),
        ("held", f"NOT refuse AND {_WAITS}"),
        ("misheld", f"NOT refuse AND {_HELD_THERE}"),
        ("denied", f"NOT refuse AND {_REFUSED_THERE}"),
        ("lost", "TRUE"),
    ]
    for fate, condition in steps:
        evidence.run(f"UPDATE sent SET fate = '{fate}' WHERE fate IS NULL AND {condition}")  # noqa: S608
    evidence.run("CREATE INDEX sent_fate ON sent (fate)")
    evidence.run(f"UPDATE sent SET fate = 'duplicate' WHERE fate = 'stored' AND {_EARLIER}")  # noqa: S608


def counted(evidence: Evidence) -> dict[str, int]:
    """How many values have each fate."""
    found = dict(evidence.rows("SELECT fate, count(*) FROM sent GROUP BY fate"))
    return {fate: int(found.get(fate, 0)) for fate in FATES}


def by_label(evidence: Evidence) -> dict[str, dict[str, int]]:
    """For each fault's label, how many values it touched, by what became of them."""
    out: dict[str, dict[str, int]] = {}
    for labels, fate, number in evidence.rows("SELECT labels, fate, count(*) FROM sent GROUP BY labels, fate"):
        for label in labels.split():
            row = out.setdefault(label, {})
            row[fate] = row.get(fate, 0) + number
    return out
