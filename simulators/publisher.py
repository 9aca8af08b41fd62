"""Publishes at QoS 1 over several MQTT sessions served by one thread, and knows what was acknowledged, and how soon."""

import selectors
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags
from paho.mqtt.enums import CallbackAPIVersion, MQTTErrorCode, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.errors import OutsideError, SetupError
from simulators.latency import Latency

if TYPE_CHECKING:
    from paho.mqtt.client import SocketLike  # which is there for types only

_KEEPALIVE_S = 20
_CONNECT_S = 2.0
_TEND_EVERY = 0.25  # s between looks at keep-alive and lost connections
_RETRY_EVERY = 1.0


class Line:
    """One session of its own; at most `window` messages are out unacknowledged, and are sent again when it breaks."""

    def __init__(self, url: str, name: str, window: int, selector: selectors.BaseSelector) -> None:
        """Nothing is opened until `connect`; SetupError for a bad `url`."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise SetupError(f"the broker's address must look like mqtt://host:1883, not {parts.scheme}://…")
        self._address, self._window, self._selector = (parts.hostname, parts.port or 1883), window, selector
        self._due = 0.0
        self._out: dict[int, float] = {}  # message id → when it was handed over
        self.up = False
        self.refusal = ""
        self.sent = self.acknowledged = self.resent = self.breaks = 0
        self.latency = Latency()
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=True, protocol=MQTTProtocolVersion.MQTTv311
        )
        if parts.username:
            client.username_pw_set(parts.username, parts.password)
        client.connect_timeout = _CONNECT_S
        client.max_inflight_messages_set(window)
        client.on_connect, client.on_disconnect, client.on_publish = self._on_connect, self._on_disconnect, self._on_ack
        client.on_socket_open = lambda _c, _u, wire: self._watch(wire, selectors.EVENT_READ)
        client.on_socket_close = lambda _c, _u, wire: self._forget(wire)
        client.on_socket_register_write = lambda _c, _u, wire: self._watch(
            wire, selectors.EVENT_READ | selectors.EVENT_WRITE
        )
        client.on_socket_unregister_write = lambda _c, _u, wire: self._watch(wire, selectors.EVENT_READ)

    @property
    def unacknowledged(self) -> int:
        """How many messages the broker has not acknowledged."""
        return len(self._out)

    @property
    def room(self) -> int:
        """How many messages can be handed over now; 0 without a connection."""
        return self._window - len(self._out) if self.up else 0

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> None:
        """Hand over one message; only while there is `room`."""
        handed = time.perf_counter()
        info = self._client.publish(topic, payload, qos=1, retain=retain)
        self._out[info.mid] = handed
        self.sent += 1

    def serve(self, events: int) -> None:
        """Read and write what its wire is ready for."""
        if events & selectors.EVENT_READ:
            self._client.loop_read()
        if events & selectors.EVENT_WRITE and self._client.want_write():
            self._client.loop_write()

    def tend(self, now: float) -> None:
        """Keep the connection alive, or make it; `now` from time.monotonic."""
        if self._client.socket() is not None:
            self._client.loop_misc()
        elif now >= self._due:
            self._due = now + _RETRY_EVERY
            try:
                self._client.connect(*self._address, keepalive=_KEEPALIVE_S)
            except OSError as error:
                self.refusal = str(error)

    def close(self) -> None:
        """Disconnect; what is unacknowledged is lost with this object."""
        self._due = float("inf")
        if self._client.disconnect() == MQTTErrorCode.MQTT_ERR_SUCCESS and self._client.socket() is not None:
            self._client.loop_write()
        if (wire := self._client.socket()) is not None:
            self._forget(wire)
            wire.close()

    def _watch(self, wire: "SocketLike", events: int) -> None:
        if wire.fileno() < 0:
            return
        try:
            self._selector.modify(wire, events, self)
        except KeyError:
            self._selector.register(wire, events, self)

    def _forget(self, wire: "SocketLike") -> None:
        try:
            self._selector.unregister(wire)
        except (KeyError, ValueError):
            return  # it was never watched, or is forgotten already

    def _on_connect(self, _c: Client, _u: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self.refusal = f"the broker refuses: {code}"
            return
        self.refusal = ""
        self.up = True
        self.resent += len(self._out)  # the client sends again all that it has

    def _on_disconnect(
        self, _c: Client, _u: object, _f: DisconnectFlags, code: ReasonCode, _p: Properties | None
    ) -> None:
        if self.up:
            self.breaks += 1
            self.refusal = f"the connection broke: {code}"
        self.up = False

    def _on_ack(self, _c: Client, _u: object, mid: int, _r: ReasonCode, _p: Properties | None) -> None:
        handed = self._out.pop(mid, None)
        if handed is not None:
            self.acknowledged += 1
            self.latency.add(time.perf_counter() - handed)


class Publisher:
    """Sessions on one broker, all served in `pump`; every call is on one thread."""

    def __init__(self, url: str, names: Sequence[str], window: int = 100) -> None:
        """names: the sessions' client identifiers; window: messages unacknowledged in each; SetupError for a bad url.

        Sessions end with their connection, so nothing stays at the broker.
        """
        self._selector = selectors.DefaultSelector()
        self.lines = [Line(url, name, window, self._selector) for name in names]
        self._tended = 0.0

    def open(self, patience: float) -> None:
        """Connect all sessions; OutsideError when they are not up after `patience` seconds."""
        until = time.monotonic() + patience
        while not all(line.up for line in self.lines):
            self.pump(0.05)
            if time.monotonic() > until:
                down = [line for line in self.lines if not line.up]
                why = next((line.refusal for line in down if line.refusal), "it does not answer")
                raise OutsideError(f"{len(down)} of {len(self.lines)} sessions have no broker: {why}")

    def pump(self, timeout: float) -> None:
        """Read and write what is ready, waiting at most `timeout` seconds for the first."""
        now = time.monotonic()
        if now - self._tended >= _TEND_EVERY:
            self._tended = now
            for line in self.lines:
                line.tend(now)
        if not self._selector.get_map():
            time.sleep(min(timeout, _TEND_EVERY))
            return
        for key, events in self._selector.select(timeout):
            ready: Line = key.data
            ready.serve(events)

    def drain(self, patience: float) -> bool:
        """Wait until all is acknowledged; False after `patience` seconds in which no acknowledgement came."""
        left, since = self.unacknowledged, time.monotonic()
        while left:
            self.pump(0.05)
            now = time.monotonic()
            if self.unacknowledged < left:
                left, since = self.unacknowledged, now
            elif now - since > patience:
                return False
        return True

    @property
    def sent(self) -> int:
        """Messages handed over, each once."""
        return sum(line.sent for line in self.lines)

    @property
    def acknowledged(self) -> int:
        """Messages that the broker acknowledged."""
        return sum(line.acknowledged for line in self.lines)

    @property
    def unacknowledged(self) -> int:
        """Messages handed over and not acknowledged."""
        return sum(line.unacknowledged for line in self.lines)

    @property
    def resent(self) -> int:
        """How often a message was sent again because a connection broke."""
        return sum(line.resent for line in self.lines)

    @property
    def trouble(self) -> str:
        """What is wrong with a session now, "" when all are up."""
        return next((line.refusal or "no connection" for line in self.lines if not line.up), "")

    def latency(self) -> Latency:
        """From handing over to acknowledgement, of all sessions."""
        return Latency.of(line.latency for line in self.lines)

    def close(self) -> None:
        """Disconnect all; what is unacknowledged is lost with this object."""
        for line in self.lines:
            line.close()
        self._selector.close()
