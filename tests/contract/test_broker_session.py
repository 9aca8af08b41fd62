"""What a broker's session and groups must keep to, on the embedded broker and on a real Mosquitto."""

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery, shared
from energy.errors import InputError
from tests import neighbours
from tests.contract.brokers import BROKERS, Inbox, Place, cut, rest, running, wait
from tests.proxy import proxy

TOPIC = "ecm/v1/steel-1/gw-1/telemetry"


@pytest.fixture(params=BROKERS)
def place(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


@pytest.fixture
def mosquitto(tmp_path: Path) -> Iterator[Place]:
    with running("mosquitto", tmp_path / "broker") as one:
        yield one


def test_the_newest_version_that_both_speak_is_spoken(place: Place) -> None:
    assert place.client("taker").version == ("5" if place.kind == "mosquitto" else "3.1.1")


def test_a_group_shares_and_loses_nothing(place: Place) -> None:
    topic = shared("group", "ecm/#")
    one, other = Inbox(), Inbox(acks=False)
    place.client("one", one, topic)
    doomed = place.client("other", other, topic)
    giver = place.client("giver")
    for n in range(200):
        assert giver.publish(TOPIC, b"%d" % n)
    wait(lambda: len(one) + len(other) == 200)
    assert len(one) > 50
    assert len(other) > 50
    assert set(one) | set(other) == {b"%d" % n for n in range(200)}
    if place.kind != "mosquitto":
        return  # the embedded broker forgets the share of a member that goes
    doomed.cut()
    again = Inbox()
    place.client("other", again, topic)
    wait(lambda: set(one) | set(again) == {b"%d" % n for n in range(200)})


@pytest.mark.parametrize("group", ["", "a/b", "a#", "a+"])
def test_a_group_needs_a_name_that_it_can_have(group: str) -> None:
    with pytest.raises(ValueError, match="name of a group"):
        shared(group, "ecm/#")


@pytest.mark.needs("mosquitto")
def test_a_session_outlives_the_broker(mosquitto: Place) -> None:
    inbox = Inbox()
    mosquitto.client("taker", inbox).stop()
    giver = mosquitto.client("giver")
    for n in range(100):
        giver.publish(TOPIC, b"%d" % n)
    rest()
    mosquitto.stop()
    mosquitto.start()
    mosquitto.client("taker", inbox)
    wait(lambda: len(inbox) >= 100)
    assert inbox == [b"%d" % n for n in range(100)]


@pytest.mark.needs("mosquitto")
def test_a_session_that_expired_is_said(mosquitto: Place, caplog: pytest.LogCaptureFixture) -> None:
    inbox = Inbox()
    taker = PahoBroker(mosquitto.url, "taker", session_s=1)
    inbox.broker = taker
    taker.start(("ecm/#",), inbox.take)
    wait(lambda: taker.connected)
    taker.stop()
    time.sleep(2.5)  # Mosquitto looks each second
    mosquitto.client("giver").publish(TOPIC, b"nobody hears")
    rest()
    taker.start(("ecm/#",), inbox.take)
    wait(lambda: taker.connected)
    rest(0.2)
    taker.stop()
    assert inbox == []
    assert "has lost our session" in caplog.text


@pytest.mark.needs("mosquitto")
def test_no_more_is_unacknowledged_than_was_asked_for(mosquitto: Place) -> None:
    inbox = Inbox(acks=False)
    taker = PahoBroker(mosquitto.url, "taker", in_flight=7)
    taker.start(("ecm/#",), inbox.take)
    wait(lambda: taker.connected)
    rest(0.1)
    giver = mosquitto.client("giver")
    for n in range(50):
        giver.publish(TOPIC, b"%d" % n)
    wait(lambda: len(inbox) == 7)
    rest(0.2)
    assert len(inbox) == 7
    taker.ack(inbox.tokens[:3])
    wait(lambda: len(inbox) >= 10)  # Mosquitto 2.0.11 takes three for more than three
    inbox.broker, inbox.acks = taker, True
    taker.ack(inbox.tokens[3:])
    wait(lambda: len(inbox) == 50)
    assert inbox == [b"%d" % n for n in range(50)]
    taker.stop()


@pytest.mark.needs("mosquitto")
def test_what_the_broker_will_not_take_is_refused_at_once(tmp_path: Path) -> None:
    with neighbours.mosquitto(settings="allow_anonymous true\nmax_packet_size 1000") as port:
        giver = PahoBroker(f"mqtt://127.0.0.1:{port}", "giver")
        giver.start((), None)
        wait(lambda: giver.connected)
        assert giver.publish(TOPIC, bytes(900))
        with pytest.raises(InputError, match="too_large"):
            giver.publish(TOPIC, bytes(1000))
        rest(0.2)
        assert giver.connected
        giver.stop()


def test_a_silent_broker_is_given_up_and_what_was_not_acknowledged_comes_again(place: Place) -> None:
    with proxy(place.port) as way:
        inbox = Inbox(acks=False)
        taker = PahoBroker(f"mqtt://127.0.0.1:{way.port}", "taker", keepalive_s=1)
        taker.start(("ecm/#",), inbox.take)
        wait(lambda: taker.connected)
        rest(0.1)
        place.client("giver").publish(TOPIC, b"1")
        wait(lambda: len(inbox) == 1)
        way.stall()
        wait(lambda: not taker.connected, 10)
        assert "is gone" in taker.trouble
        way.cut()
        way.resume()
        wait(lambda: len(inbox) == 2)
        assert taker.trouble == ""
        taker.stop()
    assert inbox == [b"1", b"1"]


def test_tries_come_ever_more_seldom_and_never_in_step(tmp_path: Path) -> None:
    with proxy(neighbours.free_port()) as way:  # which takes a connection and ends it
        clients = [PahoBroker(f"mqtt://127.0.0.1:{way.port}", f"client-{n}") for n in range(8)]
        for client in clients:
            client.start((), None)
        rest(3.0)
        for client in clients:
            client.stop()
        count = len(way.connections)
    # Each asks in two versions at about 0, 0.4, 1.1 and 2.6 s.
    assert 8 * 2 * 2 <= count <= 8 * 2 * 5
    late = sorted(when - way.connections[0] for when in way.connections[16:])
    assert len({round(when, 2) for when in late}) > 8
    assert all(client.trouble or not client.connected for client in clients)


def test_an_acknowledgement_never_strays_to_the_next_connection(place: Place) -> None:
    """Its number is another message's there."""
    first = Inbox(acks=False)
    taker = place.client("taker", first)
    giver = place.client("giver")
    giver.publish(TOPIC, b"1")
    wait(lambda: len(first) == 1)
    stop = threading.Event()

    def hammer() -> None:
        while not stop.is_set():
            taker.ack(first.tokens[:1])

    cut(taker)
    thread = threading.Thread(target=hammer)
    thread.start()
    for _ in range(2):
        wait(lambda: taker.connected)
        wait(lambda: len(first) >= 2)
        cut(taker)
    stop.set()
    thread.join()
    wait(lambda: len(first) >= 4)
    assert first == [b"1"] * len(first)


def test_a_handler_that_fails_loses_nothing(place: Place) -> None:
    taken: list[bytes] = []
    clients: list[PahoBroker] = []

    def take(delivery: Delivery) -> None:
        taken.append(delivery.payload)
        if len(taken) == 1:
            raise KeyError("of the handler")
        clients[0].ack([delivery])

    clients.append(PahoBroker(place.url, "taker"))
    clients[0].start(("ecm/#",), take)
    wait(lambda: clients[0].connected)
    rest(0.1)
    place.client("giver").publish(TOPIC, b"1")
    wait(lambda: len(taken) == 2)
    clients[0].stop()
    assert taken == [b"1", b"1"]


def test_who_answers_with_no_mqtt_is_nobody() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        client = PahoBroker(f"mqtt://127.0.0.1:{server.getsockname()[1]}", "x")
        client.start((), None)
        for junk in (b"HTTP/1.1 400 Bad Request\r\n\r\n", b"\x30\xff\xff\xff\xff\xff", b"\x20\x02\x00"):
            near, _ = server.accept()
            near.sendall(junk)
            near.close()
        assert not client.connected
        client.stop()
