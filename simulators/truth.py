"""What really happened in a run: every message and value that was sent, every interval's true energy, every fault.

A truth is a directory. All but `played.json` is a function of scenario, seed, start and days, byte by byte:
run.json        what was played: sites, meters with their registers, gateways
faults.json     every fault with its label, when it was, how many sent readings it touched,
                and how many it kept from being taken
messages.csv    every message in order, with its topic, number, SHA-256 and size; `expect` take or refuse
values.csv      every value of every message, with the time that it was sent with and the time it was truly taken;
                `expect` take or refuse
intervals.csv   each meter's 15-minute windows: the true amount, and what its register counted of it
played.json     when it was played, and the ledgers before it
"""

import csv
import hashlib
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np

from energy.errors import InputError, SetupError
from energy.window import QUARTER, to_text
from simulators.device import Act
from simulators.display import Display
from simulators.script import Script

FORMAT = "carbonwatch truth 1"
Row = dict[str, str]
_MESSAGES = ("message", "due", "site", "gateway", "kind", "boot", "seq", "topic", "sha256", "size", "expect", "how")
_VALUES = ("message", "item", "site", "gateway", "meter", "quantity", "time", "value", "taken", "expect", "labels")
_INTERVALS = ("site", "meter", "start", "true", "counted")
_CHUNK = 96 * 7  # windows


def check_empty(folder: Path) -> None:
    """SetupError unless a truth can be written there."""
    try:
        if folder.exists() and any(folder.iterdir()):
            raise SetupError(f"{folder} is not empty: give --truth a new directory")
    except OSError as error:
        raise SetupError(f"{folder} cannot be read: {error}") from error


class TruthWriter:
    """Writes a truth while it is played; a context manager."""

    def __init__(self, folder: Path) -> None:
        """SetupError when the directory is not empty or cannot be made."""
        self._folder, self._open, self._count = folder, ExitStack(), 0
        self._touched: Counter[str] = Counter()
        try:
            check_empty(folder)
            folder.mkdir(parents=True, exist_ok=True)
            self._messages, self._values = self._table("messages.csv", _MESSAGES), self._table("values.csv", _VALUES)
        except OSError as error:
            raise SetupError(f"{folder} cannot be written: {error}") from error

    def __enter__(self) -> "TruthWriter":
        return self

    def __exit__(self, _t: type[BaseException] | None, _e: BaseException | None, _b: TracebackType | None) -> None:
        self._open.close()

    def begin(self, script: Script, played: dict[str, Any]) -> None:
        """What is played, and every interval's true energy; `played` is what differs from one playing to the next."""
        self._json("run.json", _run(script))
        self._json("played.json", played)
        with (self._folder / "intervals.csv").open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(_INTERVALS)
            for site in script.sites:
                for name, display in site.displays.items():
                    writer.writerows((site.site.id, name, *row) for row in _intervals(display, script.end))

    def add(self, act: Act) -> None:
        """One message with its values."""
        self._count += 1
        expect = "refuse" if act.fault else "take"
        self._messages.writerow((
            self._count, act.due, act.site, act.gateway, act.kind, act.boot, act.seq, act.topic,
            hashlib.sha256(act.payload).hexdigest(), len(act.payload), expect, act.fault,
        ))  # fmt: skip
        for item, (reading, taken, refused, labels) in enumerate(act.carried):
            self._touched.update(labels)
            for name, value in reading.values.items():
                self._values.writerow((
                    self._count, item, act.site, act.gateway, reading.meter, name, reading.time, repr(value), taken,
                    "refuse" if act.fault or name in refused else "take", " ".join(labels),
                ))  # fmt: skip

    def end(self, script: Script, played: dict[str, Any]) -> None:
        """After the last message: the faults with what they touched."""
        zone = script.scenario.zone
        missed: Counter[str] = Counter()
        for site in script.sites:
            for _, device in site.devices:
                missed.update(device.missed)
        self._json("faults.json", [
            {"label": label, "kind": fault.kind, "at": fault.at, "from": to_text(span.start, zone),
             "until": to_text(min(span.end, script.end), zone), "start": span.start, "end": min(span.end, script.end),
             "sizes": fault.sizes, "note": fault.note, "played": span.start <= script.end,
             "readings": self._touched[label], "missed": missed[label]}
            for label, fault, span in script.faults
        ])  # fmt: skip
        self._json("played.json", played)

    def _table(self, name: str, columns: tuple[str, ...]) -> Any:
        file = self._open.enter_context((self._folder / name).open("w", encoding="utf-8", newline=""))
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(columns)
        return writer

    def _json(self, name: str, value: object) -> None:
        text = json.dumps(value, ensure_ascii=False, indent=1)
        (self._folder / name).write_text(text + "\n", encoding="utf-8")


