"""A backlog in the broker that each consumer drains in its turn: what it cost, how long it took, what came to lie."""

import time
from dataclasses import dataclass
from pathlib import Path
from subprocess import Popen

from benchmarks.ingest.consumer import Consumer, ledger, ours, telegraf
from benchmarks.ingest.feeding import ALL_METERS, QUANTITIES, feeding
from benchmarks.ingest.usage import usage
from benchmarks.ingest.world import World, world

_POLL_S = 0.2
_STALL_S = 15.0  # longer than the longest flush of a configuration here
_FIRST_S = 60.0  # for the first: a start takes its time where others are at work
_REST_S = 0.5


@dataclass(frozen=True, slots=True)
class Started:
    """What a start costs, up to the subscription: seconds of CPU and of waiting, and MiB of memory at most."""

    cpu: float
    took: float
    peak: float


@dataclass(frozen=True, slots=True)
class Drained:
    """One consumer's turn: `readings` were waiting; cpu and took in seconds without those of the start; peak in MiB.

    lost: values (meter, quantity, time) that never came to lie; more: values that lie there and were not sent.
    """

    readings: int
    cpu: float
    took: float
    start: Started
    peak: float
    lost: int
    more: int

    @property
    def per_cpu(self) -> float:
        """Readings landed per CPU-second, once started."""
        return self.landed / self.cpu

    @property
    def per_cpu_whole(self) -> float:
        """The same with the start counted."""
        return self.landed / (self.cpu + self.start.cpu)

    @property
    def per_second(self) -> float:
        """Readings landed per second, once started."""
        return self.landed / self.took

    @property
    def landed(self) -> float:
        """Readings that came to lie."""
        return self.readings - self.lost / len(QUANTITIES)


def drain(folder: Path, messages: int, per_message: int, *, ours_first: bool) -> dict[str, Drained]:
    """One run in a new world: both subscribe, so many messages are published, then each drains in turn; by name."""
    with world(folder) as here:
        racers = [ours(here, ALL_METERS), telegraf(here, "tuned")]
        starts = [subscribe(here, racer) for racer in racers]
        with feeding(here.mqtt, per_message) as feeders:
            feeders.backlog(messages)
        pairs = list(zip(racers, starts, strict=True))
        done = {
            racer.name: _turn(here, racer, start, messages * per_message)
            for racer, start in (pairs if ours_first else reversed(pairs))
        }
        _check_ledger(here, done[racers[0].name])
        return done


def live(folder: Path, messages: int, per_message: int, configuration: str) -> Drained:
    """Telegraf by another configuration, whose session keeps nothing: it is there while so many are published."""
    with world(folder) as here:
        racer = telegraf(here, configuration)
        with racer.running(here) as process:
            begun = time.monotonic()
            here.wait_subscribed(1)
            start = _started(process, time.monotonic() - begun)
            with feeding(here.mqtt, per_message) as feeders:
                feeders.backlog(messages)
            return measured(here, racer, process, start, begun, messages * per_message)


def measured(
    here: World, racer: Consumer, process: Popen[bytes], start: Started, begun: float, readings: int
) -> Drained:
    """Look until all has come to lie, or nothing more comes."""
    first, last = QUANTITIES[0], QUANTITIES[-1]
    count, changed = 0, time.monotonic()
    while time.monotonic() - changed < (_STALL_S if count else _FIRST_S):
        found = here.counted(racer.bucket, first)
        if found != count:
            count, changed = found, time.monotonic()
        if found >= readings and here.counted(racer.bucket, last) >= readings:
            break
        time.sleep(_POLL_S)
    used = usage(process.pid)
    counts = [here.counted(racer.bucket, field) for field in QUANTITIES]
    return Drained(
        readings, used.cpu - start.cpu, changed - begun - start.took, start, used.peak,
        sum(max(0, readings - one) for one in counts), sum(max(0, one - readings) for one in counts),
    )  # fmt: skip


def subscribe(here: World, racer: Consumer) -> Started:
    """Start it once, so that the broker keeps for it what comes from now on."""
    before, begun = here.subscribed(), time.monotonic()
    with racer.running(here) as process:
        here.wait_subscribed(before + 1)
        took = time.monotonic() - begun
        time.sleep(_REST_S)
        return _started(process, took)


def _turn(here: World, racer: Consumer, start: Started, readings: int) -> Drained:
    begun = time.monotonic()
    with racer.running(here) as process:
        return measured(here, racer, process, start, begun, readings)


def _started(process: Popen[bytes], took: float) -> Started:
    used = usage(process.pid)
    return Started(used.cpu, took, used.peak)


def _check_ledger(here: World, done: Drained) -> None:
    """Our own account must say the same, to the value."""
    said = ledger(here.folder / "data")
    assert said["landed"] == done.readings * len(QUANTITIES) - done.lost, said
    assert not any(said[name] for name in ("conflict", "held", "refused", "undecodable")), said
