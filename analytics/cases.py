"""Alerts in the books: what is stored of them, and carrying out what was decided."""

from typing import Any

from sqlalchemy import Connection, insert, select, update

from analytics.lifecycle import Clear, Decision, Raise, StoredAlert, Update
from energy.alert import Action, Finding, Kind, State
from energy.books import tables as t

SYSTEM = "carbonwatch"


def stored(db: Connection, kind: Kind, site: str, meter: str | None) -> list[StoredAlert]:
    """Every alert of a kind about one subject."""
    a = t.alert.c
    query = select(a.id, a.since, a.until, a.state).where(a.kind == kind, a.site == site, a.meter == (meter or ""))
    return [StoredAlert(r.id, kind, site, meter, r.since, r.until, State(r.state)) for r in db.execute(query)]


def carry_out(db: Connection, decision: Decision, now: int) -> None:
    """Write one decision, with the step that the system took."""
    match decision:
        case Raise(finding, late):
            row = {**_row(finding), "state": State.ACTIVE, "late": late, "raised_at": now, "updated_at": now}
            ident = db.execute(insert(t.alert).values(row).returning(t.alert.c.id)).scalar_one()
            _step(db, ident, Action.RAISE, now)
            if finding.until is not None:
                _step(db, ident, Action.CLEAR, now)
        case Update(ident, finding):
            db.execute(update(t.alert).where(t.alert.c.id == ident).values(**_row(finding), updated_at=now))
        case Clear(ident, until):
            db.execute(update(t.alert).where(t.alert.c.id == ident).values(until=until, updated_at=now))
            _step(db, ident, Action.CLEAR, now)


def _step(db: Connection, ident: int, action: Action, now: int) -> None:
    db.execute(insert(t.alert_step).values(alert=ident, at=now, actor=SYSTEM, action=action, note=""))


def _row(finding: Finding) -> dict[str, Any]:
    return {
        "kind": finding.kind, "site": finding.site, "meter": finding.meter or "", "since": finding.since,
        "confirmed": finding.confirmed, "until": finding.until, "value": finding.value, "limit": finding.limit,
        "unit": finding.unit, "excess": finding.excess, "what_zh": finding.what["zh"], "what_en": finding.what["en"],
        "evidence": dict(finding.evidence),
    }  # fmt: skip
