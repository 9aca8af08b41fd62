"""A store-and-forward gateway: numbers its messages and keeps each one until its receipt."""

import json
import secrets
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence

from energy.broker.port import Broker, Delivery
from energy.errors import OutsideError
from energy.reading import Quality, Reading
from energy.topic import base_topic
from energy.window import to_text

RESEND_AFTER = 10.0  # s without a receipt's progress until what is unreceipted is sent again
_MOVE_AFTER = 5.0  # s without a connection until it is asked where the system is now
_NAP = 0.2  # s between looks at the connection while waiting


def new_boot() -> str:
    """A name for one run of a gateway, different for each."""
    return secrets.token_hex(4)


def encode(boot: str, seq: int, sent: int, readings: Sequence[Reading]) -> bytes:
    """One telemetry message of wire format 1; `sent` in ms UTC."""
    rows: list[dict[str, object]] = []
    for reading in readings:
        row: dict[str, object] = {"meter": reading.meter, "ts": reading.time, **reading.values}
        if reading.quality is not Quality.MEASURED:
            row["q"] = reading.quality.name.lower()
        rows.append(row)
    message = {"boot": boot, "seq": seq, "sent": to_text(sent), "readings": rows}
    return json.dumps(message, separators=(",", ":"), allow_nan=False).encode()


class Gateway:
    """Sends readings of one site in order over a broker of its own; every call but the receipt is on one thread.

    Messages count from 1 within `boot`. What no receipt covers is sent again after a reconnect and after
    `resend_after` seconds in which no receipt came further; at most `window` messages are kept, then `send` waits.
    """

    def __init__(
        self,
        broker: Broker,
        site: str,
        name: str,
        boot: str | None = None,
        *,
        window: int = 500,
        batch: int = 100,
        resend_after: float = RESEND_AFTER,
        move: Callable[[], Broker | None] | None = None,
    ) -> None:
        """`batch` is the most readings of one message; InputError for a name that cannot be in a topic.

        move: asked every 5 s without a connection; gives a broker, not started yet, when the system has moved to it.
        """
        self._base = base_topic(site, name)
        self._broker, self._window, self._batch, self._resend_after = broker, window, batch, resend_after
        self.boot = boot or new_boot()
        self._move = move
        self._change = threading.Condition()
        self._kept: deque[tuple[int, bytes]] = deque()
        self._last = self._receipted = self._handed = 0
        self._moved = self._progressed = time.monotonic()
        self._was_connected = False
        self._seen_connected = time.monotonic()

    def start(self) -> None:
        """Connect in the background and listen for receipts."""
        self._broker.start((f"{self._base}/receipt",), self._on_receipt)

    def stop(self) -> None:
        """Disconnect; what is unreceipted is lost with this object."""
        self._broker.stop()

    @property
    def last_seq(self) -> int:
        """The number of the newest message, 0 before the first."""
        return self._last

    @property
    def unreceipted(self) -> int:
        """How many messages are kept."""
        with self._change:
            return len(self._kept)

    @property
    def room(self) -> int:
        """How many messages more can be kept now."""
        return max(0, self._window - self.unreceipted)

    @property
    def stalled(self) -> bool:
        """Whether something is kept and no receipt came further for three times the resending time."""
        with self._change:
            return bool(self._kept) and time.monotonic() - self._progressed > 3 * self._resend_after

    def send(self, readings: Sequence[Reading], patience: float = 60.0) -> None:
        """Keep and send readings in their order; while the window is full, wait.

        OutsideError after `patience` seconds without progress; what was kept stays kept.
        """
        for at in range(0, len(readings), self._batch):
            self._await(lambda: len(self._kept) < self._window, patience)
            now = time.time_ns() // 1_000_000
            payload = encode(self.boot, self._last + 1, now, readings[at : at + self._batch])
            with self._change:
                if not self._kept:
                    self._moved = self._progressed = time.monotonic()
                self._last += 1
                self._kept.append((self._last, payload))
            self.pump()

    def drain(self, patience: float) -> None:
        """Wait until everything is receipted; OutsideError after `patience` seconds without progress."""
        self._await(lambda: not self._kept, patience)

    def pump(self) -> None:
        """Hand over what can be handed over; to be called from time to time while nothing is sent."""
        connected = self._look()
        with self._change:
            stalled = bool(self._kept) and time.monotonic() - self._moved > self._resend_after
            if connected and (stalled or not self._was_connected):
                self._handed = self._receipted
                self._moved = time.monotonic()
            self._was_connected = connected
            due = [kept for kept in self._kept if kept[0] > self._handed] if connected else []
        for seq, payload in due:
            if not self._broker.publish(f"{self._base}/telemetry", payload):
                return
            with self._change:
                self._handed = max(self._handed, seq)

    def _look(self) -> bool:
        """Whether there is a connection; without one for a while, ask where the system is now."""
        now = time.monotonic()
        connected = self._broker.connected
        if connected:
            self._seen_connected = now
        elif self._move is not None and now - self._seen_connected > _MOVE_AFTER:
            self._seen_connected = now
            broker = self._move()
            if broker is not None:
                self._broker.stop()
                self._broker = broker
                self.start()
        return connected

    def _await(self, done: Callable[[], bool], patience: float) -> None:
        progress, since = -1, time.monotonic()
        while True:
            self.pump()
            with self._change:
                if done() or (self._change.wait(_NAP) and done()):
                    return
                receipted, left = self._receipted, len(self._kept)
            now = time.monotonic()
            if receipted != progress:
                progress, since = receipted, now
            elif now - since > patience:
                state = "connected" if self._broker.connected else "no connection"
                raise OutsideError(
                    f"no receipt for {patience:.0f} s: {left} of {self._last} messages are unreceipted "
                    f"(broker: {state}); is the system up?"
                )

    def _on_receipt(self, delivery: Delivery) -> None:
        self._broker.ack([delivery])
        try:
            receipt = json.loads(delivery.payload)
            boot, seq = receipt["boot"], int(receipt["seq"])
        except (ValueError, TypeError, KeyError):
            return  # not ours to judge: the next receipt covers it
        with self._change:
            if boot != self.boot or not self._receipted < seq <= self._last:
                return
            self._receipted = seq
            self._handed = max(self._handed, seq)
            self._moved = self._progressed = time.monotonic()
            while self._kept and self._kept[0][0] <= seq:
                self._kept.popleft()
            self._change.notify_all()
