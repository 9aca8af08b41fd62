"""Any MQTT broker by paho-mqtt: persistent session, QoS 1, acknowledged by us and in order."""

import logging
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.broker.port import Delivery, Handler
from energy.errors import SetupError

_log = logging.getLogger(__name__)
_QUEUE = 2000  # messages handed over and not yet acknowledged by the broker
_KEEPALIVE_S = 20


class _Token(NamedTuple):
    connection: int
    mid: int
    qos: int


class PahoBroker:
    """A `Broker` on `mqtt://[user:password@]host:port`, spoken as MQTT 3.1.1, which every broker and gateway knows."""

    def __init__(self, url: str, client_id: str, *, clean: bool = False, will: tuple[str, bytes] | None = None) -> None:
        """`clean` drops the session at each connect; `will` is (topic, payload); SetupError for a bad `url`."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise SetupError(f"the broker's address must look like mqtt://host:1883, not {parts.scheme}://…")
        self._address = parts.hostname, parts.port or 1883
        self._topics: tuple[str, ...] = ()
        self._handler: Handler | None = None
        self._connection = 0
        self._up = threading.Event()
        self._client = Client(
            CallbackAPIVersion.VERSION2,
            client_id=client_id,
            clean_session=clean,
            protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )
        if parts.username:
            self._client.username_pw_set(parts.username, parts.password)
        if will is not None:
            self._client.will_set(will[0], will[1], qos=1)
        self._client.max_inflight_messages_set(200)
        self._client.max_queued_messages_set(_QUEUE)
        self._client.reconnect_delay_set(min_delay=1, max_delay=8)
        self._client.on_connect = self._on_connect
        self._client.on_disconnect = self._on_disconnect
        self._client.on_message = self._on_message

    def start(self, topics: tuple[str, ...], handler: Handler | None) -> None:
        """See `Broker.start`."""
        self._topics, self._handler = topics, handler
        self._client.connect_async(*self._address, keepalive=_KEEPALIVE_S)
        self._client.loop_start()

    def ack(self, deliveries: list[Delivery]) -> None:
        """See `Broker.ack`."""
        for delivery in deliveries:
            token = delivery.token
            if isinstance(token, _Token) and token.connection == self._connection:
                self._client.ack(token.mid, token.qos)

    def publish(self, topic: str, payload: bytes) -> bool:
        """See `Broker.publish`."""
        return self._client.publish(topic, payload, qos=1).rc in (
            MQTTErrorCode.MQTT_ERR_SUCCESS,
            MQTTErrorCode.MQTT_ERR_NO_CONN,
        )

    @property
    def connected(self) -> bool:
        """See `Broker.connected`."""
        return self._up.is_set()

    def stop(self) -> None:
        """See `Broker.stop`."""
        self._client.disconnect()
        self._client.loop_stop()
        self._up.clear()

    def cut(self) -> None:
        """See `Broker.cut`."""
        sock = self._client.socket()
        if sock is not None:
            self._client.loop_stop()
            sock.close()
        self._up.clear()

    def _on_connect(self, _c: Client, _u: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            _log.warning("broker %s:%s refuses: %s", *self._address, code)
            return
        self._connection += 1
        if self._topics:
            self._client.subscribe([(topic, 1) for topic in self._topics])
        self._up.set()

    def _on_disconnect(
        self, _c: Client, _u: object, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        self._up.clear()
        self._connection += 1  # what it delivered must not be acknowledged on the next one
        if code.is_failure:
            _log.warning("broker %s:%s is gone: %s", *self._address, code)

    def _on_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        if self._handler is not None:
            token = _Token(self._connection, message.mid, message.qos)
            self._handler(Delivery(message.topic, bytes(message.payload), time.time_ns() // 1_000_000, token))
