"""Follows the journal with a cursor: decode, check, sift, store, and account for every value."""

import logging
import time

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from energy import manual
from energy.books import doors, registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError, OutsideError, SetupError
from energy.journal import JournalReader, Position, Record
from energy.reading import Quality, Reading
from energy.store.port import Point, Series, Store, TooOldError
from ingest.again import placed_again
from ingest.arrival import Arrival, Origin, day_number, origin_of, quarantine_row
from ingest.decode import dialects, json_v1
from ingest.decode.memory import Lack, Memory
from ingest.decode.message import Entries, Refusal
from ingest.doors import OPEN
from ingest.doors import check as check_door
from ingest.finish import Rows, finish
from ingest.lane import Lane
from ingest.partition import WHOLE, Partition, PartReader
from ingest.plan import HeldPoint, Placed, Plan, cursor, held_placed, keep, move
from ingest.sequence import Sequences, tell_ranges
from ingest.sift import Sieve
from ingest.take import Take

_log = logging.getLogger(__name__)
_MESSAGES = 2000  # a batch; bounds memory and the time to stop
_READINGS = 10_000  # no further message is added to a batch of so many
_HELD = 2000
_PASS_S = 1.0  # between two moves of the cursor past what others land


class Landing:
    """The one owner of order, duplicate and conflict for a worker's journal, or for a part of the sites in it."""

    def __init__(
        self, books: Engine, store: Store, journal: JournalReader, worker: str, beside: "Landing | None" = None,
        part: Partition = WHOLE,
    ) -> None:  # fmt: skip
        """Takes up what a crash left half done at the first `step`; `beside`: another one of this process.

        OutsideError when the books do not answer, SetupError when the journal is shorter than what has landed: new
        messages would get old positions, and never land.
        """
        self._books, self._store, self._worker, self._part = books, store, worker, part
        self._journal, self._cursor, self._moved = PartReader(journal, worker, part), part.cursor(worker), 0.0
        # Several journals may have one meter's readings, one gateway's numbers, one edge node's births.
        self._sieve: Sieve = beside._sieve if beside else Sieve(store)
        self._memory: Memory = beside._memory if beside else Memory(books)
        self._sequences: Sequences = beside._sequences if beside else Sequences(books)
        self.lacking: set[Lack] = set()  # edge nodes whose births must be asked for
        self._rows = Rows()
        self._registry_version = -1
        self._known: dict[str, dict[str, Series]] = {}
        self._doors = OPEN
        self._held_due = False
        self._points: list[Point] | None = None  # those of the unfinished plan, where this process decided it
        with books.begin() as db:
            self.position, self._unfinished = cursor(db, self._cursor)
        if not journal.reaches(self.position):
            where = f"{self.position.day} row {self.position.row}"
            raise SetupError(f"the journal ends before {where}, which has landed: put its files back")

    def step(self) -> int:
        """Land one batch; the number of messages, 0 when the journal is drained.

        OutsideError when store or books do not answer; the next step then goes on where this one stood.
        """
        self.finish()
        self._held_due = self._learn_registry() or self._held_due
        while self._held_due:
            self._held_due = self._land_held()
        records = self._journal.read(self.position, _MESSAGES)
        if not records:
            self._pass_by()
        return self._land(records) if records else 0

    def finish(self) -> None:
        """Carry out what was decided and not done; nobody may decide anything about the same store before."""
        if self._unfinished is not None:
            self._carry_out(self._unfinished)

    def read_until(self, position: Position) -> None:
        """Land nothing that lies after a position."""
        self._journal.until = position

    def _pass_by(self) -> None:
        """Move the cursor past what is not ours to land, so that a start need not read it again."""
        if self._journal.passed <= self.position or time.monotonic() - self._moved < _PASS_S:
            return
        with self._books.begin() as db:
            move(db, self._cursor, self._journal.passed)
        self.position, self._moved = self._journal.passed, time.monotonic()

    def _land(self, records: list[Record]) -> int:
        """Land a batch, as far as its bound; a message that we have no answer to is refused alone."""
        try:
            plan, take = self._plan(records)
            kept = msgspec.json.encode(plan)
        except (OutsideError, SQLAlchemyError):
            raise
        except Exception:  # noqa: BLE001  one message must not stop all that come after it
            _log.exception("%d messages from %s on: no answer to one of them", len(records), records[0].position)
            self._sequences.forget()
            if len(records) > 1:
                return sum(self._land([record]) for record in records)
            plan, take = self._refuse(records[0]), None
            kept = msgspec.json.encode(plan)
        self._decide(plan, kept, take.points if take else [])
        if take:
            self._sieve.newest.update(take.newest)
        self._carry_out(plan)
        return plan.messages

    def _plan(self, records: list[Record]) -> tuple[Plan, Take]:
        """What landing the first records does; nothing is changed yet."""
        plan = Plan(until=self.position, at=_now())
        take = Take(plan, self._known, self._sieve)
        self._memory.begin()
        self._sequences.trim()
        lanes: dict[str, Lane] = {}
        for record in records:
            self._open(plan, take, lanes, record)
            plan.until = record.position
            plan.messages += 1
            if take.readings >= _READINGS:
                break
        take.settle()
        tell_ranges(plan)
        plan.edges = self._memory.changes()
        return plan, take

    def _refuse(self, record: Record) -> Plan:
        plan = Plan(until=record.position, at=_now(), messages=1, ours=True)
        self._memory.begin()
        origin, head = self._nobodys(record), None
        try:
            dialect, address = dialects.of(record.topic, self._worker)
            origin = origin_of(record, address, self._worker)
            head = dialect.head(address, record.payload)
        except InputError:
            pass
        except Exception:  # noqa: BLE001  the head may be what we have no answer to
            _log.exception("%s: no answer to its head", record.position)
        if head is not None:  # it was receipted: a message that is refused did arrive
            self._sequences.note(plan, origin, *head)
            tell_ranges(plan)
        tally = plan.tally(origin.account)
        tally.messages = tally.undecodable = 1
        refusal = Refusal("internal", "an error of ours, see the log", json_v1.excerpt(record.payload), 0)
        plan.quarantine.append(quarantine_row(origin, -1, refusal, record.topic, len(record.payload)))
        return plan

    def _decide(self, plan: Plan, kept: bytes, points: list[Point]) -> None:
        with self._books.begin() as db:
            keep(db, self._cursor, kept)
        self._unfinished, self._points = plan, points

    def _carry_out(self, plan: Plan) -> None:
        points = self._points
        if points is None:
            points = [one.point for one in self._again(plan)]
        try:
            self._store.write(points)
        except TooOldError as error:
            plan.refuse(error.dropped, self._again(plan))
        with self._books.begin() as db:
            finish(db, self._cursor, plan, self._rows)
        self._rows.settle()
        self.lacking.update(self._memory.settle())
        self.position, self._unfinished, self._points = plan.until, None, None

    def _again(self, plan: Plan) -> list[Placed]:
        """The points of a plan with their places."""
        if plan.landed_held:
            return held_placed(plan)
        records: list[Record] = []
        while len(records) < plan.messages:
            more = self._journal.read(records[-1].position if records else self.position, plan.messages - len(records))
            if not more:
                raise SetupError(f"the journal has lost what was about to land, up to row {plan.until.row}")
            records += more
        return placed_again(records, plan, Memory(self._books), self._worker)

    def _open(self, plan: Plan, take: Take, lanes: dict[str, Lane], record: Record) -> None:
        """One message → its readings; what is refused or held goes to the plan."""
        _, received_at, topic, payload = record
        origin = None
        try:
            lane = lanes.get(topic)
            if lane is None or lane.day != day_number(received_at):
                lane = lanes[topic] = self._lane(plan, record)
            origin = origin_of(record, lane.address, self._worker)
            check_door(self._doors, origin.site, origin.gateway)
            message = lane.dialect.decode(lane.address, payload, self._memory)
        except InputError as error:
            self._undecodable(plan, origin or self._nobodys(record), record, error)
            return
        lane.tally.messages += 1
        if message is None:
            return
        self._sequences.note(plan, origin, message.boot, message.seq)
        if isinstance(message, Entries):
            take.entries(origin, lane.tally, message, topic, len(payload))
        else:
            take.items(origin, lane.tally, message.items, topic, len(payload))

    def _nobodys(self, record: Record) -> Origin:
        return Origin("", "", record.received_at, self._worker, record.position)

    def _lane(self, plan: Plan, record: Record) -> Lane:
        dialect, address = dialects.of(record.topic, self._worker)
        origin = origin_of(record, address, self._worker)
        return Lane(dialect, address, day_number(record.received_at), plan.tally(origin.account))

    def _undecodable(self, plan: Plan, origin: Origin, record: Record, error: InputError) -> None:
        tally = plan.tally(origin.account)
        tally.messages += 1
        tally.undecodable += 1
        refusal = Refusal(error.reason, error.detail, json_v1.excerpt(record.payload), 0)
        plan.quarantine.append(quarantine_row(origin, -1, refusal, record.topic, len(record.payload)))
        if origin.site:  # it was receipted: a message that is refused did arrive
            dialect, address = dialects.of(record.topic, self._worker)
            self._sequences.note(plan, origin, *(dialect.head(address, record.payload) or ("", 0)))

    def _learn_registry(self) -> bool:
        """Read the registry when it has changed; True when held values may land now."""
        with look(self._books) as db:
            version = registry.version(db)
            if version == self._registry_version:
                return False
            known: dict[str, dict[str, Series]] = {}
            for site, meter in registry.meters(db):
                known.setdefault(site, {})[meter] = Series("meter", site, meter)
            self._doors = OPEN if self._worker == manual.WORKER else doors.let_in(db)
        self._registry_version, self._known = version, known
        return True

    def _land_held(self) -> bool:
        """Land one batch of held readings whose meter is known by now; False when there is none."""
        h, m = t.held.c, t.meter.c
        known = select(t.held).join(t.meter, (h.site == m.site) & (h.meter == m.id)).where(h.landed_at.is_(None))
        with look(self._books) as db:
            if self._part != WHOLE:
                sites = db.execute(select(h.site).where(h.landed_at.is_(None)).distinct()).scalars()
                known = known.where(h.site.in_([site for site in sites if self._part.owns(site)]))
            rows = db.execute(known.order_by(h.id).limit(_HELD)).mappings().all()
        if not rows:
            return False
        plan = Plan(until=self.position, at=_now(), landed_held=[row["id"] for row in rows])
        self._memory.begin()
        take = Take(plan, self._known, self._sieve)
        for row in rows:
            where = Position(row["day"], row["row"])
            origin = Origin(row["site"], row["gateway"], row["at"], row["worker"], where)
            tally = plan.tally(origin.account)
            tally.held -= len(row["values"])
            reading = Reading(row["meter"], row["time"], row["values"], Quality(row["quality"]))
            take.held(Arrival(origin, row["item"], reading), tally)
        for late, (series, when, fields) in take.settle():
            place = {**late.origin.place(late.item), "topic": late.origin.topic}
            plan.held_points.append(
                HeldPoint(series.site, series.meter, when, dict(fields), late.origin.account, place)
            )
        plan.old.clear()
        self._decide(plan, msgspec.json.encode(plan), take.points)
        self._sieve.newest.update(take.newest)
        self._carry_out(plan)
        return True


def _now() -> int:
    return time.time_ns() // 1_000_000
