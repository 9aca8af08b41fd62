"""paho's client with a reader of our own: whole blocks from the socket, acknowledgements in one piece.

paho reads each packet in four calls of the system and writes an acknowledgement in three, most of what it costs.
Everything else, from connecting to sending again, is paho's.
"""

import socket
import ssl
import struct
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from itertools import islice

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MessageState, MessageType, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.exception import MalformedPacket

Take = Callable[[str, bytes, int, int], None]  # topic, payload, packet id (0 at QoS 0), QoS

_BLOCK = 1 << 16
_PUBLISH = int(MessageType.PUBLISH)


class Wire(Client):
    """A client that one thread drives by `loop`; `acknowledge`, `publish` and `wake` may be called from any."""

    def __init__(self, client_id: str, *, clean: bool, take: Take) -> None:
        """`take` is called for each message, on the thread of `loop`; it must be acknowledged with its packet id."""
        super().__init__(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        self._take = take
        self._buffer = bytearray()
        self.failure = ""  # why the newest connection could not be read, where it said why
        # With it paho leaves all writing to the thread of `loop`; two that write would mix their packets.
        self.on_socket_register_write = lambda *_: None

    def speak(self, version: MQTTProtocolVersion) -> None:
        """Speak this version from the next connection on."""
        self._protocol = version

    def acknowledge(self, packet_ids: Sequence[int]) -> None:
        """Acknowledge QoS 1 messages in this order."""
        acks = b"".join([struct.pack("!BBH", MessageType.PUBACK, 2, packet_id) for packet_id in packet_ids])
        self._packet_queue(MessageType.PUBACK, acks, packet_ids[-1], 1)

    def limit(self, in_flight: int) -> None:
        """Have no more than so many of our messages unacknowledged; to be called in `on_connect`, before they go."""
        self._max_inflight_messages = in_flight
        with self._out_message_mutex:
            for message in islice(self._out_messages.values(), in_flight, None):
                message.state = MessageState.MQTT_MS_QUEUED

    def wake(self) -> None:
        """Let `loop` return soon."""
        if self._sockpairW is not None:
            with suppress(OSError):  # it is full, and so wakes already
                self._sockpairW.send(b"\0")

    def shut(self) -> None:
        """Close the connection without goodbye."""
        self._sock_close()

    def reconnect(self) -> MQTTErrorCode:
        """See paho."""
        self._buffer.clear()
        self.failure = ""
        return super().reconnect()

    def _ssl_wrap_socket(self, tcp_sock: socket.socket) -> ssl.SSLSocket:
        """See paho, which leaves the socket open when the other side is not believed."""
        if self._ssl_context is None:
            raise ValueError("no TLS was set up")
        wrapped = self._ssl_context.wrap_socket(tcp_sock, server_hostname=self._host, do_handshake_on_connect=False)
        try:
            wrapped.settimeout(self.connect_timeout)
            wrapped.do_handshake()
        except BaseException:
            wrapped.close()
            raise
        return wrapped

    def loop_read(self, max_packets: int = 1) -> MQTTErrorCode:  # noqa: ARG002
        """Read what is there, and handle every whole packet of it."""
        try:
            block = self._sock_recv(_BLOCK)
        except BlockingIOError:
            return MQTTErrorCode.MQTT_ERR_SUCCESS
        except OSError as error:
            self.failure = str(error)
            block = b""
        if not block:
            return self._loop_rc_handle(MQTTErrorCode.MQTT_ERR_CONN_LOST)
        self._last_bytes_received = time.monotonic()
        self._buffer += block
        try:
            result = self._handle_packets()
        except (IndexError, ValueError, struct.error):
            result = MQTTErrorCode.MQTT_ERR_PROTOCOL
        return self._loop_rc_handle(result) if result else result

    def _handle_packets(self) -> MQTTErrorCode:
        buffer, begin, end = self._buffer, 0, len(self._buffer)
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while end - begin >= 2 and not result and self._sock is not None:
            length, body = _number(buffer, begin + 1)
            if body == 0 or end - body < length:
                break
            if buffer[begin] & 0xF0 == _PUBLISH:
                self._message(buffer[begin], body, body + length)
            else:
                result = self._other(buffer[begin], buffer[body : body + length])
            begin = body + length
        del buffer[:begin]
        return result

    def _message(self, command: int, at: int, end: int) -> None:
        """A PUBLISH whose body is buffer[at:end] → `take`."""
        buffer, qos, packet_id = self._buffer, (command >> 1) & 3, 0
        topic_end = at + 2 + (buffer[at] << 8 | buffer[at + 1])
        topic = buffer[at + 2 : topic_end].decode(errors="replace")
        begin = topic_end
        if qos:
            packet_id = buffer[begin] << 8 | buffer[begin + 1]
            begin += 2
        if self._protocol == MQTTProtocolVersion.MQTTv5:
            length, begin = _number(buffer, begin)
            begin += length
        self._take(topic, bytes(memoryview(buffer)[begin:end]), packet_id, qos)

    def _other(self, command: int, body: bytearray) -> MQTTErrorCode:
        """Any other packet, by paho."""
        self._in_packet = {
            "command": command,
            "have_remaining": 1,
            "remaining_count": [],
            "remaining_mult": 1,
            "remaining_length": len(body),
            "packet": body,
            "to_process": 0,
            "pos": 0,
        }
        try:
            return self._packet_handle()
        except MalformedPacket:
            return MQTTErrorCode.MQTT_ERR_PROTOCOL


def _number(buffer: bytearray, at: int) -> tuple[int, int]:
    """The protocol's variable-length number at `at`, and where it ends; (0, 0) where it is not there as a whole.

    ValueError for one of more than four bytes.
    """
    value = 0
    for place in range(4):
        if at + place >= len(buffer):
            return 0, 0
        byte = buffer[at + place]
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at + place + 1
    raise ValueError("a length of more than four bytes")
