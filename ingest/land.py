"""Follows the journal with a cursor: decode, check, sift, store, and account for every value."""

import logging
import time

import msgspec
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from energy import manual
from energy.books import registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError, OutsideError, SetupError
from energy.journal import JournalReader, Position, Record
from energy.reading import Quality, Reading
from energy.store.port import Store, TooOldError
from energy.topic import parse_topic
from ingest.arrival import Arrival, Origin, conflict_row, held_row, quarantine_row, quarantine_rows
from ingest.check import check
from ingest.decode import by_hand, json_v1
from ingest.decode.message import Item, Refusal
from ingest.plan import Plan, PlannedPoint, cursor, finish, keep
from ingest.sequence import Sequence
from ingest.sift import Sieve

_log = logging.getLogger(__name__)
_MESSAGES = 500  # a batch; bounds memory and the time to stop
_READINGS = 20_000  # no further message is added to a batch of so many
_HELD = 2000


class Landing:
    """The one owner of order, duplicate and conflict for a worker's journal."""

    def __init__(
        self, books: Engine, store: Store, journal: JournalReader, worker: str, sieve: Sieve | None = None
    ) -> None:
        """Takes up what a crash left half done at the first `step`; journals of one store share a `sieve`.

        OutsideError when the books do not answer, SetupError when the journal is shorter than what has landed: new
        messages would get old positions, and never land.
        """
        self._books, self._store, self._journal, self._worker = books, store, journal, worker
        self._sieve = sieve or Sieve(store)
        self._dialect = (
            (by_hand.parse_topic, by_hand.decode) if worker == manual.WORKER else (parse_topic, json_v1.decode)
        )
        self._sequences: dict[tuple[str, str, str], Sequence] = {}
        self._registry_version = -1
        self._meters: frozenset[tuple[str, str]] = frozenset()
        self._held_due = False
        with books.begin() as db:
            self.position, self._unfinished = cursor(db, worker)
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
        return self._land(records) if records else 0

    def finish(self) -> None:
        """Carry out what was decided and not done; nobody may decide anything about the same store before."""
        if self._unfinished is not None:
            self._carry_out(self._unfinished)

    def _land(self, records: list[Record]) -> int:
        """Land a batch, as far as its bound; a message that we have no answer to is refused alone."""
        try:
            plan, done = self._plan(records)
            kept = msgspec.json.encode(plan)
        except (OutsideError, SQLAlchemyError):
            raise
        except Exception:  # noqa: BLE001  one message must not stop all that come after it
            _log.exception("%d messages from %s on: no answer to one of them", len(records), records[0].position)
            if len(records) > 1:
                return sum(self._land([record]) for record in records)
            plan, done = self._refuse(records[0]), 1
            kept = msgspec.json.encode(plan)
        self._decide(plan, kept)
        return done

    def _plan(self, records: list[Record]) -> tuple[Plan, int]:
        """What landing the first records does, and how many these are; nothing is changed yet."""
        plan = Plan(until=self.position, at=_now())
        arrivals: list[Arrival] = []
        done = 0
        for record in records:
            arrivals += self._open(plan, record)
            plan.until = record.position
            done += 1
            if len(arrivals) + len(plan.held) + len(plan.quarantine) >= _READINGS:
                break
        self._sift(plan, arrivals)
        return plan, done

    def _refuse(self, record: Record) -> Plan:
        plan = Plan(until=record.position, at=_now())
        origin = Origin("", "", record.received_at, self._worker, record.position)
        plan.count("", "", origin.day, messages=1, undecodable=1)
        refusal = Refusal("internal", "an error of ours, see the log", json_v1.excerpt(record.payload), 0)
        plan.quarantine.append(quarantine_row(origin, -1, refusal, record.topic, len(record.payload)))
        return plan

    def _decide(self, plan: Plan, kept: bytes) -> None:
        with self._books.begin() as db:
            keep(db, self._worker, kept)
        self._unfinished = plan
        self._carry_out(plan)

    def _carry_out(self, plan: Plan) -> None:
        try:
            self._store.write(plan.store_points())
        except TooOldError as error:
            plan.refuse(error.dropped)
        with self._books.begin() as db:
            finish(db, self._worker, plan)
        self.position, self._unfinished = plan.until, None

    def _open(self, plan: Plan, record: Record) -> list[Arrival]:
        """One message → its readings to sift; what is refused or held goes to the plan."""
        origin = Origin("", "", record.received_at, self._worker, record.position)
        parse_topic, decode = self._dialect
        try:
            topic = parse_topic(record.topic)
            origin = origin._replace(site=topic.site, gateway=topic.gateway)
            message = decode(record.payload) if topic.kind == "telemetry" else None
        except InputError as error:
            plan.count(origin.site, origin.gateway, origin.day, messages=1, undecodable=1)
            refusal = Refusal(error.reason, error.detail, json_v1.excerpt(record.payload), 0)
            plan.quarantine.append(quarantine_row(origin, -1, refusal, record.topic, len(record.payload)))
            if origin.site:  # it was receipted: a message that is refused did arrive
                self._note_sequence(plan, origin, *(json_v1.head(record.payload) or ("", 0)))
            return []
        plan.count(origin.site, origin.gateway, origin.day, messages=1)
        if message is None:
            return []
        self._note_sequence(plan, origin, message.boot, message.seq)
        arrivals: list[Arrival] = []
        refusals: list[tuple[int, Refusal]] = []
        for number, item in enumerate(message.items):
            reading, refused = self._check(plan, origin, item)
            refusals += [(number, refusal) for refusal in refused]
            if reading is not None:
                arrivals.append(Arrival(origin, number, reading))
        plan.quarantine += quarantine_rows(origin, refusals, record.topic, len(record.payload))
        return [arrival for arrival in arrivals if self._is_known(plan, arrival)]

    def _check(self, plan: Plan, origin: Origin, item: Item) -> tuple[Reading | None, tuple[Refusal, ...]]:
        """What of an item can be true, and what is refused of it; the ledger hears of both."""
        reading, refusals = item.reading, item.refusals
        received = sum(refusal.count for refusal in refusals)
        if reading is not None:
            received += len(reading.values)
            reading, more = check(reading, origin.received_at)
            refusals += more
        refused = sum(refusal.count for refusal in refusals)
        plan.count(origin.site, origin.gateway, origin.day, received=received, refused=refused)
        return reading, refusals

    def _is_known(self, plan: Plan, arrival: Arrival) -> bool:
        """Whether the reading's meter is registered; it is held otherwise."""
        if arrival.key in self._meters:
            return True
        origin = arrival.origin
        plan.held.append(held_row(arrival))
        plan.count(origin.site, origin.gateway, origin.day, held=len(arrival.reading.values))
        return False

    def _sift(self, plan: Plan, arrivals: list[Arrival]) -> None:
        """Known meters' readings → points to write, conflicts, and the time ranges that they touch."""
        verdicts = self._sieve.sift([(arrival.origin.site, arrival.reading) for arrival in arrivals])
        times: dict[tuple[str, str], list[int]] = {}
        heard: dict[tuple[str, str], list[int]] = {}
        for arrival, verdict in zip(arrivals, verdicts, strict=True):
            origin, when = arrival.origin, arrival.reading.time
            plan.count(
                origin.site, origin.gateway, origin.day, landed=len(verdict.new.keys() - {"quality"}),
                duplicate=verdict.duplicates, conflict=len(verdict.clashes),
            )  # fmt: skip
            plan.conflict += [conflict_row(arrival, clash, plan.at) for clash in verdict.clashes]
            if verdict.new:
                account = f"{origin.site}/{origin.gateway}/{origin.day}"
                plan.points.append(PlannedPoint(*arrival.key, when, verdict.new, account, origin.place(arrival.item)))
                times.setdefault(arrival.key, []).append(when)
            if origin.worker != manual.WORKER:  # a person's word is no sign of life of the meter
                last = heard.setdefault(arrival.key, [0, 0])
                last[:] = max(last[0], origin.received_at), max(last[1], when)
        plan.touched += [
            {"site": site, "meter": meter, "first": min(all_), "last": max(all_)}
            for (site, meter), all_ in times.items()
        ]
        plan.heard += [
            {"site": site, "meter": meter, "received_at": at, "time": when}
            for (site, meter), (at, when) in heard.items()
        ]

    def _note_sequence(self, plan: Plan, origin: Origin, boot: str, seq: int) -> None:
        if not boot or seq == 0:
            return
        key = (origin.site, origin.gateway, boot)
        if key not in self._sequences:
            self._sequences[key] = self._stored_sequence(key)
        sequence = self._sequences[key]
        sequence.add(seq)
        plan.gateways["/".join(key)] = {
            "site": key[0], "gateway": key[1], "boot": boot, "seen": sequence.ranges, "last_seq": sequence.last,
            "first_at": origin.received_at, "last_at": origin.received_at,
        }  # fmt: skip

    def _stored_sequence(self, key: tuple[str, str, str]) -> Sequence:
        g = t.gateway.c
        query = select(g.seen).where(g.site == key[0], g.gateway == key[1], g.boot == key[2])
        with look(self._books) as db:
            return Sequence(db.execute(query).scalar() or ())

    def _learn_registry(self) -> bool:
        """Read the registry when it has changed; True when held values may land now."""
        with look(self._books) as db:
            version = registry.version(db)
            if version == self._registry_version:
                return False
            self._meters = frozenset(registry.meters(db))
        self._registry_version = version
        return True

    def _land_held(self) -> bool:
        """Land one batch of held readings whose meter is known by now; False when there is none."""
        h, m = t.held.c, t.meter.c
        known = select(t.held).join(t.meter, (h.site == m.site) & (h.meter == m.id)).where(h.landed_at.is_(None))
        with look(self._books) as db:
            rows = db.execute(known.order_by(h.id).limit(_HELD)).mappings().all()
        if not rows:
            return False
        plan = Plan(until=self.position, at=_now(), landed_held=[row["id"] for row in rows])
        arrivals = []
        for row in rows:
            where = Position(row["day"], row["row"])
            origin = Origin(row["site"], row["gateway"], row["at"], row["worker"], where)
            plan.count(origin.site, origin.gateway, origin.day, held=-len(row["values"]))
            reading = Reading(row["meter"], row["time"], row["values"], Quality(row["quality"]))
            arrivals.append(Arrival(origin, row["item"], reading))
        self._sift(plan, arrivals)
        self._decide(plan, msgspec.json.encode(plan))
        return True


def _now() -> int:
    return time.time_ns() // 1_000_000
