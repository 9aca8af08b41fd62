"""What every broker must keep to: one battery on the embedded one and on a real Mosquitto."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.broker.paho import PahoBroker
from energy.errors import SetupError
from tests import neighbours
from tests.contract.brokers import BROKERS, Inbox, Place, cut, rest, running, wait

TOPIC = "ecm/v1/steel-1/gw-1/telemetry"
RECEIPT = "ecm/v1/steel-1/gw-1/receipt"


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


def test_order_is_kept(place: Place) -> None:
    inbox = Inbox()
    place.client("taker", inbox)
    giver = place.client("giver")
    for n in range(1_000):
        assert giver.publish(TOPIC, b"%d" % n)
    wait(lambda: len(inbox) >= 1_000)
    assert inbox == [b"%d" % n for n in range(1_000)]


def test_what_is_not_acknowledged_comes_again(place: Place) -> None:
    first, second, third = Inbox(acks=False), Inbox(), Inbox()
    taker = place.client("taker", first)
    giver = place.client("giver")
    for n in range(5):
        giver.publish(TOPIC, b"%d" % n)
    wait(lambda: len(first) == 5)
    taker.stop()
    taker = place.client("taker", second)
    wait(lambda: len(second) >= 5)
    assert second == first
    taker.stop()
    place.client("taker", third)
    rest()
    assert third == []


def test_a_connection_that_is_gone_acknowledges_nothing(place: Place) -> None:
    inbox = Inbox(acks=False)
    taker = place.client("taker", inbox)
    place.client("giver").publish(TOPIC, b"1")
    wait(lambda: len(inbox) == 1)
    cut(taker)
    taker.ack(inbox.tokens[:1])
    wait(lambda: len(inbox) == 2)
    taker.ack([inbox.tokens[0], inbox.tokens[0]._replace(token=None)])
    rest(0.1)
    cut(taker)
    wait(lambda: len(inbox) == 3)
    assert inbox == [b"1"] * 3


def test_the_session_is_kept_while_away(place: Place) -> None:
    inbox = Inbox()
    taker = place.client("taker", inbox)
    taker.stop()
    assert not taker.connected
    giver = place.client("giver")
    for n in range(300):
        giver.publish(TOPIC, b"%d" % n)
    rest()
    place.client("taker", inbox)
    wait(lambda: len(inbox) >= 300)
    assert inbox == [b"%d" % n for n in range(300)]


def test_a_clean_session_is_not_kept(place: Place) -> None:
    inbox = Inbox()
    place.client("taker", inbox, clean=True).stop()
    place.client("giver").publish(TOPIC, b"1")
    rest()
    place.client("taker", inbox, clean=True)
    rest()
    assert inbox == []


def test_it_reconnects_when_the_broker_comes_again(place: Place) -> None:
    inbox = Inbox()
    taker = place.client("taker", inbox)
    giver = place.client("giver")
    place.stop()
    wait(lambda: not taker.connected and not giver.connected)
    assert giver.publish(TOPIC, b"while it is away")
    place.start()
    wait(lambda: taker.connected and giver.connected)

    def arrives() -> bool:
        giver.publish(TOPIC, b"after")
        time.sleep(0.2)
        return b"after" in inbox

    wait(arrives)
    if place.kind == "mosquitto":  # which kept the taker's session, whoever was first to come back
        assert b"while it is away" in inbox


def test_it_waits_for_a_broker_that_is_not_there_yet(place: Place) -> None:
    place.stop()
    taker = place.client("taker", Inbox(), up=False)
    rest()
    assert not taker.connected
    place.start()
    wait(lambda: taker.connected)


def test_large_payloads_arrive_whole(place: Place) -> None:
    inbox = Inbox()
    place.client("taker", inbox)
    giver = place.client("giver")
    large = bytes(range(256)) * 1_200
    giver.publish(TOPIC, large)
    giver.publish(TOPIC, b"")
    wait(lambda: len(inbox) == 2)
    assert inbox == [large, b""]


def test_a_will_is_said_when_a_client_vanishes(place: Place) -> None:
    inbox = Inbox()
    place.client("taker", inbox)
    doomed = PahoBroker(place.url, "doomed", will=("ecm/v1/steel-1/gw-1/death", b"gone"))
    doomed.start((), None)
    wait(lambda: doomed.connected)
    doomed.cut()
    wait(lambda: inbox == [b"gone"])


def test_an_address_that_is_none_is_said() -> None:
    for url in ("127.0.0.1:1883", "http://127.0.0.1", "mqtt://", "mqtt://h:x", "wss://secret:word@host"):
        with pytest.raises(SetupError, match="must look like") as caught:
            PahoBroker(url, "x")
        assert "word" not in str(caught.value)


def test_the_queue_of_a_client_is_bounded() -> None:
    client = PahoBroker(f"mqtt://127.0.0.1:{neighbours.free_port()}", "giver")
    handed = sum(client.publish(TOPIC, b"x") for _ in range(5_000))
    assert 1_000 <= handed < 5_000
