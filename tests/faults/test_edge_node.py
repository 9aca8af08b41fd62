"""A Sparkplug edge node over a real broker into the real ingest process: values land, gaps end in a rebirth."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from energy.books import tables as t
from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery
from ingest.decode import sparkplug_payload
from tests.contract.brokers import BROKERS, Place, rest, running, wait
from tests.faults.test_ingest_faults import ingest, is_up, publish, records
from tests.ingest.edge import EDGE, EdgeNode, Sent, topic
from tests.ingest.ground import NOW, Ground


@pytest.fixture(params=BROKERS)
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Place]:
    with running(request.param, tmp_path / "broker") as one:
        yield one


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Ground]:
    """The data directory, with m-1 registered."""
    ground = Ground(tmp_path, "m-1")
    yield ground
    ground.close()


class Running:
    """An edge node with a connection and a will; it answers requests for its births with its newest values."""

    def __init__(self, url: str, bd_seq: int) -> None:
        self.node, self.time, self.asked = EdgeNode(bd_seq), NOW, 0
        self._lock = threading.Lock()
        self.client = PahoBroker(url, f"edge-{bd_seq}", clean=True, will=self.node.death())
        self.client.start((topic("NCMD"),), self._command)
        wait(lambda: self.client.connected)
        rest(0.1)  # for the subscription

    def values(self) -> dict[str, float]:
        """Of the newest time."""
        return {"p_kw": 400.0 + self.time - NOW, "e_kwh": 10_000.0 + self.time - NOW}

    def births(self) -> None:
        with self._lock:
            self._send(*self.node.births(self._tick(), self.values()))

    def data(self, *, lost: bool = False) -> int:
        """Publish the next values, unless the line loses them; their time."""
        with self._lock:
            sent = self.node.data(self._tick(), self.values())
            if not lost:
                self._send(sent)
            return self.time

    def _tick(self) -> int:
        self.time += 1
        return self.time

    def _send(self, *sent: Sent) -> None:
        for where, payload in sent:
            publish(self.client, where, payload)

    def _command(self, delivery: Delivery) -> None:
        (asked,) = sparkplug_payload.read(delivery.payload).metrics
        assert (asked.name, asked.value) == ("Node Control/Rebirth", True)
        self.asked += 1
        self.client.ack([delivery])
        self.births()


def test_an_edge_node_from_birth_to_death(place: Ground, broker: Place) -> None:
    with ingest(place.folder, broker.url):
        wait(lambda: is_up(place))
        edge = Running(broker.url, 0)
        edge.births()
        landed = [NOW + 1, edge.data(), edge.data()]
        wait(lambda: place.stored().keys() == set(landed))

    with ingest(place.folder, broker.url):  # the births are known to the books alone
        wait(lambda: is_up(place))
        landed.append(edge.data())
        wait(lambda: place.stored().keys() == set(landed))
        assert edge.asked == 0
        edge.data(lost=True)
        refused = edge.data()  # by alias, which means nothing now
        wait(lambda: edge.asked == 1)
        landed.append(refused + 1)
        wait(lambda: place.stored().keys() == set(landed))
        landed.append(edge.data())
        wait(lambda: place.stored().keys() == set(landed))
        rest()
        assert edge.asked == 1
        edge.client.cut()
        wait(lambda: [row["alive"] for row in place.rows(t.edge)] == [False])

    values = {"p_kw": 400.0, "e_kwh": 10_000.0}
    assert place.stored() == {time: {key: value + time - NOW for key, value in values.items()} for time in landed}
    assert place.ledger() == {"messages": 10, "received": 14, "landed": 12, "refused": 2}
    boots = {row["boot"]: row["seen"] for row in place.rows(t.gateway) if row["gateway"] == EDGE}
    assert boots == {f"bd0-{NOW + 1}": [[1, 5], [7, 7]], f"bd0-{NOW + 7}": [[1, 3]]}
    assert not any("CMD" in record.topic for record in records(place)), "what hosts say is no input"


def test_one_that_was_born_before_ingest_came_is_asked(place: Ground, broker: Place) -> None:
    edge = Running(broker.url, 3)
    edge.births()
    with ingest(place.folder, broker.url, topics=()):
        wait(lambda: is_up(place))
        edge.data()
        wait(lambda: edge.asked == 1)
        wait(lambda: place.stored().keys() == {edge.time})
    edge.client.stop()
