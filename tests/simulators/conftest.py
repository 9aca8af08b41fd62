"""A real broker on a free port, and a peer that takes messages and gives receipts as the system does."""

import json
import socket
import threading
import time
from collections.abc import Callable, Iterator
from typing import Any

import iotcore
import pytest

from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery


class Place:
    """One broker that can be stopped and started again on its port."""

    def __init__(self) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = int(free.getsockname()[1])
        self.url = f"mqtt://127.0.0.1:{self.port}"
        self._broker: Any = None
        self.start()

    def start(self) -> None:
        self._broker = iotcore.Broker(port=self.port, listen="127.0.0.1", max_payload_size=1_048_576)
        self._broker.start()

    def stop(self) -> None:
        self._broker.stop()


class Peer:
    """Keeps every telemetry message; gives receipts of the highest contiguous number while `generous`."""

    def __init__(self, url: str) -> None:
        self.messages: list[dict[str, Any]] = []
        self.generous = True
        self._seen: dict[str, set[int]] = {}
        self._lock = threading.Lock()
        self._broker = PahoBroker(url, "peer", clean=True)
        self._broker.start(("ecm/v1/+/+/telemetry",), self._take)
        wait_for(lambda: self._broker.connected)
        time.sleep(0.2)

    def _take(self, delivery: Delivery) -> None:
        self._broker.ack([delivery])
        message = json.loads(delivery.payload)
        with self._lock:
            self.messages.append({"topic": delivery.topic, **message})
            seen = self._seen.setdefault(message["boot"], set())
            seen.add(message["seq"])
            contiguous = next(n for n in range(len(seen) + 1) if n + 1 not in seen)
        if self.generous and contiguous:
            receipt = json.dumps({"boot": message["boot"], "seq": contiguous}).encode()
            self._broker.publish(delivery.topic.removesuffix("telemetry") + "receipt", receipt)

    def say(self, topic: str, payload: bytes) -> None:
        self._broker.publish(topic, payload)

    def readings(self, site: str) -> dict[tuple[str, int], dict[str, Any]]:
        """(meter, time) → values; the same place must always have the same values."""
        out: dict[tuple[str, int], dict[str, Any]] = {}
        with self._lock:
            messages = list(self.messages)
        for message in messages:
            if message["topic"].split("/")[2] == site:
                for row in message["readings"]:
                    values = {key: value for key, value in row.items() if key not in ("meter", "ts")}
                    assert out.setdefault((row["meter"], row["ts"]), values) == values
        return out

    def stop(self) -> None:
        self._broker.stop()


def wait_for(condition: Callable[[], bool], seconds: float = 15.0) -> None:
    until = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < until, "waited in vain"
        time.sleep(0.02)


@pytest.fixture
def place() -> Iterator[Place]:
    broker = Place()
    yield broker
    broker.stop()


@pytest.fixture
def peer(place: Place) -> Iterator[Peer]:
    one = Peer(place.url)
    yield one
    one.stop()


@pytest.fixture(name="wait_for")
def _wait_for() -> Callable[..., None]:
    return wait_for
