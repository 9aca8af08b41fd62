"""Takes messages from the broker, journals them in batches, and only then acknowledges and tells of it."""

import logging
import queue
import threading
import time
from collections.abc import Callable

from energy.broker.port import Broker, Delivery
from energy.errors import InputError, OutsideError
from energy.journal import Journal, Position
from energy.sparkplug import is_for_edges
from energy.topic import parse_topic
from ingest.receipts import Receipts

_log = logging.getLogger(__name__)
_BATCH = 400  # a broker that keeps fewer in flight makes smaller ones
_WAIT_S = 0.02
_RETRY_S = 1.0

Tell = Callable[[list[Delivery], Position], None]  # what was journaled, and where the last of it lies


class Receiver:
    """One worker's receiving side; `run` is its loop."""

    def __init__(self, broker: Broker, journal: Journal, tell: Receipts | Tell, landed: threading.Event) -> None:
        """`tell` gives the receipts, or tells who gives them; `landed` is set when there is something new to land."""
        self._broker, self._journal, self._landed = broker, journal, landed
        self._tell = self._give(tell) if isinstance(tell, Receipts) else tell
        self._incoming: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.journaled = 0
        self.trouble = ""

    def run(self, topics: tuple[str, ...], stop: threading.Event, leave: tuple[str, ...] = (), last: str = "") -> None:
        """Receive until `stop`, or until a message came by the topic `last`; what is not acknowledged comes again.

        `leave` as `Broker.start`.
        """
        self._broker.start(topics, self._incoming.put, leave)
        try:
            while not stop.is_set():
                batch = self._batch()
                kept = [delivery for delivery in batch if not _is_for_gateways(delivery.topic)]
                if batch and (until := self._keep(kept, stop)) is not None:
                    self._broker.ack(batch)
                    self._tell(kept, until)
                    if last and any(delivery.topic == last for delivery in batch):
                        return
        finally:
            self._broker.stop()

    def _batch(self) -> list[Delivery]:
        """What is there now, at most _BATCH, waiting a little for the first."""
        batch: list[Delivery] = []
        patience = 0.5
        try:
            while len(batch) < _BATCH and patience > 0:
                batch.append(self._incoming.get(timeout=patience))
                if len(batch) == 1:
                    until = time.monotonic() + _WAIT_S
                patience = until - time.monotonic()
        except queue.Empty:
            pass
        return batch

    def _keep(self, kept: list[Delivery], stop: threading.Event) -> Position | None:
        """Journal a batch, trying again until it is durable; None when stopped before."""
        while not stop.is_set():
            try:
                until = self._journal.append(kept)
            except OutsideError as error:
                self.trouble = str(error)
                _log.exception("not acknowledged, trying again")
                stop.wait(_RETRY_S)
            else:
                self.trouble = ""
                self.journaled += len(kept)
                self._landed.set()
                return until
        return None

    def _give(self, receipts: Receipts) -> Tell:
        def give(batch: list[Delivery], _until: Position) -> None:
            keys = {receipts.note(delivery.topic, delivery.payload, delivery.received_at) for delivery in batch}
            for key in keys:
                if key is not None:
                    self._broker.publish(*receipts.message(key))

        return give


def _is_for_gateways(topic: str) -> bool:
    """Whether a message is one of our own, or another host's, and no gateway's."""
    if is_for_edges(topic):
        return True
    try:
        return topic.endswith("/receipt") and parse_topic(topic).kind == "receipt"
    except InputError:
        return False
