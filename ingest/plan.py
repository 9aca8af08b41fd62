"""What landing one batch will do to store and books, decided once and kept, so that a crash only repeats it."""

from collections.abc import Sequence
from typing import Any

import msgspec
from sqlalchemy import Connection, bindparam, delete, insert, select, update

from energy import manual
from energy.books import tables as t
from energy.journal import START, Position
from energy.store.port import Point, Series
from energy.topic import Topic

Row = dict[str, Any]
COUNTS = ("messages", "undecodable", "received", "landed", "duplicate", "conflict", "held", "refused")


class PlannedPoint(msgspec.Struct):
    """A point to write, with the ledger's key and the journal position that it came from."""

    site: str
    meter: str
    time: int
    fields: dict[str, float]
    account: str
    place: Row


class Plan(msgspec.Struct):
    """The points to write and the rows to add, up to the journal position `until`; all of it plain JSON values.

    ledger: "site/gateway/day" → counts by class;
    gateways: "site/gateway/boot" → the gateway's row.
    landed_held: ids of held rows that land; `until` is unchanged in such a plan.
    """

    until: Position
    points: list[PlannedPoint] = []
    ledger: dict[str, dict[str, int]] = {}
    quarantine: list[Row] = []
    held: list[Row] = []
    conflict: list[Row] = []
    gateways: dict[str, Row] = {}
    touched: list[Row] = []
    heard: list[Row] = []
    landed_held: list[int] = []
    at: int = 0

    def count(self, site: str, gateway: str, day: str, **more: int) -> None:
        """Add to the ledger's classes of one gateway and day."""
        row = self.ledger.setdefault(f"{site}/{gateway}/{day}", {})
        for name, number in more.items():
            row[name] = row.get(name, 0) + number

    def store_points(self) -> list[Point]:
        """The points as the store takes them."""
        return [Point(Series("meter", p.site, p.meter), p.time, p.fields) for p in self.points]

    def refuse(self, dropped: Sequence[Point]) -> None:
        """The store will never take these: what counted as landed is refused, and said so in quarantine."""
        gone = {(point.series.site, point.series.meter, point.time) for point in dropped}
        for point in self.points:
            if (point.site, point.meter, point.time) in gone:
                number = len(point.fields.keys() - {"quality"})
                site, gateway, day = point.account.split("/")
                self.count(site, gateway, day, landed=-number, refused=number)
                self.quarantine.append({
                    "at": self.at, "site": site, "gateway": gateway, "reason": "too_old",
                    "detail": "older than the store's retention", "count": number,
                    "topic": _topic(site, gateway), "size": 0,
                    "excerpt": f"{point.meter} {point.time} {point.fields}"[:200], **point.place,
                })  # fmt: skip
        self.points = [p for p in self.points if (p.site, p.meter, p.time) not in gone]


def _topic(site: str, gateway: str) -> str:
    return manual.topic(site) if gateway == manual.GATEWAY else Topic(site, gateway, "telemetry").text


def cursor(db: Connection, worker: str) -> tuple[Position, Plan | None]:
    """Where landing stands, and the plan that a crash left unfinished."""
    row = db.execute(select(t.cursor).where(t.cursor.c.worker == worker)).first()
    if row is None:
        db.execute(insert(t.cursor).values(worker=worker, day=START.day, row=START.row, plan=None))
        return START, None
    plan = msgspec.json.decode(row.plan, type=Plan) if row.plan else None
    return Position(row.day, row.row), plan


def keep(db: Connection, worker: str, plan: bytes) -> None:
    """Keep a plan, as JSON, before it is carried out."""
    db.execute(update(t.cursor).where(t.cursor.c.worker == worker).values(plan=plan))


def finish(db: Connection, worker: str, plan: Plan) -> None:
    """After the store's durable write: the books' rows, the touched ranges and the cursor, in one transaction.

    A plan that is not kept any more was finished: a commit can fail to answer and have happened.
    """
    kept = update(t.cursor).where(t.cursor.c.worker == worker, t.cursor.c.plan.is_not(None))
    if db.execute(kept.values(day=plan.until.day, row=plan.until.row, plan=None)).rowcount == 0:
        return
    for table, rows in ((t.quarantine, plan.quarantine), (t.held, plan.held), (t.conflict, plan.conflict),
                        (t.touched, plan.touched)):  # fmt: skip
        if rows:
            db.execute(insert(table), rows)
    for row in plan.gateways.values():
        _replace(db, t.gateway, ("site", "gateway", "boot"), row)
    for row in plan.heard:
        _hear(db, row)
    for key, counts in plan.ledger.items():
        _count(db, key, counts)
    if plan.landed_held:
        done = update(t.held).where(t.held.c.id == bindparam("ident")).values(landed_at=plan.at)
        db.execute(done, [{"ident": ident} for ident in plan.landed_held])


def _replace(db: Connection, table: Any, keys: tuple[str, ...], row: Row) -> None:
    here = [table.c[key] == row[key] for key in keys]
    first = db.execute(select(table.c.first_at).where(*here)).scalar()
    db.execute(delete(table).where(*here))
    db.execute(insert(table).values({**row, "first_at": first or row["first_at"]}))


def _hear(db: Connection, row: Row) -> None:
    here = (t.last_heard.c.site == row["site"], t.last_heard.c.meter == row["meter"])
    before = db.execute(select(t.last_heard).where(*here)).first()
    if before is None:
        db.execute(insert(t.last_heard).values(row))
    else:
        newer = {name: max(row[name], getattr(before, name)) for name in ("received_at", "time")}
        db.execute(update(t.last_heard).where(*here).values(newer))


def _count(db: Connection, key: str, counts: dict[str, int]) -> None:
    site, gateway, day = key.split("/")
    here = (t.ledger.c.site == site, t.ledger.c.gateway == gateway, t.ledger.c.day == day)
    more = {name: t.ledger.c[name] + number for name, number in counts.items()}
    if db.execute(update(t.ledger).where(*here).values(more)).rowcount == 0:
        zero = dict.fromkeys(COUNTS, 0)
        db.execute(insert(t.ledger).values(site=site, gateway=gateway, day=day, **{**zero, **counts}))
