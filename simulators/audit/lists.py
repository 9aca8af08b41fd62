"""Whether the lists of conflicts, held values and refusals have what they should, for each row of the journal."""

from collections.abc import Iterator
from typing import Any

from simulators.audit.evidence import Evidence
from simulators.audit.finding import Finding, Findings
from simulators.audit.journal import at
from simulators.audit.run import Run

_UNLISTED = """SELECT site, gateway, meter, quantity, time, message, worker, day, row, item, value FROM came s
  WHERE fate = 'conflict' AND NOT EXISTS (SELECT 1 FROM conflict c WHERE c.worker = s.worker AND c.day = s.day
    AND c.row = s.row AND c.item = s.item AND c.series = s.series)
  ORDER BY worker, day, row, item"""
_UNHELD = """SELECT site, gateway, meter, quantity, time, message, worker, day, row, item, value FROM came s
  WHERE fate = 'held' AND NOT EXISTS (SELECT 1 FROM held h JOIN held_value v ON v.held = h.id
    WHERE h.worker = s.worker AND h.day = s.day AND h.row = s.row AND h.item = s.item
    AND v.series = s.series AND v.time = s.time AND v.value = s.value)
  ORDER BY worker, day, row, item"""
_UNREFUSED = """SELECT site, gateway, meter, group_concat(quantity, ' '), time, message, worker, day, row, item,
  count(*) AS wanted, (SELECT total(number) FROM quarantine q WHERE q.worker = s.worker AND q.day = s.day
    AND q.row = s.row AND q.item = s.item) AS found
  FROM came s WHERE refuse AND NOT whole AND message NOT IN (SELECT message FROM crowded)
  GROUP BY worker, day, row, item HAVING found < wanted ORDER BY worker, day, row, item"""
_WHOLE = """SELECT m.site, m.gateway, m.number, a.worker, a.day, a.row, m.how FROM arrival a
  JOIN message m ON m.number = a.message WHERE m.refuse AND NOT EXISTS (SELECT 1 FROM quarantine q
    WHERE q.worker = a.worker AND q.day = a.day AND q.row = a.row AND q.item = -1)
  ORDER BY a.worker, a.day, a.row"""
_CROWDED = """SELECT m.site, m.gateway, m.number, a.worker, a.day, a.row,
  (SELECT count(*) FROM sent s WHERE s.message = m.number AND s.refuse) AS wanted,
  (SELECT total(number) FROM quarantine q WHERE q.worker = a.worker AND q.day = a.day AND q.row = a.row) AS found
  FROM arrival a JOIN message m ON m.number = a.message JOIN crowded w ON w.message = m.number
  WHERE found < wanted ORDER BY a.worker, a.day, a.row"""


def check_lists(evidence: Evidence, run: Run, findings: Findings) -> None:
    """What is missing in them, what is not as it was sent, and what belongs to no message; needs the journal."""
    for said, query in (("contradicts what stands, and is not among the conflicts", _UNLISTED),
                        ("waits for its meter, and is not among the held values", _UNHELD)):  # fmt: skip
        for site, gateway, meter, quantity, time, number, *place, item, value in evidence.rows(query):
            text = f"{value!r} of message {number}, {at(*place)} item {item}, {said}"
            findings.add(Finding("lost", text, site, gateway, meter, quantity, run.clock(time), number))
    for site, gateway, meter, quantity, time, number, *place, item, wanted, found in evidence.rows(_UNREFUSED):
        text = f"{wanted - int(found)} values of message {number}, {at(*place)} item {item}, are not in the quarantine"
        findings.add(Finding("lost", text, site, gateway, meter, quantity, run.clock(time), number,
                             wanted - int(found)))  # fmt: skip
    for site, gateway, number, *place, how in evidence.rows(_WHOLE):
        text = f"message {number} ({how}), {at(*place)}, cannot be read and is not in the quarantine"
        findings.add(Finding("lost", text, site, gateway, message=number))
    for site, gateway, number, *place, wanted, found in evidence.rows(_CROWDED):
        text = f"{wanted - int(found)} values of message {number}, {at(*place)}, are not in the quarantine"
        findings.add(Finding("lost", text, site, gateway, message=number, count=wanted - int(found)))
    for finding in (*_conflicts(evidence, run), *_held(evidence, run), *_refusals(evidence, run)):
        findings.add(finding)


def check_counts(evidence: Evidence, run: Run, findings: Findings) -> None:
    """Without the journal: whether as many refusals are listed since the run began as it must have caused."""
    query = """SELECT site, gateway, unread, refused,
      (SELECT count(*) FROM quarantine q WHERE q.site = m.site AND q.gateway = m.gateway AND at >= ?1 AND item = -1),
      (SELECT total(number) FROM quarantine q WHERE q.site = m.site AND q.gateway = m.gateway AND at >= ?1)
      FROM (SELECT site, gateway, sum(m.refuse) AS unread, (SELECT count(*) FROM sent s JOIN message o
          ON o.number = s.message WHERE s.refuse AND NOT o.refuse AND o.site = m.site AND o.gateway = m.gateway)
        AS refused FROM message m GROUP BY site, gateway) AS m ORDER BY site, gateway"""
    for site, gateway, unread, refused, whole, values in evidence.rows(query, run.played_at):
        for wanted, found, what in ((unread, whole, "messages that cannot be read"), (refused, int(values), "values")):
            if found < wanted:
                text = f"{wanted} {what} were to be refused, and the quarantine has {found} of them"
                findings.add(Finding("lost", text, site, gateway, count=wanted - found))


