"""Any MQTT broker by paho-mqtt: persistent session, QoS 1, acknowledged by us and in order."""

import logging
import random
import threading
import time
from typing import NamedTuple

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.broker.address import Access, address_of
from energy.broker.back_off import BackOff
from energy.broker.port import Delivery, Handler
from energy.broker.wire import Wire
from energy.errors import InputError

_log = logging.getLogger(__name__)
_QUEUE = 2000  # messages handed over and not yet acknowledged by the broker
_OUT_IN_FLIGHT = 200
_CONNECT_S = 5.0
_REFUSED_S = 60.0  # who is refused asks so seldom: it takes a person to mend it
_CALM_S = 5.0  # a connection that lasted so long was a good one
_GOODBYE_S = 3.0
_SESSION_S = 30 * 86_400
_MOST_BYTES = 4 << 20
_MOST_OVERHEAD = 16  # bytes of a PUBLISH beside topic and payload
_WRONG_VERSION, _UNAVAILABLE, _BUSY = 132, 136, 137  # of MQTT 5; paho gives the older codes as these


class _Token(NamedTuple):
    connection: int
    packet_id: int


class PahoBroker:
    """A `Broker` on `mqtt://` or `mqtts://[user:password@]host[:port]`: MQTT 5, and 3.1.1 where that is not known."""

    def __init__(
        self,
        url: str,
        client_id: str,
        *,
        clean: bool = False,
        will: tuple[str, bytes] | None = None,
        access: Access | None = None,
        in_flight: int = 1000,
        keepalive_s: int = 20,
        session_s: int = _SESSION_S,
        most_bytes: int = _MOST_BYTES,
    ) -> None:
        """`clean` drops the session at each connect; `will` is (topic, payload).

        SetupError for an address that is none and for files of `access` that cannot be used.
        A broker of MQTT 5 has at most `in_flight` messages unacknowledged by us, keeps the session for `session_s`
        while we are away, and sends no message above `most_bytes`; one of 3.1.1 does these as it is set up.
        """
        self._address = address_of(url, access or Access())
        self._clean, self._keepalive_s = clean, keepalive_s
        self._topics: tuple[str, ...] = ()
        self._leave: tuple[str, ...] = ()
        self._handler: Handler | None = None
        self._connection = 0
        self._change = threading.Lock()  # of the connection, so that no acknowledgement strays to the next one
        self._sessions = 0
        self._up, self._ending = threading.Event(), threading.Event()
        self._abrupt = False
        self._thread: threading.Thread | None = None
        self._back_off = BackOff(random.Random())  # noqa: S311
        self._answer: ReasonCode | None = None  # to the newest attempt
        self._trouble = ""
        self._most_out: int | None = None
        wish = self._wish = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        wish.SessionExpiryInterval = 0 if clean else session_s
        wish.ReceiveMaximum = in_flight
        wish.MaximumPacketSize = most_bytes
        self._wire = self._make_wire(client_id, will)

    def _make_wire(self, client_id: str, will: tuple[str, bytes] | None) -> Wire:
        wire = Wire(client_id, clean=self._clean, take=self._take)
        if self._address.user is not None:
            wire.username_pw_set(self._address.user, self._address.password)
        if self._address.tls is not None:
            wire.tls_set_context(self._address.tls)
        if will is not None:
            wire.will_set(will[0], will[1], qos=1)
        wire.connect_timeout = _CONNECT_S
        wire.max_inflight_messages_set(_OUT_IN_FLIGHT)
        wire.max_queued_messages_set(_QUEUE)
        wire.on_connect = self._on_connect
        wire.on_disconnect = self._on_disconnect
        wire.on_subscribe = self._on_subscribe
        wire.on_publish = self._on_publish
        return wire

    def start(self, topics: tuple[str, ...], handler: Handler | None, leave: tuple[str, ...] = ()) -> None:
        """See `Broker.start`."""
        self._topics, self._handler, self._leave = topics, handler, leave
        self._ending.clear()
        self._abrupt = False
        self._wire.speak(MQTTProtocolVersion.MQTTv5)
        self._wire.connect_async(
            self._address.host, self._address.port, self._keepalive_s, clean_start=self._clean, properties=self._wish
        )
        self._thread = threading.Thread(target=self._run, name="mqtt", daemon=True)
        self._thread.start()

    def ack(self, deliveries: list[Delivery]) -> None:
        """See `Broker.ack`."""
        tokens = [delivery.token for delivery in deliveries]
        with self._change:
            ids = [
                token.packet_id
                for token in tokens
                if isinstance(token, _Token) and token.connection == self._connection and token.packet_id
            ]
            if ids:
                self._wire.acknowledge(ids)

    def publish(self, topic: str, payload: bytes) -> bool:
        """See `Broker.publish`."""
        size = len(topic.encode()) + len(payload) + _MOST_OVERHEAD
        if self._most_out is not None and size > self._most_out:
            raise InputError("too_large", f"broker {self._address} takes no message of {size} bytes")
        return self._wire.publish(topic, payload, qos=1).rc in (
            MQTTErrorCode.MQTT_ERR_SUCCESS,
            MQTTErrorCode.MQTT_ERR_NO_CONN,
        )

    @property
    def connected(self) -> bool:
        """See `Broker.connected`."""
        return self._up.is_set()

    @property
    def trouble(self) -> str:
        """See `Broker.trouble`."""
        return self._trouble

    @property
    def version(self) -> str:
        """The MQTT version of the connection, or of the last attempt: "5" or "3.1.1"."""
        return "5" if self._wire.protocol == MQTTProtocolVersion.MQTTv5 else "3.1.1"

    def stop(self) -> None:
        """See `Broker.stop`."""
        self._ending.set()
        self._wire.wake()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
            self._thread = None
        self._up.clear()

    def cut(self) -> None:
        """See `Broker.cut`."""
        self._abrupt = True
        self.stop()

    def _run(self) -> None:
        """Connect, serve, and connect again, until `stop`."""
        while not self._ending.is_set():
            said = self._try(MQTTProtocolVersion.MQTTv5)
            answer = self._answer
            if not self._ending.is_set() and not said and (answer is None or answer.value == _WRONG_VERSION):
                # Brokers that know 3.1.1 only may close the connection without a word.
                said = self._try(MQTTProtocolVersion.MQTTv311)
                answer = self._answer
            if answer is None and not said and not self._ending.is_set():
                why = self._wire.failure or "no word"
                self._say(f"broker {self._address} hangs up before it has let us in: {why}")
            refused = answer is not None and answer.is_failure and answer.value not in (_UNAVAILABLE, _BUSY)
            self._ending.wait(self._back_off.long_wait(_REFUSED_S) if refused else self._back_off.wait())

    def _try(self, version: MQTTProtocolVersion) -> bool:
        """One connection, from its beginning to its end; whether it has said what went wrong."""
        self._answer = None
        self._wire.speak(version)
        began = time.monotonic()
        said = False
        try:
            self._wire.reconnect()
            self._serve()
        except (OSError, ValueError) as error:
            said = True
            self._say(f"broker {self._address} does not answer: {error}")
        except Exception as error:  # noqa: BLE001  a handler's: what it did not take comes again
            said = True
            _log.exception("a message's handler failed; connecting anew")
            self._say(f"the handler of broker {self._address} failed: {error}")
        self._gone()
        self._wire.shut()
        if self._answer is not None and time.monotonic() - began > _CALM_S:
            self._back_off.reset()
        return said

    def _serve(self) -> None:
        """Serve the connection until it ends; at `stop` say goodbye first, at `cut` do not."""
        until = None
        result = MQTTErrorCode.MQTT_ERR_SUCCESS
        while result == MQTTErrorCode.MQTT_ERR_SUCCESS and self._wire.socket() is not None:
            if self._ending.is_set() and until is None:
                if self._abrupt:
                    return
                until = time.monotonic() + _GOODBYE_S
                self._wire.disconnect()
            if until is not None and time.monotonic() > until:
                return
            result = self._wire.loop(1.0)

    def _gone(self) -> None:
        self._up.clear()
        with self._change:
            self._connection += 1  # what it delivered must not be acknowledged on the next one

    def _say(self, trouble: str) -> None:
        """Keep it for `trouble`, and log it when it is new."""
        if trouble != self._trouble and trouble:
            _log.warning("%s", trouble)
        self._trouble = trouble

    def _on_connect(
        self, _c: Client, _u: object, flags: ConnectFlags, code: ReasonCode, told: Properties | None
    ) -> None:
        self._answer = code
        if code.is_failure:
            if code.value != _WRONG_VERSION or self.version != "5":
                self._say(f"broker {self._address} refuses us: {code}")
            return
        self._connection += 1
        self._say("")
        if self._sessions and not self._clean and not flags.session_present:
            _log.warning("broker %s has lost our session: what it held of it is gone", self._address)
        self._sessions += 1
        self._most_out = getattr(told, "MaximumPacketSize", None)
        self._wire.limit(min(_OUT_IN_FLIGHT, getattr(told, "ReceiveMaximum", _OUT_IN_FLIGHT)))
        if self._topics:
            self._wire.subscribe([(topic, 1) for topic in self._topics])
        if self._leave:  # after the subscriptions: what comes between would be nobody's
            self._wire.unsubscribe(list(self._leave))
        self._up.set()

    def _on_disconnect(
        self, _c: Client, _u: object, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        self._gone()
        if self._ending.is_set() or self._answer is None or self._answer.is_failure:
            return
        self._say(f"broker {self._address} is gone: {code}")

    def _on_subscribe(self, _c: Client, _u: object, _id: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        refused = [topic for topic, code in zip(self._topics, codes, strict=False) if code.is_failure]
        if refused:
            self._say(f"broker {self._address} refuses the subscription to {', '.join(refused)}")

    def _on_publish(self, _c: Client, _u: object, _id: int, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self._say(f"broker {self._address} refuses what we publish: {code}")

    def _take(self, topic: str, payload: bytes, packet_id: int, _qos: int) -> None:
        if self._handler is not None:
            token = _Token(self._connection, packet_id)
            self._handler(Delivery(topic, payload, time.time_ns() // 1_000_000, token))
