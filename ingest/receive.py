"""Takes messages from the broker, journals them in batches, and only then acknowledges and gives receipts."""

import json
import logging
import queue
import threading
import time
from collections.abc import Iterable

from energy.broker.port import Broker, Delivery
from energy.errors import InputError, OutsideError
from energy.journal import Journal, Record
from energy.sparkplug import is_for_edges
from energy.topic import Topic, parse_topic
from ingest.decode import dialects
from ingest.sequence import Sequence

_log = logging.getLogger(__name__)
_BATCH = 100  # no more than any broker keeps in flight
_WAIT_S = 0.02
_RETRY_S = 1.0

Key = tuple[str, str, str]


class Receipts:
    """The highest contiguous sequence number journaled, by (site, gateway, boot)."""

    def __init__(self, sequences: dict[Key, Sequence]) -> None:
        """`sequences` as the books know them; `note` what the journal has beyond."""
        self._sequences = sequences

    def note(self, topic: str, payload: bytes) -> Key | None:
        """Count a journaled message; its key, or None when it has no sequence."""
        try:
            dialect, where = dialects.of(topic)
        except InputError:
            return None
        found = dialect.head(where, payload)
        if found is None:
            return None
        key = (where.site, where.gateway, found[0])
        self._sequences.setdefault(key, Sequence()).add(found[1])
        return key

    def message(self, key: Key) -> tuple[str, bytes]:
        """The receipt's topic and payload."""
        site, gateway, boot = key
        body = {"boot": boot, "seq": self._sequences[key].contiguous}
        return Topic(site, gateway, "receipt").text, json.dumps(body).encode()


class Receiver:
    """One worker's receiving side; `run` is its loop."""

    def __init__(self, broker: Broker, journal: Journal, receipts: Receipts, landed: threading.Event) -> None:
        """`landed` is set whenever there is something new to land."""
        self._broker, self._journal, self._receipts, self._landed = broker, journal, receipts, landed
        self._incoming: queue.SimpleQueue[Delivery] = queue.SimpleQueue()
        self.journaled = 0
        self.trouble = ""

    def run(self, topics: tuple[str, ...], stop: threading.Event) -> None:
        """Receive until `stop`; what is not acknowledged by then comes again."""
        self._broker.start(topics, self._incoming.put)
        try:
            while not stop.is_set():
                batch = self._batch()
                if batch and self._keep(batch, stop):
                    self._broker.ack(batch)
                    self._give_receipts(batch)
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

    def _keep(self, batch: list[Delivery], stop: threading.Event) -> bool:
        """Journal a batch, trying again until it is durable; False when stopped before."""
        kept = [delivery for delivery in batch if not _is_for_gateways(delivery.topic)]
        while not stop.is_set():
            try:
                self._journal.append(kept)
            except OutsideError as error:
                self.trouble = str(error)
                _log.exception("not acknowledged, trying again")
                stop.wait(_RETRY_S)
            else:
                self.trouble = ""
                self.journaled += len(kept)
                self._landed.set()
                return True
        return False

    def _give_receipts(self, batch: list[Delivery]) -> None:
        keys = {self._receipts.note(delivery.topic, delivery.payload) for delivery in batch}
        for key in keys - {None}:
            self._broker.publish(*self._receipts.message(key))  # type: ignore[arg-type]


def _is_for_gateways(topic: str) -> bool:
    """Whether a message is one of our own, or another host's, and no gateway's."""
    if is_for_edges(topic):
        return True
    try:
        return topic.endswith("/receipt") and parse_topic(topic).kind == "receipt"
    except InputError:
        return False


def receipts_from(known: dict[Key, Sequence], tail: Iterable[Record]) -> Receipts:
    """What the books know and what the journal has beyond their cursor → Receipts."""
    receipts = Receipts(known)
    for record in tail:
        receipts.note(record.topic, record.payload)
    return receipts
