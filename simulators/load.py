"""Load on a broker: feeds of many gateways, at a rate or as fast as it takes them, and how it bore them."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simulators.load_feed import Feed
from simulators.publisher import Publisher

_BURST = 20  # messages of one gateway in a row
_NAP = 0.002  # s; what is due sooner goes out together
_SAY_EVERY = 2.0
ENOUGH = 0.95  # of the asked rate


@dataclass(frozen=True, slots=True)
class Borne:
    """What a run came to; rates are what was acknowledged in each of the `seconds` in which it sent.

    latency: p50, p90, p99 and the longest in ms; cpu_seconds of this process; `trouble` is "" when all went well.
    """

    sent: int
    acknowledged: int
    unacknowledged: int
    resent: int
    connections_lost: int
    seconds: float
    rate: float
    readings_rate: float
    megabytes: float
    latency_ms: tuple[float, float, float, float]
    cpu_seconds: float
    ahead_seconds: float
    trouble: str


class Load:
    """One run of feeds, each on the session of the same place."""

    def __init__(self, publisher: Publisher, feeds: Sequence[Feed], per_message: int) -> None:
        """`publisher` is open and has as many sessions as there are feeds."""
        self._publisher, self._per_message = publisher, per_message
        self._pairs = list(zip(publisher.lines, feeds, strict=True))
        self._at = 0
        self._bytes = 0
        self._progressed, self._acknowledged = 0.0, 0

    def run(
        self, rate: float | None, seconds: float, patience: float, say: Callable[[str], None], stop: Callable[[], bool]
    ) -> Borne:
        """Send for `seconds`, `rate` messages a second in all (None: as fast as they are acknowledged).

        It ends sooner when `stop` says so, and after `patience` seconds in which nothing was acknowledged.
        """
        begun, cpu = time.monotonic(), time.process_time()
        self._progressed, said, stalled = begun, begun, False
        publisher = self._publisher
        while (now := time.monotonic()) < begun + seconds and not stop() and not stalled:
            due = _BURST * len(self._pairs) if rate is None else int((now - begun) * rate) + 1 - publisher.sent
            went = self._offer(due)
            publisher.pump(0 if went else _NAP)
            stalled = self._stalled(now, patience)
            if now - said >= _SAY_EVERY:
                said = now
                say(f"{publisher.sent} sent, {publisher.acknowledged} acknowledged, "
                    f"{publisher.acknowledged / (now - begun):.0f} a second{_because(publisher)}")  # fmt: skip
        sending, rate_reached = time.monotonic() - begun, publisher.acknowledged / (time.monotonic() - begun)
        whole = not stalled and publisher.drain(patience)
        trouble = "" if whole else f"no acknowledgement for {patience:.0f} s{_because(publisher)}"
        if whole and rate is not None and publisher.sent < ENOUGH * rate * sending - 1:
            trouble = f"the rate was not reached: {publisher.sent / sending:.0f} of {rate:.0f} messages a second"
        return self._borne(sending, rate_reached, time.process_time() - cpu, trouble)

    def _offer(self, due: int) -> int:
        """Hand over at most `due` messages, gateways in turn; how many."""
        went, tried, now = 0, 0, time.time_ns() // 1_000_000
        while went < due and tried < len(self._pairs):
            line, feed = self._pairs[self._at]
            self._at = (self._at + 1) % len(self._pairs)
            count = min(line.room, due - went, _BURST if due >= _BURST * len(self._pairs) else 1)
            for _ in range(count):
                payload = feed.next(now)
                line.publish(feed.topic, payload)
                self._bytes += len(payload)
            went += count
            tried = 0 if count and due < _BURST * len(self._pairs) else tried + 1
        return went

    def _stalled(self, now: float, patience: float) -> bool:
        acknowledged = self._publisher.acknowledged
        if acknowledged != self._acknowledged or self._publisher.sent == acknowledged == 0:
            self._acknowledged, self._progressed = acknowledged, now
        elif not self._publisher.unacknowledged and not self._publisher.trouble:
            self._progressed = now
        return now - self._progressed > patience

    def _borne(self, seconds: float, rate: float, cpu: float, trouble: str) -> Borne:
        publisher, latency, now = self._publisher, self._publisher.latency(), time.time_ns() // 1_000_000
        return Borne(
            publisher.sent, publisher.acknowledged, publisher.unacknowledged, publisher.resent,
            sum(line.breaks for line in publisher.lines), round(seconds, 2), round(rate, 1),
            round(rate * self._per_message, 1), round(self._bytes / 1e6, 1),
            (_ms(latency.percentile(0.5)), _ms(latency.percentile(0.9)), _ms(latency.percentile(0.99)),
             _ms(latency.longest)),
            round(cpu, 2), round(max(0, *(feed.time - now for _, feed in self._pairs)) / 1000, 1), trouble,
        )  # fmt: skip


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 2)


def _because(publisher: Publisher) -> str:
    return f" ({publisher.trouble})" if publisher.trouble else ""
