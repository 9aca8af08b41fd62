"""The receiver on the embedded broker and on a real Mosquitto: nothing is acknowledged before it is journaled."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from energy.broker.paho import PahoBroker
from energy.errors import OutsideError
from energy.journal import START, Journal, JournalReader, Position
from ingest.receipts import Receipts, receipts_from
from ingest.receive import Receiver
from ingest.sequence import Sequence
from tests.contract.brokers import BROKERS, Inbox, Place, rest, running, wait

TOPIC = "ecm/v1/steel-1/gw-1/telemetry"
RECEIPT = "ecm/v1/steel-1/gw-1/receipt"


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


def telemetry(seq: int, boot: str = "b") -> bytes:
    return json.dumps({"boot": boot, "seq": seq, "readings": []}).encode()


class Taking:
    """A receiver in a thread on its journal; it begins from what books and journal know, as a start does."""

    def __init__(self, place: Place, folder: Path, known: dict[Any, Sequence], after: Position = START) -> None:
        self.journal = FaultyJournal(folder, "w1")
        self.reader = JournalReader(folder, "w1")
        self._stop, self.landed = threading.Event(), threading.Event()
        receipts: Receipts = receipts_from(known, self.reader.all_after(after))
        self.broker = PahoBroker(place.url, "receiver")
        self.receiver = Receiver(self.broker, self.journal, receipts, self.landed)
        self._thread = threading.Thread(target=self.receiver.run, args=(("ecm/#",), self._stop))
        self._thread.start()
        wait(lambda: self.broker.connected)
        time.sleep(0.1)

    def payloads(self) -> list[bytes]:
        """What the journal has."""
        return [record.payload for record in self.reader.all_after(START)]

    def stop(self) -> None:
        """End it; again is nothing."""
        self._stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        self.journal.close()


class FaultyJournal(Journal):
    """A real journal that is full for a while."""

    full = False
    refused = 0

    def append(self, batch: Any) -> Position:
        """OutsideError while it is full."""
        if self.full and batch:
            self.refused += 1
            raise OutsideError("disk full")
        return super().append(batch)


Begin = Callable[..., Taking]


@pytest.fixture
def begin(place: Place, tmp_path: Path) -> Iterator[Begin]:
    """Starts a receiver on the one journal."""
    begun: list[Taking] = []

    def one(known: dict[Any, Sequence] | None = None, after: Position = START) -> Taking:
        begun.append(Taking(place, tmp_path / "journal", known or {}, after))
        return begun[-1]

    yield one
    for taking in begun:
        taking.stop()


def test_what_is_journaled_is_receipted_and_does_not_come_again(place: Place, begin: Begin) -> None:
    taking = begin()
    receipts = Inbox()
    place.client("peer", receipts, RECEIPT)
    giver = place.client("giver")
    sent = [telemetry(n) for n in range(1, 301)]
    for payload in sent:
        giver.publish(TOPIC, payload)
    wait(lambda: bool(receipts) and json.loads(receipts[-1]) == {"boot": "b", "seq": 300})
    assert taking.payloads() == sent
    assert taking.landed.is_set()
    numbers = [json.loads(receipt)["seq"] for receipt in receipts]
    assert numbers == sorted(numbers)
    taking.stop()
    begin()
    rest()
    assert taking.payloads() == sent


def test_receipts_are_the_highest_contiguous_number_of_each_boot(place: Place, begin: Begin) -> None:
    begin()
    receipts = Inbox()
    place.client("peer", receipts, "ecm/v1/+/+/receipt")
    giver = place.client("giver")

    def receipt_after(payload: bytes, topic: str = TOPIC) -> dict[str, Any]:
        before = len(receipts)
        giver.publish(topic, payload)
        wait(lambda: len(receipts) > before)
        return dict(json.loads(receipts[-1]))

    said = [receipt_after(telemetry(n))["seq"] for n in (1, 2, 5, 4, 3, 3, 7)]
    assert said == [1, 2, 2, 2, 5, 5, 5]
    assert receipt_after(telemetry(1, "c")) == {"boot": "c", "seq": 1}
    assert receipt_after(b'{"boot":"b","seq":6,"readings":[{"meter":"m","ts":1,"p_kw":NaN}]}')["seq"] == 7
    assert receipt_after(b'{"boot":"b","seq":8,"readings":"not a list"}')["seq"] == 8
    assert receipt_after(telemetry(1), "ecm/v1/steel-1/gw-2/telemetry") == {"boot": "b", "seq": 1}


def test_its_own_receipts_are_never_journaled(place: Place, begin: Begin) -> None:
    taking = begin()
    giver = place.client("giver")
    for n in range(1, 20):
        giver.publish(TOPIC, telemetry(n))
    giver.publish("ecm/not/ours/receipt", b"journaled: it is none of ours")
    wait(lambda: len(taking.payloads()) == 20)
    rest()
    topics = [record.topic for record in taking.reader.all_after(START)]
    assert topics == [TOPIC] * 19 + ["ecm/not/ours/receipt"]


@pytest.mark.parametrize("from_books", [True, False])
def test_receipts_go_on_after_a_restart(place: Place, begin: Begin, from_books: bool) -> None:
    taking = begin()
    giver = place.client("giver")
    for n in (1, 2, 3, 4, 6):
        giver.publish(TOPIC, telemetry(n))
    wait(lambda: len(taking.payloads()) == 5)
    taking.stop()
    if from_books:  # the first three landed; the books know them, the rest is the journal's tail
        key = ("steel-1", "gw-1", "b")
        begin({key: Sequence([[1, 3]])}, taking.reader.read(START, 3)[-1].position)
    else:
        begin()
    receipts = Inbox()
    place.client("peer", receipts, RECEIPT)
    giver.publish(TOPIC, telemetry(5))
    wait(lambda: bool(receipts))
    assert json.loads(receipts[-1]) == {"boot": "b", "seq": 6}


def test_a_journal_that_is_full_is_tried_again_and_nothing_is_acknowledged(
    place: Place, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("ingest.receive._RETRY_S", 0.1)
    taking = begin()
    receipts = Inbox()
    place.client("peer", receipts, RECEIPT)
    giver = place.client("giver")
    taking.journal.full = True
    for n in range(1, 31):
        giver.publish(TOPIC, telemetry(n))
    wait(lambda: taking.journal.refused >= 3)
    assert "disk full" in taking.receiver.trouble
    assert receipts == []
    taking.journal.full = False
    wait(lambda: bool(receipts) and json.loads(receipts[-1])["seq"] == 30)
    assert taking.receiver.trouble == ""
    assert taking.payloads() == [telemetry(n) for n in range(1, 31)]
    taking.journal.full = True  # and now it ends before it could keep a message: that one comes again
    giver.publish(TOPIC, telemetry(31))
    wait(lambda: taking.receiver.trouble != "")
    taking.stop()
    begin()
    wait(lambda: taking.payloads()[30:] == [telemetry(31)])


def test_the_receiver_outlives_its_broker_and_hostile_messages(place: Place, begin: Begin) -> None:
    taking = begin()
    giver = place.client("giver")
    hostile = [b'{"boot":' + b"[" * 100_000, b'{"boot":"\xff","seq":1}', b"\x1f\x8b", b"", b"\x00" * 1_000]
    for payload in hostile:
        giver.publish(TOPIC, payload)
    wait(lambda: len(taking.payloads()) == len(hostile))
    place.stop()
    wait(lambda: not taking.broker.connected)
    place.start()
    wait(lambda: taking.broker.connected and giver.connected)

    def arrives() -> bool:
        giver.publish(TOPIC, telemetry(1))
        time.sleep(0.2)
        return telemetry(1) in taking.payloads()

    wait(arrives)
    assert taking.payloads()[: len(hostile)] == hostile
