"""A plain MQTT 3.1.1 client for the doctor: what the broker does by itself shows, not what a client asks it for."""

import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from paho.mqtt.client import Client, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode

from energy.broker.address import Address

PATIENCE_S = 5.0
_QUIET_S = 0.7  # nothing more comes after such a pause


class Probe:
    """One connection; `got` is what came, `refused` why the broker did not take it."""

    def __init__(self, address: Address, *, client_id: str = "", clean: bool = True, acks: bool = True) -> None:
        """Nothing is sent yet; without `acks` no message that comes is ever acknowledged."""
        self.got: list[tuple[str, bytes]] = []
        self.refused = ""
        self._acks, self._address = acks, address
        self._changed = threading.Condition()
        self._up = self._subscribed = False
        self._answered = 0
        self._client = Client(
            CallbackAPIVersion.VERSION2, client_id or f"doctor-{secrets.token_hex(8)}", clean, manual_ack=True
        )
        if address.user is not None:
            self._client.username_pw_set(address.user, address.password)
        if address.tls is not None:
            self._client.tls_set_context(address.tls)
        self._client.connect_timeout = PATIENCE_S
        self._client.max_queued_messages_set(0)
        self._client.on_connect = lambda _c, _u, _f, code, _p: self._connected(str(code) if code.is_failure else "")
        self._client.on_subscribe = lambda *_: self._note(lambda: setattr(self, "_subscribed", True))
        self._client.on_publish = lambda *_: self._note(self._count_answer)
        self._client.on_message = lambda _c, _u, message: self._took(message)

    def open(self) -> bool:
        """Whether the broker takes the connection; OSError when there is none."""
        self._client.connect(self._address.host, self._address.port, keepalive=30)
        self._client.loop_start()
        self._wait(lambda: self._up or bool(self.refused))
        return self._up

    def subscribe(self, topic: str) -> None:
        """At QoS 1, until the broker has answered."""
        self._subscribed = False
        self._client.subscribe(topic, 1)
        self._wait(lambda: self._subscribed)

    def publish(self, topic: str, payloads: list[bytes]) -> bool:
        """At QoS 1; whether the broker has acknowledged them all."""
        wanted = self._answered + len(payloads)
        for payload in payloads:
            if self._client.publish(topic, payload, 1).rc != MQTTErrorCode.MQTT_ERR_SUCCESS:
                return False
        return self._wait(lambda: self._answered >= wanted)

    def settle(self, enough: int) -> int:
        """How many messages are there when so many are, or no more come."""
        until = time.monotonic() + PATIENCE_S
        with self._changed:
            while len(self.got) < enough and time.monotonic() < until:
                if not self._changed.wait(_QUIET_S):
                    break
            return len(self.got)

    def close(self) -> None:
        """Good-bye."""
        self._client.disconnect()
        self._client.loop_stop()

    def _connected(self, refused: str) -> None:
        def note() -> None:
            self.refused, self._up = refused, not refused

        self._note(note)

    def _count_answer(self) -> None:
        self._answered += 1

    def _took(self, message: MQTTMessage) -> None:
        self._note(lambda: self.got.append((message.topic, bytes(message.payload))))
        if self._acks:
            self._client.ack(message.mid, message.qos)

    def _note(self, change: Callable[[], None]) -> None:
        with self._changed:
            change()
            self._changed.notify_all()

    def _wait(self, condition: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(condition, PATIENCE_S)


@contextmanager
def opened(address: Address, *, client_id: str = "", clean: bool = True, acks: bool = True) -> Iterator[Probe]:
    """A probe that is connected if the broker takes it; OSError when there is no broker."""
    probe = Probe(address, client_id=client_id, clean=clean, acks=acks)
    try:
        probe.open()
        yield probe
    finally:
        probe.close()
