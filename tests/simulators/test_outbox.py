"""What a gateway keeps: everything until its receipt, in order, and the unnumbered with what follows them."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery
from simulators.outbox import Outbox, Parcel

WaitFor = Callable[..., None]
BASE = "ecm/v1/s-1/gw-1"


@contextmanager
def outbox(url: str, **options: Any) -> Iterator[Outbox]:
    will = (f"{BASE}/death", b'{"boot":"7f3a"}')
    one = Outbox(PahoBroker(url, "gw", clean=True, will=will), f"{BASE}/receipt", **options)
    one.start()
    try:
        yield one
    finally:
        one.stop()


@contextmanager
def listening(url: str, topic: str) -> Iterator[list[Delivery]]:
    got: list[Delivery] = []
    broker = PahoBroker(url, "listener", clean=True)

    def take(delivery: Delivery) -> None:
        got.append(delivery)
        broker.ack([delivery])

    broker.start((topic,), take)
    until = time.monotonic() + 10
    while not broker.connected and time.monotonic() < until:
        time.sleep(0.02)
    time.sleep(0.2)
    try:
        yield got
    finally:
        broker.stop()


def numbered(seq: int, boot: str = "7f3a") -> Parcel:
    return Parcel(boot, seq, f"{BASE}/telemetry", json.dumps({"boot": boot, "seq": seq, "readings": []}).encode())


def say(url: str, boot: str, seq: int) -> None:
    broker = PahoBroker(url, "sayer", clean=True)
    broker.start((), None)
    broker.publish(f"{BASE}/receipt", json.dumps({"boot": boot, "seq": seq}).encode())
    time.sleep(0.3)
    broker.stop()


def pumped(one: Outbox, left: int) -> Callable[[], bool]:
    def look() -> bool:
        one.pump()
        return one.unreceipted == left

    return look


def test_what_has_no_number_is_done_with_when_what_follows_it_is(place: Any, wait_for: WaitFor) -> None:
    with listening(place.url, f"{BASE}/#") as got, outbox(place.url) as one:
        one.put(Parcel("7f3a", 0, f"{BASE}/birth", b"{}"))
        one.put(numbered(1))
        one.put(Parcel("7f3a", 0, f"{BASE}/telemetry", b"mangled"))
        wait_for(lambda: pumped(one, 3)() and sum(not d.topic.endswith("receipt") for d in got) == 3)
        say(place.url, "7f3a", 1)
        wait_for(pumped(one, 1))
        one.put(numbered(2))
        wait_for(lambda: pumped(one, 2)() and sum(not d.topic.endswith("receipt") for d in got) == 4)
        say(place.url, "7f3a", 2)
        wait_for(pumped(one, 0))
        assert one.repeated == 0


def test_a_receipt_ahead_of_us_counts_only_where_the_boot_may_be_known(place: Any, wait_for: WaitFor) -> None:
    for again, left in ((False, 1), (True, 0)):
        with listening(place.url, f"{BASE}/telemetry") as got, outbox(place.url, again=again) as one:
            one.put(numbered(1))
            wait_for(lambda one=one, got=got: pumped(one, 1)() and len(got) == 1)
            say(place.url, "7f3a", 99)
            time.sleep(0.2)
            assert one.unreceipted == left


def test_a_receipt_does_not_cover_what_was_not_handed_over(place: Any, wait_for: WaitFor) -> None:
    with outbox("mqtt://127.0.0.1:9", again=True) as one:
        one._on_receipt(Delivery(f"{BASE}/receipt", b'{"boot":"7f3a","seq":5}', 0, None))
        one.put(numbered(1))
        assert one.unreceipted == 1


def test_boots_are_receipted_each_for_itself(place: Any, wait_for: WaitFor) -> None:
    with listening(place.url, f"{BASE}/telemetry") as got, outbox(place.url) as one:
        one.put(numbered(1))
        one.put(numbered(2))
        one.put(numbered(1, "other"))
        wait_for(lambda: pumped(one, 3)() and len(got) == 3)
        say(place.url, "other", 1)
        assert one.unreceipted == 3  # in order: the older boot's come first
        say(place.url, "7f3a", 2)
        wait_for(pumped(one, 0))


def test_a_cut_publishes_the_will_and_what_was_kept_goes_out_with_the_next_session(
    place: Any, peer: Any, wait_for: WaitFor
) -> None:
    peer.generous = False
    with listening(place.url, f"{BASE}/death") as deaths, outbox(place.url) as one:
        one.put(numbered(1))
        wait_for(lambda: pumped(one, 1)() and len(peer.messages) == 1)
        one.cut()
        wait_for(lambda: len(deaths) == 1)
        assert deaths[0].payload == b'{"boot":"7f3a"}'
        one.put(numbered(2))
        time.sleep(0.3)
        assert not one.connected
        assert len(peer.messages) == 1
        peer.generous = True
        one.change(PahoBroker(place.url, "gw-again", clean=True))
        one.drain(10)
    assert [message["seq"] for message in peer.messages] == [1, 1, 2]
    assert one.repeated == 1


def test_a_full_outbox_has_no_room_until_a_receipt(place: Any, peer: Any) -> None:
    peer.generous = False
    with outbox(place.url, window=3, resend_after=0.3) as one:
        for seq in (1, 2, 3):
            one.wait_for_room(5)
            one.put(numbered(seq))
        assert one.room == 0
        threading.Timer(0.4, setattr, (peer, "generous", True)).start()
        one.wait_for_room(10)
        assert one.room > 0
