"""Ends the session of a worker that is no more: what the broker holds for it is received first."""

import threading
import time
from collections.abc import Callable

from energy.broker.port import Broker
from energy.journal import Journal
from energy.topic import Topic
from ingest.receipts import Receipts
from ingest.receive import Receiver, Tell

_EVERY_S = 1.0
_CONNECTED_S = 20.0


def leave(
    connect: Callable[[bool], Broker], worker: str, journal: Journal, tell: Receipts | Tell, topics: tuple[str, ...],
    stop: threading.Event, landed: threading.Event,
) -> bool:  # fmt: skip
    """Give up the subscriptions to `topics`, journal all that is held, and end the session; False: stopped before.

    connect: a client of the worker's name, with True one whose session begins and ends with it.
    A message of our own, behind all that the broker holds, says that it was the last.
    """
    broker, mark = connect(False), Topic("carbonwatch", worker, "receipt").text
    done = threading.Event()

    def ask() -> None:
        while not done.wait(_EVERY_S) and not stop.is_set():
            if broker.connected:
                broker.publish(mark, b"{}")

    asking = threading.Thread(target=ask, name="leave")
    asking.start()
    try:
        Receiver(broker, journal, tell, landed).run((mark,), stop, leave=topics, last=mark)
    finally:
        done.set()
        asking.join()
    if stop.is_set():
        return False
    last = connect(True)
    last.start((), None)
    until = time.monotonic() + _CONNECTED_S
    while not last.connected and time.monotonic() < until and not stop.is_set():
        time.sleep(0.02)
    ended = last.connected
    last.stop()
    return ended
