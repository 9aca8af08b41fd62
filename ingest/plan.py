"""What landing one batch does to store and books, decided once and kept, so that a crash only repeats it.

A plan has what cannot be found again in the journal: what the store and the registry said of each reading. The points
themselves are not in it; `ingest.again` makes them anew from the same records.
"""

from collections.abc import Iterable
from typing import Any, NamedTuple

import msgspec
from sqlalchemy import Connection, insert, select, update

from energy.books import tables as t
from energy.journal import START, Position
from energy.store.port import Point, Series

Row = dict[str, Any]


class Tally(msgspec.Struct, omit_defaults=True):
    """What became of a gateway's messages and values on one day."""

    messages: int = 0
    undecodable: int = 0
    received: int = 0
    landed: int = 0
    duplicate: int = 0
    conflict: int = 0
    held: int = 0
    refused: int = 0


COUNTS = Tally.__struct_fields__


class Placed(NamedTuple):
    """A point with the ledger's key that it counts for, and the journal position that it came from."""

    point: Point
    account: str
    place: Row


class HeldPoint(msgspec.Struct):
    """A point of a reading that was held, which the journal position alone does not say."""

    site: str
    meter: str
    time: int
    fields: dict[str, float]
    account: str
    place: Row


class Plan(msgspec.Struct, omit_defaults=True):
    """The rows to add, up to the journal position `until`; all of it plain JSON values.

    messages: how many records of the journal it covers; ledger: "site/gateway/day" → what is added;
    gateways: "site/gateway/boot" → the gateway's row; old: "row/item" → what is written of a reading that is not
    newer than all known of its meter (of every other one all is); edges: what births of edge nodes name; ours: the one
    message is refused by an error of ours.
    landed_held: ids of held rows that land, with `held_points`; `until` is unchanged in such a plan.
    """

    until: Position
    at: int = 0
    messages: int = 0
    ledger: dict[str, Tally] = {}
    quarantine: list[Row] = []
    held: list[Row] = []
    conflict: list[Row] = []
    gateways: dict[str, Row] = {}
    touched: list[Row] = []
    heard: list[Row] = []
    old: dict[str, dict[str, float]] = {}
    edges: list[Row] = []
    ours: bool = False
    landed_held: list[int] = []
    held_points: list[HeldPoint] = []

    def tally(self, account: str) -> Tally:
        """The ledger's row of "site/gateway/day"."""
        found = self.ledger.get(account)
        if found is None:
            found = self.ledger[account] = Tally()
        return found

    def refuse(self, dropped: Iterable[Point], placed: Iterable[Placed]) -> None:
        """The store will never take these: what counted as landed is refused, and said so in quarantine."""
        gone = {(point.series, point.time) for point in dropped}
        for point, account, place in placed:
            if (point.series, point.time) in gone:
                number = len(point.fields.keys() - {"quality"})
                tally = self.tally(account)
                tally.landed -= number
                tally.refused += number
                site, gateway, _ = account.split("/")
                self.quarantine.append({
                    "at": self.at, "site": site, "gateway": gateway, "reason": "too_old",
                    "detail": "older than the store's retention", "count": number, "size": 0,
                    "excerpt": f"{point.series.meter} {point.time} {dict(point.fields)}"[:200], **place,
                })  # fmt: skip


def held_placed(plan: Plan) -> list[Placed]:
    """The points of a plan that lands what was held."""
    return [
        Placed(Point(Series("meter", one.site, one.meter), one.time, one.fields), one.account, one.place)
        for one in plan.held_points
    ]


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


def move(db: Connection, worker: str, position: Position) -> None:
    """Put a cursor further on, over what is not landed by it."""
    here = (t.cursor.c.worker == worker, t.cursor.c.plan.is_(None))
    db.execute(update(t.cursor).where(*here).values(day=position.day, row=position.row))
