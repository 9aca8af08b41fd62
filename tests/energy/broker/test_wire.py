"""The reader of our own: whole packets from any blocks, and nothing from what is no packet."""

import socket
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion

from energy.broker.wire import Wire

CONNACK = {MQTTProtocolVersion.MQTTv311: b"\x20\x02\x00\x00", MQTTProtocolVersion.MQTTv5: b"\x20\x03\x00\x00\x00"}
VERSIONS = list(CONNACK)
Taken = list[tuple[str, bytes, int, int]]


class Line:
    """A wire whose other end is ours."""

    def __init__(self, version: MQTTProtocolVersion) -> None:
        self.taken: Taken = []
        self.version = version
        self._server = socket.create_server(("127.0.0.1", 0))
        self.wire = Wire("w", clean=True, take=lambda *message: self.taken.append(message))
        self.wire.speak(version)
        self.wire.connect_async(*self._server.getsockname())
        self.wire.reconnect()
        self.peer, _ = self._server.accept()
        self.say(CONNACK[version])

    def say(self, data: bytes) -> MQTTErrorCode:
        self.peer.sendall(data)
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        for _ in range(3):
            result = result or self.wire.loop(0.01)
        return result

    def heard(self, count: int) -> bytes:
        """Exactly `count` bytes of what the wire wrote."""
        self.wire.loop(0.01)
        self.peer.settimeout(5)
        data = b""
        while len(data) < count:
            data += self.peer.recv(count - len(data))
        return data

    def close(self) -> None:
        self.wire.shut()
        self.peer.close()
        self._server.close()


@pytest.fixture
def line_of() -> Iterator[Callable[[MQTTProtocolVersion], Line]]:
    made: list[Line] = []

    def make(version: MQTTProtocolVersion) -> Line:
        made.append(Line(version))
        return made[-1]

    yield make
    for one in made:
        one.close()


def packet(version: MQTTProtocolVersion, topic: str, payload: bytes, packet_id: int, more: bytes = b"") -> bytes:
    """A PUBLISH, at QoS 1 where it has a packet id; `more` are properties of MQTT 5."""
    name = topic.encode()
    body = len(name).to_bytes(2, "big") + name + (packet_id.to_bytes(2, "big") if packet_id else b"")
    if version == MQTTProtocolVersion.MQTTv5:
        body += bytes([len(more)]) + more
    body += payload
    length, out = len(body), b""
    while True:
        length, digit = divmod(length, 128)
        out += bytes([digit | (0x80 if length else 0)])
        if not length:
            return bytes([0x32 if packet_id else 0x30]) + out + body


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("block", [1, 2, 7, 1000, 1 << 20])
def test_packets_are_whole_however_they_come(
    line_of: Callable[[MQTTProtocolVersion], Line], version: MQTTProtocolVersion, block: int
) -> None:
    line = line_of(version)
    sizes = [0, 1, 100, 127, 128, 300] if block < 7 else [0, 1, 127, 128, 16_500, 70_000]
    sent: Taken = [(f"ecm/钢/{size}", bytes(size), place + 1, 1) for place, size in enumerate(sizes)]
    sent.append(("ecm/x", b"at QoS 0", 0, 0))
    # A property of MQTT 5: the message's expiry, 60 s.
    data = b"".join(
        packet(version, topic, payload, number, b"\x02\x00\x00\x00\x3c") for topic, payload, number, _ in sent
    )
    if version == MQTTProtocolVersion.MQTTv311:
        data = b"".join(packet(version, topic, payload, number) for topic, payload, number, _ in sent)
    for begin in range(0, len(data), block):
        line.peer.sendall(data[begin : begin + block])
        line.wire.loop(0.01)
    for _ in range(20):
        line.wire.loop(0.01)
    assert line.taken == sent


@pytest.mark.parametrize("version", VERSIONS)
def test_acknowledgements_leave_in_one_piece_and_in_order(
    line_of: Callable[[MQTTProtocolVersion], Line], version: MQTTProtocolVersion
) -> None:
    line = line_of(version)
    line.wire.loop(0.01)
    line.peer.settimeout(5)
    line.peer.recv(4096)  # its CONNECT
    line.wire.acknowledge([1, 2, 65535])
    assert line.heard(12) == b"\x40\x02\x00\x01\x40\x02\x00\x02\x40\x02\xff\xff"


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=40, deadline=None)
@given(data=st.binary(max_size=60))
def test_no_bytes_do_more_than_end_the_connection(version: MQTTProtocolVersion, data: bytes) -> None:
    line = Line(version)
    try:
        line.say(data)
        line.peer.close()
        for _ in range(3):
            line.wire.loop(0.01)
        assert line.wire.socket() is None
    finally:
        line.close()


def test_a_length_of_five_bytes_ends_the_connection(line_of: Callable[[MQTTProtocolVersion], Line]) -> None:
    line = line_of(MQTTProtocolVersion.MQTTv311)
    assert line.say(b"\x30\xff\xff\xff\xff\x01") != MQTTErrorCode.MQTT_ERR_SUCCESS
    assert line.wire.socket() is None


def test_no_more_goes_out_than_the_broker_takes_and_the_rest_follows() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        wire = Wire("w", clean=True, take=lambda *_: None)
        wire.speak(MQTTProtocolVersion.MQTTv5)
        wire.max_inflight_messages_set(200)
        wire.on_connect = lambda *_: wire.limit(10)
        wire.connect_async(*server.getsockname())
        for n in range(30):
            wire.publish("t", b"%02d" % n, qos=1)
        wire.reconnect()
        peer, _ = server.accept()
        peer.settimeout(5)
        wire.loop(0.01)
        peer.recv(4096)  # its CONNECT
        peer.sendall(CONNACK[MQTTProtocolVersion.MQTTv5])
        got = taken(wire, peer)
        assert len(got) == 10
        begin = 0
        while len(got) > begin:
            assert len(got) - begin <= 10
            step = got[begin : begin + 3]
            for one in step:
                peer.sendall(b"\x40\x02" + one[5:7])
            begin += len(step)
            got += taken(wire, peer)
        assert [one[-2:] for one in got] == [b"%02d" % n for n in range(30)]
        wire.shut()
        peer.close()


def taken(wire: Wire, peer: socket.socket) -> list[bytes]:
    """The messages of two signs that the wire has written, each a PUBLISH of ten bytes."""
    data = b""
    peer.setblocking(False)
    for _ in range(10):
        wire.loop(0.01)
        with suppress(BlockingIOError):
            data += peer.recv(4096)
    peer.setblocking(True)
    return [data[at : at + 10] for at in range(0, len(data), 10)]
