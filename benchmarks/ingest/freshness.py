"""How soon a message can be queried in the database, at one fixed rate, and what that costs its consumer."""

import threading
import time
from collections import deque
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.ingest.consumer import Consumer, ours, telegraf
from benchmarks.ingest.feeding import ALL_METERS, GATEWAYS, NAMES, feeding
from benchmarks.ingest.usage import usage
from benchmarks.ingest.world import World, world

_LAST = {own[-1]: number for number, own in enumerate(NAMES.values())}  # of each message the reading that comes last
_PER_MESSAGE = len(next(iter(NAMES.values())))
_POLL_S = 0.02
_WARM_S = 3.0  # until connections, caches and meters are known
_PATIENCE_S = 20.0


@dataclass(frozen=True, slots=True)
class Fresh:
    """One setting: from handing over to the answer of the query that showed it, ms; CPU of the consumer per second.

    asked_ms: p50 of the time between two answers, which is how exact the times are.
    """

    name: str
    p50: float
    p99: float
    cpu: float
    messages: int
    lost: int
    asked_ms: float


@dataclass(slots=True)
class Watched:
    """What was sent and is not seen yet, by gateway, and how long what was seen took (seconds)."""

    waiting: list[deque[tuple[int, float]]] = field(default_factory=lambda: [deque() for _ in range(GATEWAYS)])
    times: list[float] = field(default_factory=list)
    answers: list[float] = field(default_factory=list)
    since: float = float("inf")  # what was sent before does not count

    def sent(self, number: int, time_ms: int, handed: float) -> None:
        """A message of a gateway is handed over."""
        self.waiting[number].append((time_ms, handed))

    def seen(self, number: int, newest_ms: int, now: float) -> None:
        """All messages of a gateway up to this time can be queried."""
        waiting = self.waiting[number]
        while waiting and waiting[0][0] <= newest_ms:
            handed = waiting.popleft()[1]
            if handed >= self.since:
                self.times.append(now - handed)

    def watch(self, here: World, bucket: str, stop: threading.Event) -> None:
        """Ask for the newest reading of each gateway until told to stop."""
        begun = time.time_ns() // 1_000_000 - 1000
        some = " OR ".join(f"\"meter\" = '{meter}'" for meter in _LAST)
        query = f'SELECT last("e_kwh") FROM "meter" WHERE time >= {begun}ms AND ({some}) GROUP BY "meter"'
        while not stop.wait(_POLL_S):
            found = here.select(bucket, query)
            now = time.perf_counter()
            self.answers.append(now)
            for one in found:
                self.seen(_LAST[one["tags"]["meter"]], int(one["values"][0][0]), now)


def freshness(folder: Path, rate: float, seconds: float) -> list[Fresh]:
    """Ours, and Telegraf with each flush interval, each in a new world."""
    found = []
    for name, flush in (("carbonwatch", None), ("telegraf, flush 100 ms", "100ms"), ("telegraf, flush 1 s", "1s")):
        with world(folder / (flush or "ours")) as here:
            racer = telegraf(here, "tuned", flush) if flush else ours(here, ALL_METERS)
            found.append(_measure(here, racer, name, rate, seconds))
    return found


def fair(found: list[Fresh]) -> list[Fresh]:
    """Telegraf's settings that use no more CPU than ours; ours is the first."""
    return [one for one in found[1:] if one.cpu <= found[0].cpu]


def _measure(here: World, racer: Consumer, name: str, rate: float, seconds: float) -> Fresh:
    watched, stop = Watched(), threading.Event()
    with racer.running(here) as process, feeding(here.mqtt, _PER_MESSAGE) as feeders:
        here.wait_subscribed(1)
        watcher = threading.Thread(target=watched.watch, args=(here, racer.bucket, stop))
        watcher.start()
        try:
            feeders.steady(rate, _WARM_S, watched.sent)
            watched.since, before = time.perf_counter(), usage(process.pid).cpu
            sent = feeders.steady(rate, seconds, watched.sent)
            _wait(watched, sent)
            took, cpu = time.perf_counter() - watched.since, usage(process.pid).cpu - before
        finally:
            stop.set()
            watcher.join()
    times = sorted(watched.times)
    gaps = sorted(after - before for before, after in zip(watched.answers, watched.answers[1:], strict=False))
    return Fresh(
        name, _percentile(times, 0.5), _percentile(times, 0.99), cpu / took, sent, sent - len(times),
        _percentile(gaps, 0.5),
    )  # fmt: skip


def _wait(watched: Watched, sent: int) -> None:
    until = time.monotonic() + _PATIENCE_S
    while len(watched.times) < sent and time.monotonic() < until:
        time.sleep(0.05)


def _percentile(ordered: list[float], share: float) -> float:
    """In ms; 0 for none."""
    return 1000 * ordered[min(len(ordered) - 1, int(share * len(ordered)))] if ordered else 0.0
