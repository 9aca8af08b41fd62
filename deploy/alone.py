"""Runs `carbonwatch ingest` with one worker: one process that receives and lands."""

import threading
import time
from typing import Any

from deploy import adapters
from deploy.foreman import known, names, whose
from deploy.hand import client, connect, shares
from deploy.lander import Lander
from deploy.pulse import Pulse
from energy import manual
from energy.journal import Journal
from energy.settings import Settings
from ingest.decode.memory import Lack
from ingest.landings import Landings
from ingest.leaving import leave
from ingest.level import level
from ingest.owner import Owner
from ingest.rebirth import Rebirths
from ingest.receipts import Receipts
from ingest.receive import Receiver
from ingest.sessions import Sessions

_BEAT_S = 2.0
_AGAIN_S = 2.0


def run(settings: Settings, topics: tuple[str, ...], stop: threading.Event) -> None:
    """Receive and land until `stop`; what several workers left behind is received and landed too."""
    (worker,) = names(1)
    journal = Journal(settings.journal, worker)
    owner = Owner(settings.journal, alone=True)
    books, store = adapters.own_books(settings), adapters.stores(settings)[0]
    sessions = Sessions(settings.data)
    over = sessions.begin([worker])
    level(books, store, settings.journal, 1)
    landings = Landings(books, store, settings.journal, whose(settings, sessions))
    broker = adapters.broker(settings, client(worker))
    to_land, receipts = threading.Event(), Receipts(known(books))
    for name, reader in landings.readers.items():
        if name != manual.WORKER:
            for record in reader.all_after(landings.landings[name].position):
                receipts.note(record.topic, record.payload, record.received_at)
    receiver = Receiver(broker, journal, receipts, to_land)
    rebirths = Rebirths(broker.publish)

    def receive() -> None:
        _leave(settings, over, receipts, sessions, topics, stop, to_land)
        receiver.run(topics, stop, leave=shares(topics) if sessions.shared else ())

    def ask(edges: set[Lack]) -> None:
        rebirths.ask(edges, time.monotonic(), time.time_ns() // 1_000_000)

    lander = Lander(lambda: landings, ask, stop, to_land)
    threads = [
        threading.Thread(target=receive, name="receive"),
        threading.Thread(target=lander.run, name="land"),
    ]
    pulse = Pulse(settings, broker, receiver, lander, landings)
    adapters.spare_the_collector()

    def state() -> tuple[bool, dict[str, Any]]:
        well, detail = pulse.state()
        return well, {**detail, "forgotten_boots": receipts.forgotten}

    adapters.tend(threads, stop, lambda: adapters.heartbeat(books, "ingest", state), _BEAT_S)
    owner.close()


def _leave(
    settings: Settings, over: list[str], receipts: Receipts, sessions: Sessions, topics: tuple[str, ...],
    stop: threading.Event, to_land: threading.Event,
) -> None:  # fmt: skip
    """End the sessions of workers that are no more, one after another."""
    for worker in over:
        journal = Journal(settings.journal, worker)
        subscriptions = (*shares(topics), *topics)
        while not stop.is_set():
            if leave(connect(settings, worker), worker, journal, receipts, subscriptions, stop, to_land):
                sessions.ended(worker)
                break
            stop.wait(_AGAIN_S)
        journal.close()
