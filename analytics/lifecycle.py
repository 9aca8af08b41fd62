"""From findings to what is done with alerts: raise, update or clear, and never two for one fault."""

from collections.abc import Iterable
from dataclasses import dataclass

from energy.alert import Finding, Kind, State

# A finding that could have been known this long before it was, came from data that came late.
LATE = 3_600_000  # ms


@dataclass(frozen=True, slots=True)
class StoredAlert:
    """What the books know of an alert; times in ms UTC, `until` None while the condition lasts."""

    id: int
    kind: Kind
    site: str
    meter: str | None
    since: int
    until: int | None
    state: State


@dataclass(frozen=True, slots=True)
class Judged:
    """A subject that was judged whole over [start, end): what was not found there is not there."""

    kind: Kind
    site: str
    meter: str | None
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Raise:
    """A new alert; `late` when it could have been known more than an hour ago."""

    finding: Finding
    late: bool


@dataclass(frozen=True, slots=True)
class Update:
    """The alert's episode as it is known now."""

    id: int
    finding: Finding


@dataclass(frozen=True, slots=True)
class Clear:
    """The alert's condition has ended at `until`; its state stays a person's to move."""

    id: int
    until: int


Decision = Raise | Update | Clear
_Subject = tuple[Kind, str, str | None]


def reconcile(
    found: Iterable[Finding], stored: Iterable[StoredAlert], now: int, judged: Iterable[Judged] = ()
) -> list[Decision]:
    """Decisions that bring the stored alerts to what was found; applying them and asking again gives no Raise or Clear.

    A finding belongs to the stored alert of its kind and subject whose episode it overlaps or touches. It updates an
    alert that is active or acknowledged; a resolved one only learns its end. An open alert without a finding is
    cleared when `judged` covers its beginning, else left alone.
    """
    findings: dict[_Subject, list[Finding]] = {}
    for finding in sorted(found, key=lambda one: one.since):
        findings.setdefault((finding.kind, finding.site, finding.meter), []).append(finding)
    alerts: dict[_Subject, list[StoredAlert]] = {}
    for alert in sorted(stored, key=lambda one: (one.since, one.id)):
        alerts.setdefault((alert.kind, alert.site, alert.meter), []).append(alert)
    ranges: dict[_Subject, list[Judged]] = {}
    for one in judged:
        ranges.setdefault((one.kind, one.site, one.meter), []).append(one)
    out: list[Decision] = []
    for subject in dict.fromkeys([*findings, *alerts]):
        mine = alerts.get(subject, [])
        matched, decisions = _match(findings.get(subject, []), mine, now)
        out += decisions
        out += _vanished([alert for alert in mine if alert.id not in matched], ranges.get(subject, []), now)
    return out


def _match(findings: list[Finding], stored: list[StoredAlert], now: int) -> tuple[set[int], list[Decision]]:
    """Decisions of one subject's findings, oldest first, and the ids of the alerts that they belong to."""
    spans = {alert.id: (alert.since, alert.until) for alert in stored}
    matched: set[int] = set()
    out: list[Decision] = []
    for finding in findings:
        own = [alert for alert in stored if _meets(*spans[alert.id], finding.since, finding.until)]
        if not own:
            out.append(Raise(finding, late=now - finding.confirmed > LATE))
            continue
        # Several when data that came late joins two episodes: go on with the one that people still have before them.
        chosen = min(own, key=lambda alert: (alert.state is State.RESOLVED, alert.until is not None, alert.since))
        for alert in own:
            since, until = spans[alert.id]
            matched.add(alert.id)
            if alert is chosen and alert.state is not State.RESOLVED:
                out.append(Update(alert.id, finding))
                spans[alert.id] = (finding.since, finding.until)
            elif until is None:
                spans[alert.id] = (since, finding.until)
            if alert.until is None and until is None and finding.until is not None:
                out.append(Clear(alert.id, finding.until))
    return matched, out


def _vanished(stored: list[StoredAlert], judged: list[Judged], now: int) -> list[Decision]:
    """Clear open alerts that a whole judgement no longer finds."""
    out: list[Decision] = []
    for alert in stored:
        ends = [one.end for one in judged if one.start <= alert.since < one.end]
        if alert.until is None and ends:
            out.append(Clear(alert.id, min(now, max(ends))))
    return out


def _meets(since: int, until: int | None, other_since: int, other_until: int | None) -> bool:
    """Whether two episodes overlap or touch; an open one reaches any later time."""
    return (until is None or other_since <= until) and (other_until is None or since <= other_until)
