"""One process of several that `carbonwatch ingest` starts: it receives, or lands a part, and tells how it is."""

import threading
from collections.abc import Callable, Sequence

from deploy import adapters
from deploy.lander import Lander
from energy.broker.port import Broker, Delivery, shared
from energy.errors import OutsideError
from energy.journal import Journal, Position
from energy.settings import Settings
from ingest.landings import Landings
from ingest.leaving import leave
from ingest.owner import Owner
from ingest.partition import Partition
from ingest.receive import Receiver
from ingest.said import Lacking, State, kept, say

GROUP = "carbonwatch"
_TELL_S = 1.0
_IDLE_S = 0.1  # nobody wakes a lander that is a process of its own


def client(worker: str) -> str:
    """The name of a worker's session at the broker."""
    return f"carbonwatch-ingest-{worker}"


def shares(topics: Sequence[str]) -> tuple[str, ...]:
    """The subscriptions that several workers share."""
    return tuple(shared(GROUP, topic) for topic in topics)


def _tell(batch: list[Delivery], until: Position) -> None:
    if batch:
        say(kept(batch, until))


def receive(settings: Settings, worker: str, topics: tuple[str, ...], stop: threading.Event) -> None:
    """Receive a share of the messages into a journal of its own."""
    broker = adapters.broker(settings, client(worker))
    receiver = Receiver(broker, Journal(settings.journal, worker), _tell, threading.Event())
    thread = threading.Thread(target=receiver.run, args=(shares(topics), stop, topics), name="receive")

    def state() -> None:
        say(State(receiver.journaled, broker.connected, receiver.trouble or broker.trouble))

    adapters.tend([thread], stop, state, _TELL_S)


def end(settings: Settings, worker: str, topics: tuple[str, ...], stop: threading.Event) -> None:
    """Receive what is held for a worker that is no more, and end its session."""
    journal = Journal(settings.journal, worker)
    if not leave(connect(settings, worker), worker, journal, _tell, (*shares(topics), *topics), stop,
                 threading.Event()):  # fmt: skip
        raise OutsideError(f"the session of {worker} could not be ended")


def connect(settings: Settings, worker: str) -> Callable[[bool], Broker]:
    """Makes clients of a worker's name; with True one whose session begins and ends with it."""
    return lambda clean: adapters.broker(settings, client(worker), clean=clean)


def land(settings: Settings, part: Partition, workers: Sequence[str], stop: threading.Event) -> None:
    """Land a part of the sites from all journals."""
    owner = Owner(settings.journal, alone=False)
    books, store = adapters.own_books(settings), adapters.stores(settings)[0]

    def ask(edges: set[tuple[str, str, str]]) -> None:
        if edges:
            say(Lacking(sorted(edges)))

    lander = Lander(
        lambda: Landings(books, store, settings.journal, workers, part), ask, stop, threading.Event(), _IDLE_S
    )

    def state() -> None:
        say(State(lander.messages, True, lander.trouble, lander.store_errors, lander.books_errors))

    adapters.spare_the_collector()
    adapters.tend([threading.Thread(target=lander.run, name="land")], stop, state, _TELL_S)
    owner.close()
