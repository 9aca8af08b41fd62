"""The gateway keeps every message until its receipt, over a real broker."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from energy.broker.paho import PahoBroker
from energy.errors import InputError, OutsideError
from energy.reading import Quality, Reading
from simulators.gateway import Gateway, encode

WaitFor = Callable[..., None]


def readings(count: int, start: int = 0) -> list[Reading]:
    return [Reading("m-1", 1_800_000_000_000 + n * 1000, {"e_kwh": n / 100}) for n in range(start, start + count)]


@contextmanager
def running(url: str, **options: Any) -> Iterator[Gateway]:
    gateway = Gateway(PahoBroker(url, "gw", clean=True), "s-1", "gw-1", "7f3a", **options)
    gateway.start()
    try:
        yield gateway
    finally:
        gateway.stop()


def arrived(gateway: Gateway, peer: Any, count: int) -> bool:
    gateway.pump()
    return len(peer.messages) == count


def seqs(peer: Any) -> list[int]:
    return [message["seq"] for message in peer.messages]


def test_encode_is_wire_format_1() -> None:
    reading = Reading("m-1", 1_795_306_500_000, {"p_kw": 411.5}, Quality.ESTIMATED)
    message = json.loads(encode("7f3a", 3, 1_795_306_502_000, [reading]))
    assert message == {
        "boot": "7f3a",
        "seq": 3,
        "sent": "2026-11-22T00:15:02+00:00",
        "readings": [{"meter": "m-1", "ts": 1_795_306_500_000, "p_kw": 411.5, "q": "estimated"}],
    }


def test_encode_never_sends_what_is_not_a_number() -> None:
    with pytest.raises(ValueError, match="JSON"):
        encode("7f3a", 1, 0, [Reading("m-1", 0, {"p_kw": float("nan")})])


def test_a_name_that_cannot_be_in_a_topic_is_refused() -> None:
    with pytest.raises(InputError):
        Gateway(PahoBroker("mqtt://127.0.0.1:1", "gw"), "a/b", "gw-1")


def test_everything_arrives_once_in_order_and_is_receipted(place: Any, peer: Any) -> None:
    with running(place.url, batch=20) as gateway:
        gateway.send(readings(210))
        gateway.drain(10)
        assert gateway.unreceipted == 0
        assert gateway.last_seq == 11
    assert seqs(peer) == list(range(1, 12))
    assert [len(message["readings"]) for message in peer.messages] == [20] * 10 + [10]
    assert len(peer.readings("s-1")) == 210


def test_unreceipted_messages_are_sent_again_after_a_while(place: Any, peer: Any, wait_for: WaitFor) -> None:
    peer.generous = False
    with running(place.url, batch=10, resend_after=0.5) as gateway:
        gateway.send(readings(30))
        wait_for(lambda: arrived(gateway, peer, 3))
        assert gateway.unreceipted == 3
        peer.generous = True
        gateway.drain(10)
    assert set(seqs(peer)) == {1, 2, 3}
    assert len(peer.messages) >= 4


def test_a_broker_that_loses_all_loses_nothing_of_ours(place: Any, peer: Any, wait_for: WaitFor) -> None:
    peer.generous = False
    with running(place.url, batch=10) as gateway:
        gateway.send(readings(50))
        wait_for(lambda: arrived(gateway, peer, 5))
        place.stop()
        wait_for(lambda: not gateway.connected)
        gateway.send(readings(50, 50))
        peer.generous = True
        place.start()
        gateway.drain(30)
    assert len(peer.readings("s-1")) == 100


def test_the_window_is_bounded_and_no_progress_is_an_error(place: Any, peer: Any) -> None:
    peer.generous = False
    with running(place.url, batch=1, window=5) as gateway:
        gateway.send(readings(5))
        assert gateway.room == 0
        begun = time.monotonic()
        with pytest.raises(OutsideError, match="no receipt for 1 s: 5 of 5 messages"):
            gateway.send(readings(1, 5), patience=1)
        with pytest.raises(OutsideError, match="connected"):
            gateway.drain(1)
        assert time.monotonic() - begun < 4
        assert gateway.last_seq == 5


def test_a_full_window_goes_on_when_receipts_come(place: Any, peer: Any) -> None:
    peer.generous = False
    with running(place.url, batch=1, window=5, resend_after=0.3) as gateway:
        threading.Timer(0.5, setattr, (peer, "generous", True)).start()
        gateway.send(readings(40), patience=10)
        gateway.drain(10)
    assert len(peer.readings("s-1")) == 40


def test_without_a_broker_drain_says_so() -> None:
    with running("mqtt://127.0.0.1:9", batch=10) as gateway:
        gateway.send(readings(10))
        with pytest.raises(OutsideError, match="no connection"):
            gateway.drain(0.5)


@pytest.mark.parametrize(
    "receipt", [b"no", b"[]", b'{"boot":"7f3a"}', b'{"boot":"other","seq":1}', b'{"boot":"7f3a","seq":999}']
)
def test_receipts_that_are_not_for_us_change_nothing(place: Any, peer: Any, wait_for: WaitFor, receipt: bytes) -> None:
    peer.generous = False
    with running(place.url) as gateway:
        gateway.send(readings(5))
        wait_for(lambda: arrived(gateway, peer, 1))
        peer.say("ecm/v1/s-1/gw-1/receipt", receipt)
        time.sleep(0.2)
        assert gateway.unreceipted == 1
