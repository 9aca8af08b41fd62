"""A store-and-forward gateway: numbers its messages, each of them kept until its receipt."""

import json
import secrets
import time
from collections.abc import Callable, Sequence

from energy.broker.port import Broker
from energy.reading import Quality, Reading
from energy.topic import base_topic
from energy.window import to_text
from simulators.outbox import RESEND_AFTER, Outbox, Parcel


def new_boot() -> str:
    """A name for one run of a gateway, different for each."""
    return secrets.token_hex(4)


def encode(boot: str, seq: int, sent: int, readings: Sequence[Reading], *, finite: bool = True) -> bytes:
    """One telemetry message of wire format 1; `sent` in ms UTC.

    ValueError for a value that is not finite, unless `finite` is off: a faulty device prints NaN, which is no JSON.
    """
    rows: list[dict[str, object]] = []
    for reading in readings:
        row: dict[str, object] = {"meter": reading.meter, "ts": reading.time, **reading.values}
        if reading.quality is not Quality.MEASURED:
            row["q"] = reading.quality.name.lower()
        rows.append(row)
    message = {"boot": boot, "seq": seq, "sent": to_text(sent), "readings": rows}
    return json.dumps(message, separators=(",", ":"), allow_nan=not finite).encode()


class Gateway:
    """Sends readings of one site in order over a broker of its own; every call is on one thread.

    Messages count from 1 within `boot`. At most `window` messages are kept, then `send` waits; see `Outbox`.
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

        move: see `Outbox`.
        """
        base = base_topic(site, name)
        self._telemetry, self._batch = f"{base}/telemetry", batch
        self._outbox = Outbox(broker, f"{base}/receipt", window=window, resend_after=resend_after, move=move)
        self.boot = boot or new_boot()
        self._last = 0

    def start(self) -> None:
        """Connect in the background and listen for receipts."""
        self._outbox.start()

    def stop(self) -> None:
        """Disconnect; what is unreceipted is lost with this object."""
        self._outbox.stop()

    @property
    def last_seq(self) -> int:
        """The number of the newest message, 0 before the first."""
        return self._last

    @property
    def unreceipted(self) -> int:
        """How many messages are kept."""
        return self._outbox.unreceipted

    @property
    def room(self) -> int:
        """How many messages more can be kept now."""
        return self._outbox.room

    @property
    def connected(self) -> bool:
        """Whether the broker is there now."""
        return self._outbox.connected

    @property
    def stalled(self) -> bool:
        """See `Outbox.stalled`."""
        return self._outbox.stalled

    def send(self, readings: Sequence[Reading], patience: float = 60.0) -> None:
        """Keep and send readings in their order; while the window is full, wait.

        OutsideError after `patience` seconds without progress; what was kept stays kept.
        """
        for at in range(0, len(readings), self._batch):
            self._outbox.wait_for_room(patience)
            now = time.time_ns() // 1_000_000
            payload = encode(self.boot, self._last + 1, now, readings[at : at + self._batch])
            self._last += 1
            self._outbox.put(Parcel(self.boot, self._last, self._telemetry, payload))

    def drain(self, patience: float) -> None:
        """Wait until everything is receipted; OutsideError after `patience` seconds without progress."""
        self._outbox.drain(patience)

    def pump(self) -> None:
        """Hand over what can be handed over; to be called from time to time while nothing is sent."""
        self._outbox.pump()
