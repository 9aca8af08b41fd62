"""What one gateway sends, message by message: a pure function of scenario and seed."""

import gzip
import heapq
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple

import numpy as np

from energy.reading import Reading
from energy.topic import base_topic
from energy.window import to_text
from simulators.display import Meterlike
from simulators.faults.fault import Placed
from simulators.faults.mangle import mangled
from simulators.faults.wire import Malformed
from simulators.gateway import encode
from simulators.handling import Handling, Parts
from simulators.line import Clock, Line
from simulators.noise import DAY, Ints, key_of, uniform

_SOON = 2_000  # ms from a reading to its message
_LINE, _EVENT, _READING = range(3)  # what comes first of what is due at once


class Carried(NamedTuple):
    """A reading as it is sent: when it was truly taken, what of it cannot be stored, and the labels that touch it."""

    reading: Reading
    taken: int
    refused: frozenset[str]
    labels: tuple[str, ...]


class Act(NamedTuple):
    """One thing that a gateway does at `due` (simulated ms UTC).

    kind: `telemetry`, `birth`, `event`, or `cut` and `connect` of its line (payload: the will). seq: its number, 0 for
    what has none. fault: how the message is mangled, "" when it is whole.
    """

    due: int
    site: str
    gateway: str
    kind: str
    boot: str
    seq: int
    payload: bytes
    carried: tuple[Carried, ...] = ()
    fault: str = ""

    @property
    def topic(self) -> str:
        """Where it is published."""
        return f"{base_topic(self.site, self.gateway)}/{self.kind}"


@dataclass(frozen=True, slots=True)
class Sending:
    """How a gateway makes messages."""

    site: str
    name: str
    batch: int
    gzip: bool
    drift: str


class Device:
    """One gateway's script."""

    def __init__(self, sending: Sending, displays: Sequence[Meterlike], faults: Sequence[Placed], key: int) -> None:
        """displays: of its meters, all of one epoch; faults: those on its way; key: of its chances and boots."""
        self._sending, self._displays, self._key = sending, displays, key
        self._line = Line(displays[0].epoch, faults, key)
        self._clock = Clock(self._line, faults, sending.drift)
        self._handling = Handling(faults, sending.name, key)
        self._malformed = [(label, fault, span) for label, fault, span in faults if isinstance(fault, Malformed)]
        self._begin()

    def _begin(self) -> None:
        self._due: list[tuple[int, int, int, object]] = []
        self._number = count()
        self._seq: dict[str, int] = {}
        self._messages = self._last = 0
        self._open = False  # whether what was sent last has no number
        self._handling.missed.clear()

    @property
    def missed(self) -> Mapping[str, int]:
        """How many readings were not taken in the newest `acts`, by the label of what prevented them."""
        return self._handling.missed

    def acts(self, end: int, period: int) -> Iterator[Act]:
        """Everything that it does, in the order of `due`; readings every `period` ms from the epoch to `end`."""
        self._begin()
        epoch = self._displays[0].epoch
        self._plan_line(end)
        for start in range(epoch, end + 1, DAY):
            times = np.arange(start, min(start + DAY, end + 1), period, dtype=np.int64)
            self._read(times)
            yield from self._until(int(times[-1]) + 1)
        yield from self._until(None)
        if self._open:
            yield self._message(self._last + _SOON, ())  # its receipt is that of what has no number

    def _plan_line(self, end: int) -> None:
        for cut in self._line.cuts(end):
            self._push(cut, _LINE, "cut")
        for back in self._line.returns(end):
            self._push(back, _LINE, "connect")
        for display in self._displays:
            for swap in display.swaps():
                if swap.time <= end:
                    said = {"event": "meter_swap", "meter": display.meter.id, "ts": self._clock.shows(swap.time),
                            "last": swap.last, "first": swap.first}  # fmt: skip
                    self._push(self._line.ready(swap.time + _SOON), _EVENT, said)

    def _read(self, times: Ints) -> None:
        """Take the readings of one day, and plan when each is sent."""
        said = {display.meter.id: (display, display.say(times)) for display in self._displays}
        for place, time in enumerate(times.tolist()):
            if off := self._line.off(time):
                self._handling.missed.update(dict.fromkeys(off, len(said)))
                continue
            stamp = self._clock.shows(time)
            for parts in self._handling.read(said, place, time):
                for due, carried in self._carry(parts, time, stamp):
                    labels = (*carried.labels, *self._line.kept(due))
                    self._push(self._line.ready(due), _READING, carried._replace(labels=labels))

    def _carry(self, parts: Parts, time: int, stamp: int) -> Iterator[tuple[int, Carried]]:
        """One reading → each time that it is sent, with what is sent."""
        for copy in self._handling.copies(parts, time):
            reading = Reading(parts.meter, stamp, copy.values)
            yield time + _SOON + copy.delay, Carried(reading, time, copy.refused, copy.labels)

    def _push(self, due: int, rank: int, what: object) -> None:
        heapq.heappush(self._due, (due, rank, next(self._number), what))

    def _until(self, end: int | None) -> Iterator[Act]:
        """What is due before `end`; readings that are due at the same moment go together."""
        while self._due and (end is None or self._due[0][0] < end):
            due, rank, _, what = heapq.heappop(self._due)
            self._last = due
            if rank == _LINE:
                yield from self._line_act(due, str(what))
            elif rank == _EVENT:
                yield self._said(due, "event", what)  # type: ignore[arg-type]
            else:
                together = [what]
                while self._due and self._due[0][:2] == (due, _READING):
                    together.append(heapq.heappop(self._due)[3])
                for at in range(0, len(together), self._sending.batch):
                    yield self._message(due, tuple(together[at : at + self._sending.batch]))  # type: ignore[arg-type]

    def _line_act(self, due: int, what: str) -> Iterator[Act]:
        boot = self._line.boot(due)
        will = json.dumps({"boot": boot}).encode()
        yield Act(due, self._sending.site, self._sending.name, what, boot, 0, will)
        if what == "connect":
            meters = [display.meter.id for display in self._displays]
            yield self._said(due, "birth", {"meters": meters, "software": "carbonwatch simulated gateway"})

    def _said(self, due: int, kind: str, body: dict[str, object]) -> Act:
        boot = self._line.boot(due)
        whole = {"boot": boot, "sent": to_text(self._clock.shows(due)), **body}
        payload = json.dumps(whole, separators=(",", ":")).encode()
        self._open = True
        return Act(due, self._sending.site, self._sending.name, kind, boot, 0, payload)

    def _message(self, due: int, carried: tuple[Carried, ...]) -> Act:
        boot = self._line.boot(due)
        seq = self._seq.get(boot, 0) + 1
        readings = [one.reading for one in carried]
        payload = encode(boot, seq, self._clock.shows(due), readings, finite=False)
        if self._sending.gzip:
            payload = gzip.compress(payload, mtime=0)
        fault = ""
        if carried and (labels := self._mangling(due)):
            seq = 0
            carried = tuple(one._replace(labels=(*one.labels, *labels)) for one in carried)
            payload, fault = mangled(payload, self._messages)
        else:
            self._seq[boot] = seq
        self._open = bool(fault)
        self._messages += 1
        return Act(due, self._sending.site, self._sending.name, "telemetry", boot, seq, payload, carried, fault)

    def _mangling(self, due: int) -> list[str]:
        """The labels of what mangles the next message."""
        number = np.array([self._messages])
        return [
            label
            for label, fault, span in self._malformed
            if span.has(due) and uniform(key_of(self._key, label), number)[0] < fault.share
        ]
