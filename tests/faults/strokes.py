"""What is done to a system, or to Telegraf in its place, while messages flow."""

import contextlib
import os
import random
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

from tests.faults.around import Broker, Influx
from tests.faults.ground import Ground, Heard, until

_SEED = 6
_REST_S = 2.0
_SOME = 200  # messages
AWAY_S = 1.5  # less than what `up` waits before it starts ingest again
_STANDS_S = 3.0  # several times what ingest waits until it tries again
_KEPT_S = 5.0  # for how long nothing may be acknowledged


class Under(Protocol):
    """Who consumes, and what is around it."""

    broker: Broker | None
    influx: Influx | None
    heard: Heard
    notes: list[str]

    def wait(self, condition: Callable[[], bool], what: str) -> None:
        """Until it is so; AssertionError when it is not in time."""


Stroke = Callable[[Ground], None]


def nothing(_here: Under) -> None:
    """What goes wrong stands in the scenario."""


def kill_ingest(here: Ground, messages: int, kills: int) -> None:
    """kill -9 as soon as so many are journaled, each counted once: points drawn by a seed out of `messages`.

    Where a point is passed while it is down, it gets some way first: gateways give up after a minute without a receipt.
    """
    for number, drawn in enumerate(points(messages, kills), 1):
        here.wait(lambda: here.ingest() is not None, "ingest does not come back")
        point = max(drawn, len(here.kept()) + _SOME)
        here.wait(lambda: len(here.kept()) >= point, f"kill {number} at {point}")  # noqa: B023
        landed = here.landed()
        pid = here.ingest()
        if pid is None:
            here.notes.append(f"kill {number}: it had ended by itself")
            continue
        os.kill(pid, signal.SIGKILL)
        here.notes.append(
            f"kill {number} at {point:,}: {here.in_flight():,} in flight, {len(here.kept()):,} journaled "
            f"({here.journaled():,} with those that came again), "
            f"{landed:,} landed"
        )


def points(messages: int, count: int) -> list[int]:
    """So many points of a run of `messages`, drawn by a seed, none at its very end."""
    return sorted(random.Random(_SEED).sample(range(messages // 50, messages * 9 // 10), count))


def kill_system(here: Ground, messages: int, kills: int) -> None:
    """kill -9 of `carbonwatch up`, which takes its broker and all its parts with it; started again at once."""
    for point in points(messages, kills):
        here.wait(lambda: here.journaled() >= point, f"kill at {point}")  # noqa: B023
        here.notes.append(f"killed at {here.journaled():,} journaled")
        here.system.process.kill()
        here.system.process.wait()
        here.system = here.restart()


def kill_broker(here: Under, messages: int, kills: int) -> None:
    """kill -9 of Mosquitto, which loses what came since it last saved; back after two seconds."""
    assert here.broker is not None
    for point in points(messages, kills):
        here.wait(lambda: len(here.heard.messages) >= point, f"broker killed at {point}")  # noqa: B023
        here.broker.kill()
        here.notes.append(f"killed when {len(here.heard.messages):,} had gone through it")
        time.sleep(_REST_S)
        here.broker.start()


def kill_both(here: Ground, messages: int) -> None:
    """kill -9 of ingest, and of Mosquitto when it has taken messages for it for a while."""
    assert here.broker is not None
    here.wait(lambda: here.ingest() is not None and here.journaled() >= messages // 3, "begin")
    pid = here.ingest()
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    time.sleep(AWAY_S)
    here.notes.append(f"{here.in_flight():,} were in flight when the broker was killed")
    here.broker.kill()
    here.broker.start()


def hold_influx(here: Under, messages: int, seconds: float) -> None:
    """InfluxDB stands still (SIGSTOP): it takes connections, and answers nothing."""
    assert here.influx is not None
    here.wait(lambda: len(here.heard.messages) >= messages // 10, "begin")
    with here.influx.held():
        time.sleep(seconds)


def stop_influx(here: Under, messages: int, seconds: float) -> None:
    """InfluxDB is ended, and started again."""
    assert here.influx is not None
    here.wait(lambda: len(here.heard.messages) >= messages // 10, "begin")
    here.influx.stop()
    time.sleep(seconds)
    here.influx.start()


def fill_disk(here: Ground, messages: int) -> None:
    """The data directory's disk, which is one of its own, is filled to the last byte for a while.

    Then nothing may be journaled, health must say why, and all must go on by itself once there is room.
    """
    assert os.path.ismount(here.data), "a disk of its own can be mounted by root alone"
    here.wait(lambda: here.journaled() >= messages // 5, "begin")
    filler = here.data / "filler"
    fill(filler)
    here.wait(lambda: "nearly full" in here.reasons(), "health says nothing of the disk")
    said, before = here.reasons(), _settled(here)
    time.sleep(_KEPT_S)
    assert here.journaled() == before, "journaled on a full disk"
    waiting = here.in_flight()
    assert waiting > 0, "nothing waited, so nothing is said"
    filler.unlink()
    begun = time.monotonic()
    here.wait(lambda: here.journaled() > before, "nothing is journaled though there is room")
    here.notes.append(f"a tmpfs was full; {waiting:,} messages waited unacknowledged; health said: {said}; went on "
                      f"{time.monotonic() - begun:.1f} s after there was room")  # fmt: skip


def _settled(here: Ground) -> int:
    """How many are journaled once it has come to a stand."""
    count, since = -1, time.monotonic()

    def stands() -> bool:
        nonlocal count, since
        if (now := here.journaled()) != count:
            count, since = now, time.monotonic()
        return time.monotonic() - since > _STANDS_S

    until(stands, "the journal grows on a full disk")
    return count


def fill(filler: Path) -> None:
    """Write a file until nothing more fits."""
    with filler.open("wb", buffering=0) as out:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while out.write(b"x" * size):
                    pass


@contextlib.contextmanager
def small_disk(folder: Path, mebibytes: int) -> Iterator[Path]:
    """A directory on a disk of its own (tmpfs), where it can be mounted; else any directory."""
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", f"size={mebibytes}m", "carbonwatch-test", str(folder)]
    mounted = os.geteuid() == 0 and subprocess.run(mount, capture_output=True, check=False).returncode == 0
    try:
        yield folder
    finally:
        if mounted:
            subprocess.run(["umount", "-l", str(folder)], check=True)
