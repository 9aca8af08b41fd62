"""Receipts of several workers together: what each tells, and what a killed one did not tell."""

import json
from collections.abc import Iterable
from pathlib import Path

from energy.broker.port import Delivery
from energy.journal import START, Journal, JournalReader
from ingest.receipts import Followed, Receipts
from ingest.said import Kept, kept
from ingest.sequence import Sequence

TOPIC = "ecm/v1/steel-1/gw-1/telemetry"
KEY = ("steel-1", "gw-1", "b")


def deliveries(numbers: Iterable[int], at: int = 0) -> list[Delivery]:
    return [Delivery(TOPIC, b'{"boot":"b","seq":%d,"readings":[]}' % n, at, None) for n in numbers]


def receipt(receipts: Receipts) -> int:
    return int(json.loads(receipts.message(KEY)[1])["seq"])


def journaled(journal: Journal, *numbers: int) -> Kept:
    batch = deliveries(numbers)
    return kept(batch, journal.append(batch))


def test_two_workers_together_have_what_neither_has_alone(tmp_path: Path) -> None:
    one, two = Journal(tmp_path, "w1"), Journal(tmp_path, "w2")
    receipts = Receipts({})
    readers = {worker: JournalReader(tmp_path, worker) for worker in ("w1", "w2")}
    followed = Followed(receipts, readers, dict.fromkeys(readers, START))
    followed.caught_up("w1")
    followed.told("w1", journaled(one, 1, 3, 5))
    assert receipt(receipts) == 1
    assert followed.told("w2", journaled(two, 2, 4)) == {KEY}
    assert receipt(receipts) == 5
    journaled(two, 6, 7)  # it is killed before it tells of these
    followed.told("w1", journaled(one, 8))
    assert receipt(receipts) == 5
    assert followed.caught_up("w2") == {KEY}
    assert receipt(receipts) == 8
    journaled(one, 9)  # and here the next that is told says that something was not
    followed.told("w1", journaled(one, 10))
    assert receipt(receipts) == 10
    one.close()
    two.close()


def test_boots_and_gateways_are_forgotten_oldest_first() -> None:
    receipts = Receipts({("steel-1", "gw-1", f"b{n}"): Sequence([[1, n]]) for n in range(1, 30)})
    assert receipts.forgotten == 29 - 16
    assert json.loads(receipts.message(("steel-1", "gw-1", "b29"))[1])["seq"] == 29
    assert json.loads(receipts.message(("steel-1", "gw-1", "b1"))[1])["seq"] == 0
    for n in range(20_001):
        receipts.note(f"ecm/v1/steel-1/hostile-{n}/telemetry", b'{"boot":"b","seq":1}', 0)
    assert receipts.forgotten == 29 - 16 + 17
