"""The receipts that gateways are given: how far their numbers are journaled, by whichever worker."""

import json
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping

from energy.journal import JournalReader, Position, Record
from energy.topic import Topic
from ingest.said import Head, Kept, head
from ingest.sequence import Sequence

Key = tuple[str, str, str]
_BOOTS = 16  # of one gateway; a boot that was heard longer ago is forgotten
_GATEWAYS = 20_000


class Receipts:
    """The highest contiguous sequence number journaled, by (site, gateway, boot); safe from any thread."""

    def __init__(self, known: Mapping[Key, Sequence]) -> None:
        """`known` as the books have it, the newest last; `note` what the journals have beyond."""
        self._turn = threading.Lock()
        self._gateways: OrderedDict[tuple[str, str], OrderedDict[str, Sequence]] = OrderedDict()
        self.forgotten = 0  # boots, so that a hostile client cannot fill the memory
        for key, sequence in known.items():
            self._boots(key)[key[2]] = sequence
            self._bound(key)

    def note(self, topic: str, payload: bytes, at: int) -> Key | None:
        """Count a message journaled that was received at `at` (ms UTC); its key, or None when it has no number."""
        found = head(topic, payload, at)
        return None if found is None else self.note_head(found)

    def note_head(self, found: Head) -> Key:
        """Count a journaled message by its number."""
        key = found[:3]
        with self._turn:
            boots = self._boots(key)
            if found.boot not in boots:
                boots[found.boot] = Sequence()
            boots[found.boot].note(found.seq, found.at)
            boots.move_to_end(found.boot)
            self._gateways.move_to_end(key[:2])
            self._bound(key)
        return key

    def message(self, key: Key) -> tuple[str, bytes]:
        """The receipt's topic and payload."""
        site, gateway, boot = key
        with self._turn:
            body = {"boot": boot, "seq": self._boots(key).get(boot, Sequence()).contiguous}
        return Topic(site, gateway, "receipt").text, json.dumps(body).encode()

    def _boots(self, key: Key) -> OrderedDict[str, Sequence]:
        return self._gateways.setdefault(key[:2], OrderedDict())

    def _bound(self, key: Key) -> None:
        boots = self._boots(key)
        while len(boots) > _BOOTS:
            boots.popitem(last=False)
            self.forgotten += 1
        while len(self._gateways) > _GATEWAYS:
            self.forgotten += len(self._gateways.popitem(last=False)[1])


class Followed:
    """How far the receipts know each worker's journal, so that nothing is missed that a killed worker did not tell."""

    def __init__(self, receipts: Receipts, readers: Mapping[str, JournalReader], noted: Mapping[str, Position]) -> None:
        """noted: how far each journal is in the books."""
        self._receipts, self._readers = receipts, readers
        self._noted = dict(noted)

    def told(self, worker: str, what: Kept) -> set[Key]:
        """Count what a worker journaled; whose receipts are due. OutsideError when its journal cannot be read."""
        if not what.count:
            return set()
        before = self._noted[worker]
        if (what.until.day, what.until.row - what.count) != before:
            return self.caught_up(worker, what.until)
        self._noted[worker] = what.until
        return {self._receipts.note_head(one) for one in what.heads}

    def caught_up(self, worker: str, until: Position | None = None) -> set[Key]:
        """Count what the journal has beyond what was told; whose receipts are due."""
        due: set[Key | None] = set()
        for record in self._readers[worker].all_after(self._noted[worker]):
            if until is not None and record.position > until:
                break
            due.add(self._receipts.note(record.topic, record.payload, record.received_at))
            self._noted[worker] = record.position
        return {key for key in due if key is not None}


def receipts_from(known: Mapping[Key, Sequence], tail: Iterable[Record]) -> Receipts:
    """What the books know and what the journal has beyond their cursor → Receipts."""
    receipts = Receipts(known)
    for record in tail:
        receipts.note(record.topic, record.payload, record.received_at)
    return receipts
