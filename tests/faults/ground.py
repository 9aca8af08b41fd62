"""One round: a running system with its neighbours, a scenario that is played into it, and what the audit says."""

import contextlib
import hashlib
import json
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from energy.broker.paho import PahoBroker
from energy.broker.port import Delivery
from energy.journal import START, JournalReader, Position, Record, workers
from energy.manual import WORKER as BY_HAND
from tests.faults.around import Broker, Influx
from tests.faults.plays import Play
from tests.neighbours import ORG, free_port
from tests.system import COMMAND, System, descendants, plain_environment, running_system

PATIENCE_S = 120.0
_LOOK_S = 0.02
_ANSWER_S = 600.0


class Heard:
    """A client of the broker that knows every message that went through it, each once; receipts are none."""

    def __init__(self, url: str) -> None:
        """Connected on return."""
        self.messages: set[bytes] = set()
        self._client = PahoBroker(url, "faults-observer", clean=True)
        self._client.start(("ecm/#",), self._take)
        until(lambda: self._client.connected, "no connection to the broker")

    def close(self) -> None:
        """Disconnect."""
        self._client.stop()

    def _take(self, delivery: Delivery) -> None:
        self._client.ack([delivery])
        if not delivery.topic.endswith("/receipt"):
            self.messages.add(key_of(delivery.topic, delivery.payload))


@dataclass(slots=True)
class Ground:
    """What a fault can get at; `broker` and `influx` are None with the embedded pair, `notes` go into the report."""

    data: Path
    folder: Path
    system: System
    broker: Broker | None
    influx: Influx | None
    restart: Callable[[], System]
    heard: Heard
    player: subprocess.Popen[bytes] | None = None
    notes: list[str] = field(default_factory=list)
    _kept: set[bytes] = field(default_factory=set)
    _read: dict[str, Position] = field(default_factory=dict)

    def journal(self) -> list[Record]:
        """Every message that lies in the journals of the workers."""
        folder = self.data / "journal"
        readers = [JournalReader(folder, worker) for worker in workers(folder) if worker != BY_HAND]
        return [record for reader in readers for record in reader.all_after(START)]

    def journaled(self) -> int:
        """How many that are."""
        folder = self.data / "journal"
        return sum(JournalReader(folder, worker).count_after(START) for worker in workers(folder) if worker != BY_HAND)

    def landed(self) -> int:
        """How many messages the ledger counts."""
        return sum(item["ledger"]["messages"] for item in self.system.client.gateways())

    def in_flight(self) -> int:
        """How many went through the broker and are not in the journal."""
        return len(self.heard.messages - self.kept())

    def kept(self) -> set[bytes]:
        """The messages in the journal, each once however often it came; only what is new is read."""
        folder = self.data / "journal"
        for worker in workers(folder):
            if worker != BY_HAND:
                for record in JournalReader(folder, worker).all_after(self._read.get(worker, START)):
                    self._kept.add(key_of(record.topic, record.payload))
                    self._read[worker] = record.position
        return self._kept

    def ingest(self) -> int | None:
        """The process of ingest now; None between two of them."""
        for pid, _ in descendants(self.system.process.pid):
            with contextlib.suppress(OSError):
                words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
                if b"deploy" in words and words[words.index(b"deploy") + 1] == b"ingest":
                    return pid
        return None

    def reasons(self) -> str:
        """What health says of all that is not well; "" when all is."""
        health = self.system.client.health()
        bad = [str(part["detail"].get("reason", part["name"])) for part in health["parts"] if not part["ok"]]
        return "; ".join(bad)

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it is so; AssertionError when it is not in time, or the playing has ended badly."""

        def looked() -> bool:
            assert self.player is None or self.player.poll() in (None, 0), self._said()
            return condition()

        until(looked, what)

    def finish(self) -> None:
        """Wait until all has been played and has landed; AssertionError with its last words when it gives up."""
        assert self.player is not None
        assert self.player.wait(_ANSWER_S) == 0, self._said()

    def audit(self) -> dict[str, Any]:
        """What `carbonwatch audit --truth` says."""
        asked = [str(COMMAND), "audit", "--truth", str(self.folder / "truth"), "--data", str(self.data)]
        done = subprocess.run([*asked, "--format", "json"], capture_output=True, env=plain_environment(),
                              timeout=_ANSWER_S, check=False)  # fmt: skip
        assert done.returncode in (0, 1), done.stderr.decode("utf-8", "replace")[-2000:]
        said: dict[str, Any] = json.loads(done.stdout)
        assert said["well"] == (done.returncode == 0)
        return said

    def _said(self) -> str:
        return (self.folder / "simulate.log").read_text("utf-8", "replace")[-2000:]


@contextlib.contextmanager
def ground(folder: Path, *, embedded: bool, data: Path | None = None, **environment: str) -> Iterator[Ground]:
    """Start all in a new folder; `data` where its directory is to be elsewhere, `environment` for the system."""
    data = data or folder / "data"
    folder.mkdir(parents=True, exist_ok=True)
    args = ["--port", str(free_port()), "--mqtt-port", str(free_port()), "--no-demo"]
    with contextlib.ExitStack() as stack:
        broker = influx = None
        if not embedded:
            broker, influx = Broker(folder / "broker"), Influx(folder / "influx")
            stack.callback(influx.stop)
            stack.callback(broker.stop)
            args += ["--mqtt", broker.url, "--influx", influx.url]
            environment |= {"INFLUX_TOKEN": influx.token, "CARBONWATCH_INFLUX_ORG": ORG}
        systems = stack.enter_context(contextlib.ExitStack())

        def start() -> System:
            return systems.enter_context(running_system(data, *args, **environment))

        system = start()
        heard = Heard(system.mqtt)
        stack.callback(heard.close)
        yield Ground(data, folder, system, broker, influx, start, heard)


@contextlib.contextmanager
def playing(here: Ground, play: Play) -> Iterator[None]:
    """`carbonwatch simulate` plays meanwhile; ended at the end, if it has not."""
    scenario = here.folder / "scenario.toml"
    scenario.write_text(play.toml(), "utf-8")
    asked = [str(COMMAND), "simulate", "--scenario", str(scenario), "--speed", play.speed, "--seed", "77",
             "--truth", str(here.folder / "truth"), "--data", str(here.data), "--output", "json"]  # fmt: skip
    with (here.folder / "simulate.log").open("wb") as log:
        here.player = subprocess.Popen(asked, stdout=log, stderr=log, env=plain_environment())
    try:
        yield
    finally:
        here.player.kill()
        here.player.wait()


def key_of(topic: str, payload: bytes) -> bytes:
    """What tells a message from all others."""
    return hashlib.sha256(topic.encode() + b"\0" + payload).digest()


def until(condition: Callable[[], bool], what: str, seconds: float = PATIENCE_S) -> None:
    """Look until it is so; AssertionError that says `what` when it is not in time."""
    end, nap = time.monotonic() + seconds, threading.Event()
    while not condition():
        assert time.monotonic() < end, f"{what}: waited {seconds:.0f} s in vain"
        nap.wait(_LOOK_S)
