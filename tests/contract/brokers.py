"""The brokers of the batteries: each can end and come again on its port, and has clients that are ended with it."""

import contextlib
import socket
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import iotcore
import pytest

from deploy.standalone import _BROKER
from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery
from tests import neighbours

BROKERS = ["iotcore", pytest.param("mosquitto", marks=pytest.mark.needs("mosquitto"))]


class Inbox(list[bytes]):
    """What came in; acknowledged at once where it `acks`."""

    def __init__(self, *, acks: bool = True) -> None:
        super().__init__()
        self.acks = acks
        self.tokens: list[Delivery] = []
        self.broker: PahoBroker | None = None

    def take(self, delivery: Delivery) -> None:
        """The handler."""
        self.append(delivery.payload)
        self.tokens.append(delivery)
        if self.acks and self.broker is not None:
            self.broker.ack([delivery])


class Place:
    """One broker on one port, which can end and come again."""

    def __init__(self, kind: str, folder: Path) -> None:
        self.kind = kind
        self.port = neighbours.free_port()
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._folder = folder
        self._up = contextlib.ExitStack()
        self._clients: list[PahoBroker] = []
        self.start()

    def start(self) -> None:
        """Start it, with the sessions that it kept, if it keeps any."""
        if self.kind == "mosquitto":
            self._up.enter_context(neighbours.mosquitto(self.port, self._folder))
        else:
            broker = iotcore.Broker(self.port, "127.0.0.1", None, **_BROKER)
            broker.start()
            self._up.callback(broker.stop)

    def stop(self) -> None:
        """End it."""
        self._up.close()

    def client(
        self, name: str, inbox: "Inbox | None" = None, topic: str = "ecm/#", *, clean: bool = False, up: bool = True
    ) -> PahoBroker:
        """A client that is connected where the broker is `up`, and subscribed where it has an inbox."""
        client = PahoBroker(self.url, name, clean=clean)
        self._clients.append(client)
        if inbox is not None:
            inbox.broker = client
            client.start((topic,), inbox.take)
        else:
            client.start((), None)
        if not up:
            return client
        wait(lambda: client.connected)
        time.sleep(0.1)  # for the subscription
        return client

    def close(self) -> None:
        """End it and all its clients."""
        for client in self._clients:
            client.stop()
        self.stop()


def wait(condition: Callable[[], bool], seconds: float = 40.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.01)


def rest(seconds: float = 0.4) -> None:
    """Give what must not happen the time to happen."""
    time.sleep(seconds)


def cut(client: PahoBroker) -> None:
    """Cut the wire."""
    wire = client._wire.socket()
    assert isinstance(wire, socket.socket)
    wire.shutdown(socket.SHUT_RDWR)
    wait(lambda: not client.connected)


@contextlib.contextmanager
def running(kind: str, folder: Path) -> Iterator[Place]:
    """One of BROKERS, for a while."""
    folder.mkdir()
    place = Place(kind, folder)
    try:
        yield place
    finally:
        place.close()
