"""Telegraf in the place of ingest: the same messages, the same broker and database, the same strokes."""

import contextlib
import random
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple

import httpx

from benchmarks.ingest.consumer import Consumer, telegraf
from benchmarks.ingest.world import PEERS, World, _make_bucket
from simulators.message import Message
from simulators.record_file import RecordFile
from simulators.truth import Truth
from tests.faults.around import Broker, Influx
from tests.faults.ground import Ground, Heard, key_of, until
from tests.faults.strokes import AWAY_S, points
from tests.system import COMMAND, plain_environment

_STALL_S = 8.0  # without a new point, several flushes long
_PATIENCE_S = 120.0
_SUBSCRIBE_S = 0.3
Key = tuple[str, str, str, int]


class Counted(NamedTuple):
    """Values that were to be stored, and of them lost and wrong; `more`: such as nobody sent at that place."""

    values: int
    lost: int
    wrong: int
    more: int


@dataclass(slots=True)
class Peer:
    """A running Telegraf; see `strokes.Under`."""

    broker: Broker | None
    influx: Influx | None
    heard: Heard
    consumer: Consumer
    world: World
    player: subprocess.Popen[bytes]
    process: subprocess.Popen[bytes] | None = None
    notes: list[str] = field(default_factory=list)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it is so; AssertionError when it is not in time, or the playing has ended badly."""

        def looked() -> bool:
            assert self.player.poll() in (None, 0), f"the replay ended with {self.player.returncode}"
            return condition()

        until(looked, what)

    def start(self) -> None:
        """Telegraf, with its session at the broker on return."""
        before = self._connections()
        log = self.world.folder / "telegraf.log"
        with log.open("ab") as out:
            self.process = subprocess.Popen(self.consumer.command, stdout=out, stderr=out,
                                            env={**plain_environment(), "INFLUX_TOKEN": self.world.token})  # fmt: skip
        until(lambda: self._connections() > before, "telegraf does not connect")
        time.sleep(_SUBSCRIBE_S)

    def kill(self) -> None:
        """kill -9."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def _connections(self) -> int:
        return (self.world.folder / "broker" / "log").read_text("utf-8", "replace").count(" as telegraf ")


PeerStroke = Callable[[Peer], None]


def kill_telegraf(here: Peer, messages: int, kills: int) -> None:
    """kill -9 as soon as so many went through the broker, by the same points as ingest's; started again at once."""
    for point in points(messages, kills):
        here.wait(lambda: len(here.heard.messages) >= point, f"kill at {point}")  # noqa: B023
        here.kill()
        time.sleep(random.Random(point).uniform(0.1, 0.5))
        here.start()


def kill_telegraf_and_broker(here: Peer, messages: int) -> None:
    """kill -9 of Telegraf, and of Mosquitto when it has taken messages for it for a while; both started again."""
    assert here.broker is not None
    here.wait(lambda: len(here.heard.messages) >= messages // 3, "begin")
    before = len(here.heard.messages)
    here.kill()
    time.sleep(AWAY_S)
    here.notes.append(f"{len(here.heard.messages) - before:,} had come since when the broker was killed")
    here.broker.kill()
    here.broker.start()
    here.start()


def race(folder: Path, ours: Ground, seconds: float, stroke: PeerStroke) -> tuple[Counted, list[str]]:
    """Play what our journal has, each message once, in about `seconds`, with the stroke; what its bucket has then."""
    folder.mkdir()
    recording = folder / "messages.jsonl"
    count = record(recording, ours, seconds)
    with contextlib.ExitStack() as stack:
        broker, influx = Broker(folder / "broker"), Influx(folder / "influx")
        stack.callback(influx.stop)
        stack.callback(broker.stop)
        client = stack.enter_context(
            httpx.Client(base_url=influx.url, headers={"Authorization": f"Token {influx.token}"}, timeout=60)
        )
        _make_bucket(client, PEERS)
        world = World(folder, broker.port, influx.url, influx.token, client)
        heard = Heard(broker.url)
        stack.callback(heard.close)
        consumer = telegraf(world, "tuned")
        replay = [str(COMMAND), "replay", str(recording), "--format", "recording", "--speed", "1", "--mqtt", broker.url]
        peer = Peer(broker, influx, heard, consumer, world, _Unborn())  # type: ignore[arg-type]
        peer.start()
        stack.callback(peer.kill)
        with (folder / "replay.log").open("wb") as log:
            peer.player = subprocess.Popen(replay, stdout=log, stderr=log, env=plain_environment())
        stack.callback(_end, peer.player)
        stroke(peer)
        assert peer.player.wait(seconds + _PATIENCE_S) == 0, (folder / "replay.log").read_text("utf-8")[-2000:]
        assert len(heard.messages) <= count
        return compared(Truth(ours.folder / "truth"), settled(world)), peer.notes


class _Unborn:
    """The replay before it is there."""

    returncode = None

    def poll(self) -> None:
        """It has not ended."""


def record(file: Path, ours: Ground, seconds: float) -> int:
    """The journal's messages as a recording of so many seconds, each once, in the order of arrival; how many."""
    once = {key_of(one.topic, one.payload): one for one in ours.journal()}
    step = seconds * 1000 / len(once)
    out = RecordFile(file, ["ecm/#"], 0)
    out.write([Message(int(number * step), one.topic, one.payload) for number, one in enumerate(once.values())])
    out.close()
    return len(once)


def settled(world: World) -> Iterator[tuple[Key, float]]:
    """Every value in Telegraf's bucket, once no more come."""
    fields = [str(row[0]) for series in world.select(PEERS, "SHOW FIELD KEYS") for row in series["values"]]
    fields = [name for name in fields if name != "q"]
    count, changed = -1, time.monotonic()
    while time.monotonic() - changed < _STALL_S:
        found = sum(world.counted(PEERS, name) for name in fields)
        if found != count:
            count, changed = found, time.monotonic()
        time.sleep(0.5)
    for name in fields:
        for series in world.select(PEERS, f'SELECT "{name}" FROM "meter" GROUP BY "site", "meter"'):
            tags: Mapping[str, str] = series["tags"]
            for when, value in series["values"]:
                if value is not None:
                    yield (tags["site"], tags["meter"], name, int(when)), float(value)


def compared(truth: Truth, stored: Iterable[tuple[Key, float]]) -> Counted:
    """What lies there beside what was to be stored."""
    wanted: dict[Key, set[float]] = {}
    for row in truth.values():
        if row["expect"] == "take":
            key = (row["site"], row["meter"], row["quantity"], int(row["time"]))
            wanted.setdefault(key, set()).add(float(row["value"]))
    found = wrong = more = 0
    for key, value in stored:
        found += key in wanted
        more += key not in wanted
        wrong += key in wanted and value not in wanted[key]
    return Counted(len(wanted), len(wanted) - found, wrong, more)


def _end(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()
