"""Whether every message that was sent lies in the journal once, unchanged and in order, and nothing else does."""

import hashlib
import json
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterable
from itertools import groupby

from simulators.audit.answers import Answers
from simulators.audit.evidence import Evidence
from simulators.audit.finding import Finding, Findings
from simulators.audit.run import Run

Place = tuple[int, str, int]  # a message with its day and row

# The same bytes can come twice within a millisecond; a copy that was put in later stands behind later rows.
_COPIES = """UPDATE journal SET copy = 1 WHERE id IN (
  SELECT id FROM (SELECT id, worker, day, row, ms, topic, sha256,
      ROW_NUMBER() OVER (PARTITION BY leaf ORDER BY worker, day, row) AS number
    FROM journal WHERE ours AND since AND intact) AS one
  WHERE number > 1
    AND number > (SELECT count(*) FROM message WHERE topic = one.topic AND sha256 = one.sha256)
    AND EXISTS (SELECT 1 FROM journal b WHERE b.worker = one.worker AND b.day = one.day AND b.row < one.row
      AND b.ms > one.ms))"""
# The same bytes may have been sent more than once: the first row is the first of them, and so on.
_ARRIVALS = """INSERT INTO arrival SELECT m.number, j.worker, j.day, j.row, j.n > m.total FROM
  (SELECT *, ROW_NUMBER() OVER (PARTITION BY topic, sha256 ORDER BY worker, day, row) AS n
    FROM journal WHERE ours AND since AND intact AND NOT copy) AS j
  JOIN (SELECT *, ROW_NUMBER() OVER (PARTITION BY topic, sha256 ORDER BY number) AS n,
    count(*) OVER (PARTITION BY topic, sha256) AS total FROM message) AS m
  ON m.topic = j.topic AND m.sha256 = j.sha256 AND m.n = min(j.n, m.total)"""
_BETWEEN = """SELECT min(number) FROM message WHERE site = ?1 AND gateway = ?2
  AND number > coalesce((SELECT a.message FROM arrival a JOIN message m ON m.number = a.message
    WHERE a.worker = ?3 AND (a.day, a.row) < (?4, ?5) AND m.site = ?1 AND m.gateway = ?2
    ORDER BY a.day DESC, a.row DESC LIMIT 1), 0)
  AND number < coalesce((SELECT a.message FROM arrival a JOIN message m ON m.number = a.message
    WHERE a.worker = ?3 AND (a.day, a.row) > (?4, ?5) AND m.site = ?1 AND m.gateway = ?2
    ORDER BY a.day, a.row LIMIT 1), 9e18)
  AND NOT EXISTS (SELECT 1 FROM arrival WHERE message = number)"""
_ABSENT = """SELECT number, site, gateway, kind, boot, seq FROM message
  WHERE NOT EXISTS (SELECT 1 FROM arrival WHERE message = number) ORDER BY number"""
_STRANGE = """SELECT worker, day, row, site, gateway, topic, sha256, later FROM journal j
  WHERE ours AND since AND intact AND NOT copy
    AND NOT EXISTS (SELECT 1 FROM arrival a WHERE a.worker = j.worker AND a.day = j.day AND a.row = j.row)
  ORDER BY worker, day, row"""
_ORDER = """SELECT m.site, m.gateway, m.boot, a.worker, m.number, a.day, a.row FROM arrival a
  JOIN message m ON m.number = a.message
  WHERE m.seq > 0 AND (SELECT count(*) FROM arrival WHERE message = m.number) = 1
  ORDER BY 1, 2, 3, 4, a.day, a.row"""


def check_journal(evidence: Evidence, run: Run, answers: Answers, findings: Findings) -> list[str]:
    """Find which row carries which message, and everything that is not as it should be; notes on what is of others."""
    _find_deleted(evidence, findings)
    _find_copies(evidence, findings)
    evidence.run(_ARRIVALS)
    _find_altered(evidence, findings)
    for number, site, gateway, kind, boot, seq in evidence.rows(_ABSENT):
        said = f"boot {boot}, number {seq}" if seq else f"boot {boot}, no number"
        findings.add(Finding("lost", f"message {number} ({kind}, {said}) is not in the journal", site, gateway,
                             message=number))  # fmt: skip
    notes = _find_strange(evidence, run, answers, findings)
    _find_moved(evidence, findings)
    return notes


def at(worker: str, day: str, row: int) -> str:
    """A row of the journal, as a person is told of it."""
    return f"journal {worker} {day} row {row}"


def _find_deleted(evidence: Evidence, findings: Findings) -> None:
    for worker, day, first, last in list(evidence.rows("SELECT * FROM gone ORDER BY 1, 2, 3")):
        rows = f"row {first}" if first == last else f"rows {first} to {last}"
        findings.add(Finding("deleted", f"journal {worker} {day}: {rows} missing, whoever sent them",
                             count=last - first + 1))  # fmt: skip


def _find_copies(evidence: Evidence, findings: Findings) -> None:
    evidence.run(_COPIES)
    query = """SELECT j.worker, j.day, j.row, j.site, j.gateway,
      (SELECT min(number) FROM message m WHERE m.topic = j.topic AND m.sha256 = j.sha256)
      FROM journal j WHERE copy ORDER BY 1, 2, 3"""
    for worker, day, row, site, gateway, number in list(evidence.rows(query)):
        text = f"{at(worker, day, row)} is a copy of another row, with the same leaf"
        findings.add(Finding("doubled", text, site, gateway, message=number))
        evidence.run("INSERT INTO gone VALUES (?, ?, ?, ?)", worker, day, row, row)


