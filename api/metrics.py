"""Figures of the system's health as Prometheus reads them: lag, what came and became of it, sizes, parts, alerts."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from fastapi import APIRouter
from fastapi.responses import PlainTextResponse
from sqlalchemy import Connection, func, select

from api.access import Grant, Intake
from api.context import Here
from api.health import health
from energy.alert import State
from energy.books import tables as t
from energy.books.open import look

router = APIRouter(tags=["health"])
KIND = "text/plain; version=0.0.4; charset=utf-8"
_INGEST = "ingest"
# A part's own word → the metric that it becomes: name, type, meaning.
_WORDS = {
    "lag_messages": ("carbonwatch_lag_messages", "gauge", "Messages that are journaled and have not landed."),
    "lag_s": ("carbonwatch_lag_seconds", "gauge", "How long the oldest message that has not landed has waited."),
    "journaled": ("carbonwatch_ingest_received_messages_total", "counter", "Messages journaled since ingest started."),
    "landed_messages": ("carbonwatch_ingest_landed_messages_total", "counter", "Messages landed since it started."),
    "received_per_s": ("carbonwatch_ingest_received_messages_per_second", "gauge", "Between the last two heartbeats."),
    "landed_per_s": ("carbonwatch_ingest_landed_messages_per_second", "gauge", "Between the last two heartbeats."),
    "store_errors": ("carbonwatch_store_errors_total", "counter", "Landings that waited for the store."),
    "forgotten_boots": (
        "carbonwatch_forgotten_boots_total", "counter", "Boots of gateways no longer followed, for there were too many."
    ),
    "books_errors": ("carbonwatch_books_errors_total", "counter", "Landings that waited for the books."),
    "journal_bytes": ("carbonwatch_journal_bytes", "gauge", "Size of the journals with their WAL."),
    "wal_bytes": ("carbonwatch_wal_bytes", "gauge", "Size of the WAL files of journals, store and books."),
    "disk_free_bytes": ("carbonwatch_disk_free_bytes", "gauge", "What is left where the data directory is."),
    "broker": ("carbonwatch_broker_connected", "gauge", "1 while ingest has its session at the broker."),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Family:
    """One metric: samples as (labels, value); `kind` is counter or gauge."""

    name: str
    kind: str
    meaning: str
    samples: tuple[tuple[Mapping[str, str], float], ...]


@router.get("/metrics", response_class=PlainTextResponse)
def get_metrics(context: Here, grant: Intake) -> PlainTextResponse:
    """In Prometheus' text format: lag, messages and values by class, quarantine by reason, sizes, parts, open alerts.

    Counts of values, quarantine and alerts are those of the sites that are open to the key; all else is of the whole.
    """
    parts = health(context)["parts"]
    with look(context.books) as db:
        families = [*_parts(parts), *_values(db, grant), _quarantine(db, grant), _alerts(db, grant)]
    return PlainTextResponse(exposition(families), media_type=KIND)


def exposition(families: Iterable[Family]) -> str:
    """The text; a metric without samples is left out.

    >>> print(exposition([Family("x_total", "counter", "Of x.", (({"a": "b"}, 2.0),))]), end="")
    # HELP x_total Of x.
    # TYPE x_total counter
    x_total{a="b"} 2
    """
    lines = []
    for family in families:
        if family.samples:
            lines += [f"# HELP {family.name} {family.meaning}", f"# TYPE {family.name} {family.kind}"]
            lines += [f"{family.name}{_labels(labels)} {_number(value)}" for labels, value in family.samples]
    return "".join(f"{line}\n" for line in lines)


def _parts(parts: list[dict[str, Any]]) -> Iterator[Family]:
    named = [({"part": part["name"]}, part) for part in parts]
    yield Family(
        "carbonwatch_up", "gauge", "1 for a part that is well.",
        tuple((label, float(part["ok"])) for label, part in named),
    )  # fmt: skip
    yield Family(
        "carbonwatch_part_age_seconds", "gauge", "Since a part's last word.",
        tuple((label, float(part["age_s"])) for label, part in named),
    )  # fmt: skip
    said = {key: value for part in parts if part["name"] == _INGEST for key, value in part["detail"].items()}
    for key, (name, kind, meaning) in _WORDS.items():
        if isinstance(said.get(key), int | float):
            yield Family(name, kind, meaning, (({}, float(said[key])),))


def _values(db: Connection, grant: Grant) -> Iterator[Family]:
    c = t.ledger.c
    row = db.execute(select(*(func.sum(c[name]) for name in t.LEDGER_COUNTS)).where(grant.only(c.site))).one()
    sums = {name: float(value or 0) for name, value in zip(t.LEDGER_COUNTS, row, strict=True)}
    messages, undecodable, held = sums.pop("messages"), sums.pop("undecodable"), sums.pop("held")
    yield Family("carbonwatch_messages_total", "counter", "Messages that were landed or refused.", (({}, messages),))
    yield Family(
        "carbonwatch_messages_undecodable_total", "counter", "Those of which no value could be read.",
        (({}, undecodable),),
    )  # fmt: skip
    yield Family(
        "carbonwatch_values_total", "counter",
        "Values (meter, quantity, time) by class: received is the sum of the others and of what is held.",
        tuple(({"class": name}, value) for name, value in sums.items()),
    )  # fmt: skip
    yield Family("carbonwatch_values_held", "gauge", "Values that wait for their meter.", (({}, held),))


def _quarantine(db: Connection, grant: Grant) -> Family:
    q = t.quarantine.c
    query = select(q.reason, func.count()).where(grant.only(q.site)).group_by(q.reason).order_by(q.reason)
    rows = tuple(({"reason": str(reason)}, float(number)) for reason, number in db.execute(query))
    return Family("carbonwatch_quarantined_total", "counter", "Refusals by reason, see /api/v1/quarantine.", rows)


def _alerts(db: Connection, grant: Grant) -> Family:
    a = t.alert.c
    query = select(a.kind, a.state, func.count()).where(a.state != State.RESOLVED, grant.only(a.site))
    rows = db.execute(query.group_by(a.kind, a.state).order_by(a.kind, a.state))
    samples = tuple(({"kind": str(kind), "state": str(state)}, float(number)) for kind, state, number in rows)
    return Family("carbonwatch_alerts_open", "gauge", "Alerts that are not resolved.", samples)


def _labels(labels: Mapping[str, str]) -> str:
    if not labels:
        return ""
    said = (f'{name}="{_escaped(value)}"' for name, value in labels.items())
    return f"{{{','.join(said)}}}"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _number(value: float) -> str:
    return str(int(value)) if value == int(value) else repr(value)
