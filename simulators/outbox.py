"""Store-and-forward: keeps every parcel until its receipt, and hands it over again until then."""

import json
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import NamedTuple

from energy.broker.port import Broker, Delivery
from energy.errors import OutsideError

RESEND_AFTER = 10.0  # s without a receipt's progress until what is unreceipted is sent again
_MOVE_AFTER = 5.0  # s without a connection until it is asked where the system is now
_NAP = 0.2  # s between looks at the connection while waiting


class Parcel(NamedTuple):
    """A payload to deliver; done with as soon as a receipt of `boot` reaches `seq`.

    seq is 0 for what has no number (birth, event, a mangled message): that is done with when what follows it is.
    """

    boot: str
    seq: int
    topic: str
    payload: bytes


class Outbox:
    """Parcels of one gateway in their order over a broker of its own; every call but the receipt is on one thread.

    What no receipt covers is handed over again after a reconnect, and after `resend_after` seconds in which no receipt
    came further. At most `window` parcels are to be kept: `room` says how many more.
    """

    def __init__(
        self,
        broker: Broker,
        receipts: str,
        *,
        window: int = 500,
        resend_after: float = RESEND_AFTER,
        again: bool = False,
        move: Callable[[], Broker | None] | None = None,
    ) -> None:
        """`receipts` is the topic that receipts come by.

        again: the same boots may have been delivered before, so that a receipt may be ahead of what was put.
        move: asked every 5 s without a connection; gives a broker, not started yet, when the system has moved to it.
        """
        self._broker, self._topic, self._move = broker, receipts, move
        self._window, self._resend_after, self._again = window, resend_after, again
        self._change = threading.Condition()
        self._kept: deque[Parcel] = deque()
        self._handed = 0  # of what is kept
        self._numbered: dict[str, int] = {}
        self._receipted: dict[str, int] = {}
        self._delivered = self._furthest = self.repeated = 0
        self._moved = self._progressed = time.monotonic()
        self._was_connected = False
        self._seen_connected = time.monotonic()

    def start(self) -> None:
        """Connect in the background and listen for receipts."""
        self._broker.start((self._topic,), self._on_receipt)

    def stop(self) -> None:
        """Disconnect; what is unreceipted is lost with this object."""
        self._broker.stop()

    def change(self, broker: Broker) -> None:
        """Go on with another broker or another session, not started yet; the old one is stopped."""
        self._broker.stop()
        self._broker, self._was_connected = broker, False
        self.start()

    def cut(self) -> None:
        """Lose the connection without goodbye; what is put from now on waits for `change`."""
        self._broker.cut()
        self._was_connected = False

    @property
    def connected(self) -> bool:
        """Whether the broker is there now."""
        return self._broker.connected

    @property
    def unreceipted(self) -> int:
        """How many parcels are kept."""
        with self._change:
            return len(self._kept)

    @property
    def room(self) -> int:
        """How many parcels more can be kept now."""
        return max(0, self._window - self.unreceipted)

    @property
    def stalled(self) -> bool:
        """Whether something is kept and no receipt came further for three times the resending time."""
        with self._change:
            return bool(self._kept) and time.monotonic() - self._progressed > 3 * self._resend_after

    def put(self, parcel: Parcel) -> None:
        """Keep a parcel, and hand over what can be."""
        with self._change:
            if not self._kept:
                self._moved = self._progressed = time.monotonic()
            self._kept.append(parcel)
            self._numbered[parcel.boot] = max(parcel.seq, self._numbered.get(parcel.boot, 0))
        self.pump()

    def wait_for_room(self, patience: float) -> None:
        """Wait until a parcel can be kept; OutsideError after `patience` seconds without progress."""
        self._await(lambda: len(self._kept) < self._window, patience)

    def drain(self, patience: float) -> None:
        """Wait until everything is receipted; OutsideError after `patience` seconds without progress."""
        self._await(lambda: not self._kept, patience)

    def pump(self) -> None:
        """Hand over what can be handed over; to be called from time to time while nothing is put."""
        connected = self._look()
        with self._change:
            stalled = bool(self._kept) and time.monotonic() - self._moved > self._resend_after
            if connected and (stalled or not self._was_connected):
                self._handed = 0
                self._moved = time.monotonic()
            self._was_connected = connected
        while connected:
            with self._change:
                if self._handed >= len(self._kept):
                    return
                parcel = self._kept[self._handed]
                self._handed += 1  # before the handover: its receipt may be quicker than the next line
                place = self._delivered + self._handed
            if not self._broker.publish(parcel.topic, parcel.payload):
                with self._change:
                    self._handed = max(0, self._handed - 1)
                return
            self.repeated += place <= self._furthest
            self._furthest = max(self._furthest, place)

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
                self.change(broker)
        return connected

    def _await(self, done: Callable[[], bool], patience: float) -> None:
        progress, since = -1, time.monotonic()
        while True:
            self.pump()
            with self._change:
                if done() or (self._change.wait(_NAP) and done()):
                    return
                delivered, left = self._delivered, len(self._kept)
            now = time.monotonic()
            if delivered != progress:
                progress, since = delivered, now
            elif now - since > patience:
                state = "connected" if self._broker.connected else "no connection"
                raise OutsideError(
                    f"no receipt for {patience:.0f} s: {left} of {delivered + left} messages are unreceipted "
                    f"(broker: {state}); is the system up?"
                )

    def _on_receipt(self, delivery: Delivery) -> None:
        self._broker.ack([delivery])
        try:
            receipt = json.loads(delivery.payload)
            boot, seq = str(receipt["boot"]), int(receipt["seq"])
        except (ValueError, TypeError, KeyError):
            return  # not ours to judge: the next receipt covers it
        with self._change:
            if not self._again and seq > self._numbered.get(boot, 0):
                return
            self._receipted[boot] = max(seq, self._receipted.get(boot, 0))
            self._let_go()

    def _let_go(self) -> None:
        """Drop what is handed over and receipted, from the oldest on."""
        before = self._delivered
        while (count := self._receipted_ahead()) and count <= self._handed:
            for _ in range(count):
                self._kept.popleft()
            self._handed -= count
            self._delivered += count
        if self._delivered > before:
            self._moved = self._progressed = time.monotonic()
            self._change.notify_all()

    def _receipted_ahead(self) -> int:
        """How many parcels the receipt of the first numbered one covers, itself included; 0 without one."""
        for place, parcel in enumerate(self._kept):
            if parcel.seq:
                return place + 1 if parcel.seq <= self._receipted.get(parcel.boot, 0) else 0
        return 0
