"""Runs `carbonwatch ingest` with several workers: puts the crew together and tends it."""

import re
import threading
from typing import Any

from sqlalchemy import Engine, select

from deploy import adapters
from deploy.crew import END, LAND, RECEIVE, Crew, Hand
from deploy.pulse import Pulse
from deploy.whole import Cursors, Session, Side
from energy import journal as journals
from energy import manual
from energy.books import tables as t
from energy.books.open import look
from energy.settings import Settings
from ingest.level import level
from ingest.owner import Owner
from ingest.receipts import Followed, Key, Receipts
from ingest.sequence import Sequence
from ingest.sessions import Sessions

_WATCH_S = 0.2
_BEAT_S = 2.0
_WORKER = re.compile(r"w[0-9]+")


def names(workers: int) -> list[str]:
    """What so many workers are called.

    >>> names(2)
    ['w1', 'w2']
    """
    return [f"w{number}" for number in range(1, workers + 1)]


def whose(settings: Settings, sessions: Sessions) -> list[str]:
    """Whose journals are to be landed: also of workers that are no more, and of entries by hand."""
    there = [worker for worker in journals.workers(settings.journal) if _WORKER.fullmatch(worker)]
    return [*sorted({*there, *sessions.workers}), manual.WORKER]


def known(books: Engine) -> dict[Key, Sequence]:
    """The sequences of all boots as the books know them, that which was heard last at the end."""
    with look(books) as db:
        rows = db.execute(select(t.gateway).order_by(t.gateway.c.last_at)).all()
    return {(row.site, row.gateway, row.boot): Sequence(row.seen, row.base, row.first_at) for row in rows}


def run(settings: Settings, workers: int, landers: int, topics: tuple[str, ...], stop: threading.Event) -> None:
    """Start all, and keep it running until `stop`; SetupError when another ingest runs on the data directory."""
    books = adapters.own_books(settings)
    owner = Owner(settings.journal, alone=True)
    sessions = Sessions(settings.data)
    over = sessions.begin(names(workers))
    level(books, adapters.stores(settings)[0], settings.journal, landers)
    owner.share()
    cursors = Cursors(books, settings.journal, whose(settings, sessions), landers)
    receipts = Receipts(known(books))
    followed = Followed(receipts, cursors.readers, cursors.positions)
    for worker in cursors.readers.keys() - {manual.WORKER}:
        followed.caught_up(worker)
    broker = adapters.broker(settings, "carbonwatch-ingest", clean=True)
    crew = Crew(_hands(settings, workers, landers, topics, over), broker, receipts, followed, sessions)
    broker.start((), None)
    try:
        _tend(settings, books, crew, cursors, Session(crew, broker), receipts, stop)
    finally:
        crew.stop()
        broker.stop()
        owner.close()


def _tend(
    settings: Settings, books: Engine, crew: Crew, cursors: Cursors, session: Session, receipts: Receipts,
    stop: threading.Event
) -> None:  # fmt: skip
    sides = Side(crew, RECEIVE), Side(crew, LAND)
    pulse = Pulse(settings, session, *sides, cursors)

    def state() -> tuple[bool, dict[str, Any]]:
        for part in (*sides, cursors):
            part.look()
        well, detail = pulse.state()
        return well, {**detail, "forgotten_boots": receipts.forgotten}

    rounds = round(_BEAT_S / _WATCH_S)
    turn = 0
    while not stop.wait(_WATCH_S if turn else 0):
        crew.watch()
        turn += 1
        if turn % rounds == 0:
            adapters.heartbeat(books, "ingest", state)


def _hands(
    settings: Settings, workers: int, landers: int, topics: tuple[str, ...], over: list[str]
) -> list[Hand]:  # fmt: skip
    given = ["ingest", "--data", str(settings.data), "--mqtt", settings.mqtt]
    given += ["--influx", settings.influx] if settings.influx else []
    given += [word for topic in topics for word in ("--topics", topic)]
    environment = adapters.environment(settings)
    roles = [(RECEIVE, worker) for worker in names(workers)] + [(END, worker) for worker in over]
    roles += [(LAND, f"{number}/{landers}") for number in range(landers)]
    return [
        Hand(f"{role} {what}", [*given, "--only", f"{role}:{what}"], environment=environment, role=role, worker=what)
        for role, what in roles
    ]
