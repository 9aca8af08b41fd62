"""Telemetry of ten gateways with twenty meters each: a backlog of so many messages, or a steady rate."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from energy.broker.port import Delivery
from simulators.load_feed import Feed
from simulators.publisher import Line, Publisher

SITE = "race"
QUANTITIES = ("e_kwh", "p_kw", "pf", "u_v", "i_a")
GATEWAYS, METERS = 10, 20
_WINDOW, _BURST, _BATCH = 200, 20, 1000  # messages
_NAP_S, _PATIENCE_S = 0.002, 30.0
NAMES = {f"g{g:02}": [f"g{g:02}-m{m:02}" for m in range(1, METERS + 1)] for g in range(1, GATEWAYS + 1)}
ALL_METERS = [meter for own in NAMES.values() for meter in own]


class Feeding:
    """The gateways' sessions and what they send next; it goes on counting from call to call."""

    def __init__(self, publisher: Publisher, per_message: int) -> None:
        """`publisher` is open and has a session for each gateway."""
        self._publisher = publisher
        self._pairs = list(zip(publisher.lines, _feeds(per_message), strict=True))

    def backlog(self, messages: int) -> None:
        """Send so many as fast as they are acknowledged; AssertionError when acknowledgements stay away."""
        left = messages
        while left:
            before, now = left, _now()
            for line, feed in self._pairs:
                for _ in range(min(line.room, _BURST, left)):
                    line.publish(feed.topic, feed.next(now))
                    left -= 1
            self._publisher.pump(0 if left < before else _NAP_S)
        self._finish()

    def steady(self, rate: float, seconds: float, sent: Callable[[int, int, float], None]) -> int:
        """Send `rate` messages a second, gateways in turn; how many.

        Each is told as (gateway's number, the readings' time in ms, when it was handed over by time.perf_counter).
        """
        begun, count = time.perf_counter(), 0
        while (passed := time.perf_counter() - begun) < seconds:
            due = int(passed * rate) + 1 - count
            for _ in range(due):
                number = count % len(self._pairs)
                line, feed = self._pairs[number]
                _must_have_room(line)
                payload = feed.next(_now())
                sent(number, feed.time, time.perf_counter())
                line.publish(feed.topic, payload)
                count += 1
            self._publisher.pump(_NAP_S)
        self._finish()
        return count

    def _finish(self) -> None:
        assert self._publisher.drain(_PATIENCE_S), "the broker does not acknowledge"


def filled(messages: int, per_message: int) -> Iterator[list[Delivery]]:
    """So many messages as if they had come in just now, in batches."""
    feeds = _feeds(per_message)
    for begin in range(0, messages, _BATCH):
        now = _now()
        some = (feeds[number % len(feeds)] for number in range(begin, min(begin + _BATCH, messages)))
        yield [Delivery(feed.topic, feed.next(now), now, None) for feed in some]


@contextmanager
def feeding(mqtt: str, per_message: int) -> Iterator[Feeding]:
    """Connected gateways."""
    publisher = Publisher(mqtt, [f"race-{name}" for name in NAMES], _WINDOW)
    try:
        publisher.open(_PATIENCE_S)
        yield Feeding(publisher, per_message)
    finally:
        publisher.close()


def _feeds(per_message: int) -> list[Feed]:
    return [Feed(SITE, gateway, "race", own, per_message, QUANTITIES) for gateway, own in NAMES.items()]


def _must_have_room(line: Line) -> None:
    assert line.room > 0, "the broker is too slow for this rate"


def _now() -> int:
    return time.time_ns() // 1_000_000