def _conflicts(evidence: Evidence, run: Run) -> Iterator[Finding]:
    named = """SELECT m.site, m.gateway, r.meter, e.quantity, c.time, m.number, a.worker, a.day, a.row, c.item,
      c.refused, c.kept, t.value, (SELECT s.value FROM sent s WHERE s.message = a.message AND s.item = c.item
        AND s.series = c.series AND s.time = c.time) AS told
      FROM conflict c JOIN arrival a ON a.worker = c.worker AND a.day = c.day AND a.row = c.row
      JOIN message m ON m.number = a.message JOIN series e ON e.id = c.series JOIN meter r ON r.id = e.meter
      LEFT JOIN stored t ON t.series = c.series AND t.time = c.time
      WHERE told IS NOT c.refused OR t.value IS NOT c.kept ORDER BY c.id"""
    for *about, number, worker, day, row, item, refused, kept, stored, told in evidence.rows(named):
        where = f"the conflict of {at(worker, day, row)} item {item}"
        if told != refused:
            yield _finding(run, "wrong", f"{where} says that {refused!r} came, and {told!r} was sent", about, number)
        elif stored is not None:
            yield _finding(run, "wrong", f"{where} says that {kept!r} is kept, and {stored!r} is stored", about, number)
    strange = """SELECT r.site, '', r.meter, e.quantity, c.time, c.worker, c.day, c.row, c.refused FROM nobodys n
      JOIN conflict c ON c.id = n.id JOIN series e ON e.id = c.series JOIN meter r ON r.id = e.meter
      WHERE n.list = 'conflict' AND n.at >= ? ORDER BY c.id"""
    for *about, worker, day, row, refused in evidence.rows(strange, run.played_at):
        text = f"{refused!r} is among the conflicts, from {at(worker, day, row)}, which is not there"
        yield _finding(run, "unexplained", text, about, None)


def _held(evidence: Evidence, run: Run) -> Iterator[Finding]:
    named = """SELECT m.site, m.gateway, r.meter, e.quantity, h.time, m.number, a.worker, a.day, a.row, h.item, v.value,
      h.quality, EXISTS (SELECT 1 FROM sent s WHERE s.message = a.message AND s.item = h.item AND s.series = v.series
        AND s.time = v.time AND s.value = v.value) AS told
      FROM held h JOIN arrival a ON a.worker = h.worker AND a.day = h.day AND a.row = h.row
      JOIN message m ON m.number = a.message JOIN held_value v ON v.held = h.id
      JOIN series e ON e.id = v.series JOIN meter r ON r.id = e.meter
      WHERE (NOT told OR h.quality <> 'measured') AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.message = a.message
        AND s.item = h.item AND s.fate = 'misheld') ORDER BY h.id"""
    for *about, number, worker, day, row, item, value, quality, told in evidence.rows(named):
        said = f"is held as {quality}, and was sent as measured" if told else "is held, and was not sent so"
        text = f"{value!r} of {at(worker, day, row)} item {item} {said}"
        yield _finding(run, "wrong", text, about, number)
    strange = """SELECT h.site, h.gateway, r.meter, '', h.time, h.worker, h.day, h.row,
      EXISTS (SELECT 1 FROM held_value v JOIN sent s ON s.series = v.series AND s.time = v.time AND s.value = v.value
        WHERE v.held = h.id) AS again
      FROM nobodys n JOIN held h ON h.id = n.id JOIN meter r ON r.id = h.meter
      WHERE n.list = 'held' AND n.at >= ? ORDER BY h.id"""
    for *about, worker, day, row, again in evidence.rows(strange, run.played_at):
        text = f"a reading is held, from {at(worker, day, row)}, which is not there"
        yield _finding(run, "doubled" if again else "unexplained", text, about, None)


def _refusals(evidence: Evidence, run: Run) -> Iterator[Finding]:
    named = """SELECT q.site, q.gateway, m.number, q.worker, q.day, q.row, q.item, q.reason FROM quarantine q
      JOIN arrival a ON a.worker = q.worker AND a.day = q.day AND a.row = q.row JOIN message m ON m.number = a.message
      WHERE NOT (q.item = -1 AND m.refuse) AND NOT EXISTS (SELECT 1 FROM sent s WHERE s.message = m.number
        AND q.item IN (s.item, -1) AND (s.refuse OR s.fate = 'denied')) ORDER BY q.id"""
    for site, gateway, number, worker, day, row, item, reason in evidence.rows(named):
        text = f"{at(worker, day, row)} item {item} is in the quarantine ({reason}), and nothing is wrong with it"
        yield Finding("unexplained", text, site, gateway, message=number)
    strange = """SELECT q.site, q.gateway, q.worker, q.day, q.row, q.reason FROM nobodys n
      JOIN quarantine q ON q.id = n.id WHERE n.list = 'quarantine' AND n.at >= ?
      AND (q.site, q.gateway) IN (SELECT DISTINCT site, gateway FROM message) ORDER BY q.id"""
    for site, gateway, worker, day, row, reason in evidence.rows(strange, run.played_at):
        text = f"the quarantine has a refusal ({reason}) from {at(worker, day, row)}, which is not there"
        yield Finding("unexplained", text, site, gateway)


def _finding(run: Run, kind: str, text: str, about: list[Any], number: int | None) -> Finding:
    site, gateway, meter, quantity, time = about
    return Finding(kind, text, site, gateway, meter, quantity, run.clock(time), number)