def _find_altered(evidence: Evidence, findings: Findings) -> None:
    """Each altered row carries the message that is missing between its neighbours', where there is one."""
    query = """SELECT j.worker, j.day, j.row, j.site, j.gateway,
      (SELECT min(number) FROM message m WHERE m.topic = j.topic AND m.sha256 = j.sha256)
      FROM journal j WHERE ours AND NOT intact ORDER BY 1, 2, 3"""
    for worker, day, row, site, gateway, holds in list(evidence.rows(query)):
        meant = evidence.one(_BETWEEN, site, gateway, worker, day, row)
        text = f"{at(worker, day, row)} is not what was written there: its leaf is another's"
        if meant is None:
            evidence.run("INSERT INTO gone VALUES (?, ?, ?, ?)", worker, day, row, row)
        else:
            evidence.run("INSERT INTO arrival VALUES (?, ?, ?, ?, 0)", meant, worker, day, row)
            text += f"; message {meant} stood there"
        if holds is not None and holds != meant:
            text += f", and what is there now was sent as message {holds}"
        findings.add(Finding("altered", text, site, gateway, message=meant))


def _find_strange(evidence: Evidence, run: Run, answers: Answers, findings: Findings) -> list[str]:
    """A will that the broker published is known by its boot; after the run, its gateways may have sent other things."""
    boots = evidence.rows("SELECT DISTINCT site, gateway, boot FROM message")
    wills = {
        (site, gateway, hashlib.sha256(json.dumps({"boot": boot}).encode()).hexdigest())
        for site, gateway, boot in boots
    }
    others = {place for place in run.gateways if answers.other_boots(evidence, run, place)}
    after: Counter[tuple[str, str]] = Counter()
    for worker, day, row, site, gateway, topic, sha256, later in evidence.rows(_STRANGE):
        if topic.endswith("/death") and (site, gateway, sha256) in wills:
            continue
        if later and (site, gateway) in others:
            after[site, gateway] += 1
            continue
        text = f"{at(worker, day, row)} holds a message that was not sent (SHA-256 {sha256[:12]}…)"
        findings.add(Finding("unexplained", text, site, gateway))
    return [
        f"{site}/{gateway}: {number} messages that came after the run were left out, as other boots were heard since"
        for (site, gateway), number in sorted(after.items())
    ]


def _find_moved(evidence: Evidence, findings: Findings) -> None:
    """What was held or refused of a message that moved is listed for the row where it came in: so is its arrival."""
    back: list[tuple[int | None, str, str, int]] = []
    for (site, gateway, boot, worker), group in groupby(evidence.rows(_ORDER), lambda row: row[:4]):
        places = [row[4:] for row in group]
        for (number, day, row), meant in out_of_order(places):
            text = f"message {number} of boot {boot} stands at {at(worker, day, row)}, out of the order of sending"
            findings.add(Finding("moved", text, site, gateway, message=number))
            back.append((meant, worker, day, row))
    for meant, worker, day, row in back:
        if meant is None:
            evidence.run("INSERT INTO gone VALUES (?, ?, ?, ?)", worker, day, row, row)
            evidence.run("DELETE FROM arrival WHERE worker = ? AND day = ? AND row = ?", worker, day, row)
        else:
            evidence.run("UPDATE arrival SET message = ? WHERE worker = ? AND day = ? AND row = ?", meant, worker, day,
                         row)  # fmt: skip


def out_of_order(places: list[Place]) -> list[tuple[Place, int | None]]:
    """Places (number, day, row) in order of the rows → those out of order, with the number that belongs there.

    None where messages were not just exchanged, so that nobody can say it.

    >>> [(place[0], meant) for place, meant in out_of_order([(1, "", 1), (4, "", 2), (3, "", 3), (2, "", 4)])]
    [(4, 2), (2, 4)]
    >>> out_of_order([(1, "", 1), (3, "", 2), (4, "", 3), (5, "", 4), (2, "", 5)])
    [((2, '', 5), None)]
    """
    numbers = [place[0] for place in places]
    kept = longest_rising(numbers)
    exchanged = [(one, meant) for one, meant in zip(places, sorted(numbers), strict=True) if one[0] != meant]
    if len(exchanged) <= 2 * (len(numbers) - len(kept)):
        return list(exchanged)
    return [(place, None) for place in places if place[0] not in kept]


def longest_rising(numbers: Iterable[int]) -> set[int]:
    """The members of the longest rising selection of distinct numbers: those outside it are what moved.

    >>> sorted(longest_rising([1, 5, 3, 4, 2, 6]))
    [1, 3, 4, 6]
    """
    ends: list[int] = []
    before: dict[int, int | None] = {}
    for number in numbers:
        place = bisect_left(ends, number)
        before[number] = ends[place - 1] if place else None
        ends[place:place + 1] = [number]  # fmt: skip
    out: set[int] = set()
    at_: int | None = ends[-1] if ends else None
    while at_ is not None:
        out.add(at_)
        at_ = before[at_]
    return out