class Truth:
    """A truth that was written; the tables are read row by row."""

    def __init__(self, folder: Path) -> None:
        """SetupError when it is none, or was not written to its end."""
        self._folder = folder
        try:
            self.run: dict[str, Any] = json.loads((folder / "run.json").read_text(encoding="utf-8"))
            self.faults: list[dict[str, Any]] = json.loads((folder / "faults.json").read_text(encoding="utf-8"))
            self.played: dict[str, Any] = json.loads((folder / "played.json").read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SetupError(f"{folder} is no truth that was written to its end: {error}") from error
        if self.run.get("format") != FORMAT:
            raise SetupError(f"{folder}: the format is {self.run.get('format')!r}, not {FORMAT!r}")

    def messages(self) -> Iterator[Row]:
        """The rows of messages.csv."""
        return self._rows("messages.csv", _MESSAGES)

    def values(self) -> Iterator[Row]:
        """The rows of values.csv."""
        return self._rows("values.csv", _VALUES)

    def intervals(self) -> Iterator[Row]:
        """The rows of intervals.csv."""
        return self._rows("intervals.csv", _INTERVALS)

    def _rows(self, name: str, columns: tuple[str, ...]) -> Iterator[Row]:
        with (self._folder / name).open(encoding="utf-8", newline="") as file:
            reader = csv.DictReader(file)
            if tuple(reader.fieldnames or ()) != columns:
                raise InputError("bad_truth", f"{name}: its columns are not {', '.join(columns)}")
            for row in reader:
                if None in row.values() or None in row:
                    raise InputError("bad_truth", f"{name}: line {reader.line_num} is not whole")
                yield row


def _run(script: Script) -> dict[str, Any]:
    return {
        "format": FORMAT, "scenario": script.scenario.name, "about": script.scenario.about, "seed": script.seed,
        "zone": script.scenario.zone, "start": script.start, "end": script.end, "period": script.scenario.period,
        "sites": [
            {"site": site.site.id, "kind": site.site.kind, "gateways": [name for name, _ in site.devices],
             "boundary": None if site.site.boundary is None else
             {"facility": list(site.site.boundary.facility), "it": list(site.site.boundary.it)},
             "meters": [_meter(display, display.meter in site.registered) for display in site.displays.values()]}
            for site in script.sites
        ],
    }  # fmt: skip


def _meter(display: Display, registered: bool) -> dict[str, Any]:
    meter = display.meter
    return {
        "meter": meter.id, "register": meter.register, "gauge": display.gauge, "resolution": str(meter.resolution),
        "modulus": meter.modulus, "parent": meter.parent, "registered": registered,
        "swaps": [swap._asdict() for swap in display.swaps()],
    }  # fmt: skip


def _intervals(display: Display, end: int) -> Iterator[tuple[int, Decimal, Decimal]]:
    """Each 15-minute window: start, the true amount, what the register counted; both exact, in the register's unit."""
    if display.meter.register is None:
        return
    for first in range(display.epoch // QUARTER, end // QUARTER, _CHUNK):
        slots = np.arange(first, min(first + _CHUNK, end // QUARTER), dtype=np.int64)
        true, counted = display.truth(slots)
        for slot, real, said in zip(slots.tolist(), true.tolist(), counted.tolist(), strict=True):
            yield slot * QUARTER, Decimal(real).scaleb(-2), said * display.meter.resolution
