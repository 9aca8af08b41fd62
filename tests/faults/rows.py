"""The rows of the matrix: what is played, what is done meanwhile, and to whom."""

import contextlib
import shutil
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import httpx

from energy.errors import CarbonwatchError
from tests.faults import strokes
from tests.faults.ground import Ground, ground, playing
from tests.faults.peer import Peer, kill_telegraf, kill_telegraf_and_broker, race
from tests.faults.plays import Play

REAL, EMBEDDED = "Mosquitto, InfluxDB", "embedded pair"
_DISK_MIB = 160
_LEAST_FREE = "8000000"  # of the small disk; the limit's default is more than it has


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the matrix; `peer` is the same for Telegraf, None where it makes no sense, and `why` says so."""

    name: str
    what: str
    play: Play
    stroke: Callable[[Ground], None]
    embedded: tuple[bool, ...] = (False,)
    peer: Callable[[Peer], None] | None = None
    why: str = ""
    disk: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one row on one pair; `other` are findings of other words, `telegraf` is lost, wrong and more.

    trouble: why there is no verdict; "" where there is one.
    """

    name: str
    pair: str
    values: int = 0
    redelivered: int = 0
    lost: int = 0
    doubled: int = 0
    unexplained: int = 0
    other: int = 0
    seconds: float = 0.0
    notes: list[str] = field(default_factory=list)
    telegraf: dict[str, int] | None = None
    trouble: str = ""

    @property
    def well(self) -> bool:
        """Whether nothing was lost, doubled or left unexplained, nor anything else found."""
        return not self.trouble and not (self.lost or self.doubled or self.unexplained or self.other)

    def document(self) -> dict[str, Any]:
        """As JSON."""
        return asdict(self) | {"well": self.well}


_ALL_DAY = {"from": "day 1 00:00"}
_KINDS: dict[str, dict[str, object]] = {
    "duplicates": {"kind": "duplicate", **_ALL_DAY, "share": 0.05},
    "shuffled": {"kind": "reorder", "from": "day 1 06:00", "for": "72 min", "block": "36 min"},
    "malformed": {"kind": "malformed", **_ALL_DAY, "share": 0.01},
    "backlog": {"kind": "outage", "from": "day 1 08:00", "for": "6 h"},
}
_SAID = {
    "duplicates": "5 % of the readings are sent once more",
    "shuffled": "72 minutes, 5 % of the day, are sent in another order",
    "malformed": "1 % of the messages is mangled beyond reading",
    "backlog": "every line is down for 6 h, and the backlog comes at once",
}


def rows(kills: int = 20, outage: float = 60.0, size: float = 1.0) -> list[Row]:
    """The matrix; kills: of ingest; outage: seconds without InfluxDB; size: times the sites of a full run."""
    sites = max(1, round(4 * size))
    load = Play(days=3, sites=sites)
    count = 6 * sites * 288 * 3
    calm = Play(days=3, sites=sites, seconds=outage * 1.4)
    brief = Play(days=3, sites=sites, seconds=40.0 * max(size, 0.5))
    return [
        Row("ingest killed", f"kill -9 of ingest {kills} times under load", load,
            partial(strokes.kill_ingest, messages=count, kills=kills), (False, True),
            partial(kill_telegraf, messages=count, kills=kills)),
        Row("all killed", "kill -9 of `carbonwatch up` with all its parts, twice", load,
            partial(strokes.kill_system, messages=count, kills=2), (False, True), why="it is one process"),
        Row("broker killed", "kill -9 of Mosquitto twice, back after 2 s", brief,
            partial(strokes.kill_broker, messages=count, kills=2), (False,),
            partial(strokes.kill_broker, messages=count, kills=2)),
        Row("both killed", "kill -9 of ingest, and of Mosquitto while it keeps messages for it", brief,
            partial(strokes.kill_both, messages=count), (False,), partial(kill_telegraf_and_broker, messages=count)),
        Row("store held", f"InfluxDB stands still for {outage:.0f} s (SIGSTOP)", calm,
            partial(strokes.hold_influx, messages=count, seconds=outage), (False,),
            partial(strokes.hold_influx, messages=count, seconds=outage)),
        Row("store stopped", f"InfluxDB is ended, and started after {outage:.0f} s", calm,
            partial(strokes.stop_influx, messages=count, seconds=outage), (False,),
            partial(strokes.stop_influx, messages=count, seconds=outage)),
        Row("disk full", "the data directory's disk is filled for a while", brief,
            partial(strokes.fill_disk, messages=count), (False, True), why="it keeps nothing on disk", disk=True),
        *(Row(name, _SAID[name], Play(days=1, sites=sites, every="5 min", batch=3, faults=(fault,)), strokes.nothing,
              (False, True), strokes.nothing) for name, fault in _KINDS.items()),
    ]  # fmt: skip


def run(row: Row, folder: Path, *, embedded: bool, telegraf: bool) -> Outcome:
    """Play one row in a new folder; what goes wrong on the way is its `trouble`."""
    begun, pair = time.monotonic(), EMBEDDED if embedded else REAL
    made = Outcome(row.name, pair)
    try:
        with contextlib.ExitStack() as stack:
            data, environment = None, {}
            if row.disk:
                data = stack.enter_context(strokes.small_disk(folder / "data", _DISK_MIB))
                environment = {"CARBONWATCH_DISK_FREE_BYTES": _LEAST_FREE}
            here = stack.enter_context(ground(folder, embedded=embedded, data=data, **environment))
            with playing(here, row.play):
                row.stroke(here)
                here.finish()
            made = _judged(row, pair, here, time.monotonic() - begun)
            if telegraf and row.peer is not None and not embedded:
                counted, notes = race(folder / "telegraf", here, row.play.seconds or 30.0, row.peer)
                made = _with(made, telegraf=counted._asdict(), notes=made.notes + [f"Telegraf: {n}" for n in notes])
    except (AssertionError, OSError, CarbonwatchError, httpx.HTTPError) as error:
        made = _with(made, trouble=f"{type(error).__name__}: {error}"[:3000])
    return made


def run_in_turn(row: Row, *, telegraf: bool, keep: bool = False) -> list[Outcome]:
    """Every pair of a row, each in a temporary folder, which stays where it did not go well and `keep` is said."""
    done = []
    for embedded in row.embedded:
        folder = Path(tempfile.mkdtemp(prefix="faults-"))
        outcome = run(row, folder / "round", embedded=embedded, telegraf=telegraf)
        if outcome.well or not keep:
            shutil.rmtree(folder, ignore_errors=True)
        else:
            outcome.notes.append(f"kept in {folder}")
        done.append(outcome)
    return done


def _judged(row: Row, pair: str, here: Ground, seconds: float) -> Outcome:
    said = here.audit()
    found, counts = said["found"], said["counts"]
    words = ("lost", "doubled", "unexplained")
    other = sum(number for word, number in found.items() if word not in words)
    notes = here.notes + [f"{one['kind']}: {one['text']}" for one in said["findings"][:5]]
    return Outcome(
        row.name, pair, counts["values"], counts.get("redelivered", 0), found["lost"], found["doubled"],
        found["unexplained"], other, round(seconds, 1), notes,
    )  # fmt: skip


def _with(outcome: Outcome, **changes: Any) -> Outcome:
    return Outcome(**(asdict(outcome) | changes))
