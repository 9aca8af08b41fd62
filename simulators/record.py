"""Listens to topics of any kind on a session of its own, and writes down what comes."""

import queue
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from energy.errors import OutsideError, SetupError
from simulators.message import Message
from simulators.record_file import RecordFile

_WAITING = 2000  # messages received and not written; then the broker must wait
_BATCH = 500
_FLUSH_EVERY = 0.2  # s
_SAY_EVERY = 2.0
_PATIENCE_S = 5.0  # until the first connection


@dataclass(frozen=True, slots=True)
class Heard:
    """How far a recording is: messages and bytes of payload, first and last in ms UTC (0: none), and broken lines."""

    messages: int
    payload_bytes: int
    first: int
    last: int
    seconds: float
    breaks: int

    @property
    def rate(self) -> float:
        """Messages a second."""
        return self.messages / self.seconds if self.seconds else 0.0


class Recorder:
    """One session that subscribes at QoS 1 and ends with its connection, so that it leaves nothing at the broker.

    What is sent while a connection is broken is not heard; the recording says from when to when that was.
    """

    def __init__(self, url: str, name: str, topics: Sequence[str]) -> None:
        """SetupError for a bad `url` or filter; nothing is opened until `run`."""
        parts = urlsplit(url)
        if parts.scheme != "mqtt" or not parts.hostname:
            raise SetupError(f"the broker's address must look like mqtt://host:1883, not {parts.scheme}://…")
        self._address, self._topics = (parts.hostname, parts.port or 1883), list(topics)
        for topic in topics:
            _check(topic)
        self._came: queue.Queue[tuple[Message, int]] = queue.Queue(_WAITING)
        self._refusal, self._ready, self._open = "", False, False
        self._gone: int | None = None
        self._gaps: queue.SimpleQueue[tuple[int, int]] = queue.SimpleQueue()
        self._messages = self._bytes = self._first = self._last = self._breaks = 0
        self._client = client = Client(
            CallbackAPIVersion.VERSION2, client_id=name, clean_session=True, protocol=MQTTProtocolVersion.MQTTv311,
            manual_ack=True,
        )  # fmt: skip
        if parts.username:
            client.username_pw_set(parts.username, parts.password)
        client.reconnect_delay_set(min_delay=1, max_delay=4)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_subscribe, client.on_message = self._on_subscribe, self._on_message

    def run(
        self, file: RecordFile, seconds: float | None, count: int | None, say: Callable[[Heard], None],
        stop: Callable[[], bool],
    ) -> Heard:  # fmt: skip
        """Record until `seconds` are over, `count` messages are there, or `stop`; `say` is told every 2 s.

        OutsideError when there is no broker at the beginning, it refuses, or the disk does.
        """
        self._open = True
        self._client.connect_async(*self._address, keepalive=20)
        self._client.loop_start()
        begun = said = flushed = time.monotonic()
        try:
            while not stop() and (count is None or self._messages < count):
                now = time.monotonic()
                if seconds is not None and now - begun > seconds:
                    break
                self._check_broker(now - begun)
                self._take(file, count)
                if now - flushed > _FLUSH_EVERY:
                    file.flush()
                    flushed = now
                if now - said > _SAY_EVERY:
                    said = now
                    say(self._heard(now - begun))
            return self._heard(time.monotonic() - begun)
        finally:
            self._open = False
            self._drain()
            self._client.disconnect()
            self._client.loop_stop()

    def _check_broker(self, waited: float) -> None:
        if self._refusal:
            raise OutsideError(self._refusal)
        if not self._ready and not self._breaks and waited > _PATIENCE_S:
            raise OutsideError(f"no broker answers at {self._address[0]}:{self._address[1]}")

    def _take(self, file: RecordFile, count: int | None) -> None:
        """Write what is there, at most a batch, waiting a little for the first."""
        room = _BATCH if count is None else min(_BATCH, count - self._messages)
        batch: list[tuple[Message, int]] = []
        try:
            batch.append(self._came.get(timeout=_FLUSH_EVERY))
            while len(batch) < room:
                batch.append(self._came.get_nowait())
        except queue.Empty:
            pass
        while not self._gaps.empty():
            file.lost(*self._gaps.get())
        if not batch:
            return
        file.write([message for message, _ in batch])
        self._first = self._first or batch[0][0].at
        self._last = batch[-1][0].at
        self._messages += len(batch)
        self._bytes += sum(len(message.payload) for message, _ in batch)
        for message, mid in batch:
            if message.qos:
                self._client.ack(mid, message.qos)

    def _drain(self) -> None:
        """Make room, so that the client's thread is not kept from ending."""
        while not self._came.empty():
            self._came.get_nowait()

    def _heard(self, seconds: float) -> Heard:
        return Heard(self._messages, self._bytes, self._first, self._last, seconds, self._breaks)

    def _on_connect(self, _c: Client, _u: object, _f: ConnectFlags, code: ReasonCode, _p: Properties | None) -> None:
        if code.is_failure:
            self._refusal = f"the broker refuses: {code}"
            return
        self._client.subscribe([(topic, 1) for topic in self._topics])

    def _on_subscribe(self, _c: Client, _u: object, _m: int, codes: list[ReasonCode], _p: Properties | None) -> None:
        refused = [topic for topic, code in zip(self._topics, codes, strict=False) if code.is_failure]
        if refused:
            self._refusal = f"the broker refuses the topics {', '.join(refused)}"
            return
        self._ready = True
        if self._gone is not None:
            self._gaps.put((self._gone, _now()))
            self._gone = None

    def _on_disconnect(
        self, _c: Client, _u: object, _f: DisconnectFlags, _code: ReasonCode, _p: Properties | None
    ) -> None:
        if self._ready and self._open:
            self._breaks += 1
            self._gone = self._gone or _now()
        self._ready = False

    def _on_message(self, _c: Client, _u: object, message: MQTTMessage) -> None:
        payload = bytes(message.payload)
        came = Message(_now(), message.topic, payload, message.qos, message.retain), message.mid
        while self._open:
            try:
                self._came.put(came, timeout=_FLUSH_EVERY)
            except queue.Full:
                continue
            return


def _check(topic: str) -> None:
    """SetupError for what is no topic filter."""
    words = topic.split("/")
    wild = all(word in ("+", "#") or not set(word) & {"+", "#"} for word in words) and "#" not in words[:-1]
    if not topic or not wild or "\0" in topic or len(topic.encode()) > 65_535:
        raise SetupError(f"--topic {topic!r} is no topic filter such as ecm/v1/# or plant/+/power")


def _now() -> int:
    return time.time_ns() // 1_000_000
