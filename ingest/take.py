"""Takes a batch's messages in one pass: what is written, and what the plan must say of the rest."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from energy import manual
from energy.reading import EARLIEST, MAX_AHEAD, Reading
from energy.store.port import Point, Series
from ingest.arrival import Arrival, Origin, conflict_row, held_row, quarantine_rows
from ingest.check import check
from ingest.decode.message import Entries, Item, Refusal
from ingest.plan import Plan, Tally
from ingest.sift import QUALITY, Sieve, Times

Known = Mapping[str, Mapping[str, Series]]  # site → meter → its series
_NO_METERS: Mapping[str, Series] = {}


class Late(NamedTuple):
    """A reading that is not newer than all known of its meter, with where it came from."""

    point: Point
    origin: Origin
    item: int
    tally: Tally


class Take:
    """Readings of one batch in order of arrival; `settle` ends it.

    points: what is to be written; newest: to be put into the sieve's when the plan is decided.
    """

    def __init__(self, plan: Plan, known: Known, sieve: Sieve) -> None:
        """`known`: the registered meters."""
        self._plan, self._known, self._sieve = plan, known, sieve
        self.points: list[Point] = []
        self.newest: Times = {}  # of the sites in this batch
        self._late: list[Late] = []
        self._spans: dict[str, dict[str, list[int]]] = {}  # of what is written, by site and meter
        self._heard: dict[Series, list[int]] = {}
        self.readings = 0

    def entries(self, origin: Origin, tally: Tally, message: Entries, topic: str, size: int) -> None:
        """A message of usual entries: each is taken here at once, what is odd about its meter or time as an item."""
        known, newest = self._known.get(origin.site, _NO_METERS), self._newest_of(origin.site)
        points, spans = self.points, self._spans.setdefault(origin.site, {})
        received_at, horizon = origin.received_at, origin.received_at + MAX_AHEAD
        taken = 0
        refusals: list[tuple[int, Refusal]] = []
        for number, fields in enumerate(message.entries):
            meter, time = fields.pop("meter"), fields.pop("ts")
            fields.pop("q", None)
            series, last = known.get(meter), newest.get(meter)
            if series is None or last is None or not EARLIEST <= time <= horizon or not fields:
                self._item(origin, tally, number, message.items[number], refusals)
                continue
            fields[QUALITY] = 0.0
            point = Point(series, time, fields)
            if time <= last:
                tally.received += len(fields) - 1
                self._late.append(Late(point, origin, number, tally))
                continue
            newest[meter] = time
            taken += len(fields) - 1
            points.append(point)
            span = spans.get(meter)
            if span is None:
                spans[meter] = [time, time, received_at]
            else:  # newer than all before, so it ends the span
                span[1], span[2] = time, received_at
        tally.received += taken
        tally.landed += taken
        self.readings += len(message.entries)
        if refusals:
            self._plan.quarantine += quarantine_rows(origin, refusals, topic, size)

    def items(self, origin: Origin, tally: Tally, items: Sequence[Item], topic: str, size: int) -> None:
        """Any dialect's items."""
        refusals: list[tuple[int, Refusal]] = []
        for number, item in enumerate(items):
            self._item(origin, tally, number, item, refusals)
        self.readings += len(items)
        if refusals:
            self._plan.quarantine += quarantine_rows(origin, refusals, topic, size)

    def held(self, arrival: Arrival, tally: Tally) -> None:
        """A reading that was held and may land; `settle` says what is written of it."""
        series = Series("meter", arrival.origin.site, arrival.reading.meter)
        self._late.append(Late(_point(series, arrival.reading), arrival.origin, arrival.item, tally))

    def settle(self) -> list[tuple[Late, Point]]:
        """Sift what is not newer than all known, and tell the plan; what of it is written, with where it came from."""
        written = []
        verdicts = self._sieve.sift([late.point for late in self._late], self.points) if self._late else []
        for late, verdict in zip(self._late, verdicts, strict=True):
            (series, time, _), origin, number, tally = late
            tally.landed += len(verdict.new.keys() - {QUALITY})
            tally.duplicate += verdict.duplicates
            tally.conflict += len(verdict.clashes)
            arrival = Arrival(origin, number, Reading(series.meter, time, {}))
            self._plan.conflict += [conflict_row(arrival, clash, self._plan.at) for clash in verdict.clashes]
            self._plan.old[f"{origin.position.row}/{number}"] = verdict.new
            if verdict.new:
                written.append((late, Point(series, time, verdict.new)))
                self._touch(series, time)
                newest = self._newest_of(series.site)
                if time > newest.get(series.meter, time):
                    newest[series.meter] = time
            if origin.worker != manual.WORKER:
                _widen(self._heard, series, time, origin.received_at)
        self.points += [point for _, point in written]
        self._tell()
        return written

    def _tell(self) -> None:
        """What was touched, and which meters were heard of when: a person's word is no sign of life of a meter."""
        for site, spans in self._spans.items():
            for meter, (first, last, received_at) in spans.items():
                self._plan.touched.append({"site": site, "meter": meter, "first": first, "last": last})
                if received_at:
                    _widen(self._heard, Series("meter", site, meter), last, received_at)
        for series, (time, received_at) in self._heard.items():
            self._plan.heard.append(
                {"site": series.site, "meter": series.meter, "received_at": received_at, "time": time}
            )

    def _item(
        self, origin: Origin, tally: Tally, number: int, item: Item, refusals: list[tuple[int, Refusal]]
    ) -> None:  # fmt: skip
        """One item: refused, held, or on its way; the ledger hears of it."""
        reading, refused = item.reading, item.refusals
        received = sum(refusal.count for refusal in refused)
        if reading is not None:
            received += len(reading.values)
            reading, more = check(reading, origin.received_at)
            refused += more
        tally.received += received
        tally.refused += sum(refusal.count for refusal in refused)
        refusals += [(number, refusal) for refusal in refused]
        if reading is not None:
            self._arrive(Arrival(origin, number, reading), tally)

    def _arrive(self, arrival: Arrival, tally: Tally) -> None:
        """A reading that can be true: held where its meter is not known, written at once where it is the newest."""
        origin, reading = arrival.origin, arrival.reading
        series = self._known.get(origin.site, _NO_METERS).get(reading.meter)
        if series is None:
            self._plan.held.append(held_row(arrival))
            tally.held += len(reading.values)
            return
        point = _point(series, reading)
        newest = self._newest_of(origin.site)
        last = newest.get(reading.meter)
        if last is None:
            last = newest[reading.meter] = self._sieve.learn(series)
        if reading.time <= last:
            self._late.append(Late(point, origin, arrival.item, tally))
            return
        newest[reading.meter] = reading.time
        self.points.append(point)
        tally.landed += len(reading.values)
        self._touch(series, reading.time)
        if origin.worker != manual.WORKER:
            _widen(self._heard, series, reading.time, origin.received_at)

    def _newest_of(self, site: str) -> dict[str, int]:
        """The newest times of a site's meters, which this batch may change."""
        found = self.newest.get(site)
        if found is None:
            found = self.newest[site] = dict(self._sieve.newest.get(site, {}))
        return found

    def _touch(self, series: Series, time: int) -> None:
        span = self._spans.setdefault(series.site, {}).setdefault(series.meter, [time, time, 0])
        span[0], span[1] = min(span[0], time), max(span[1], time)


def _point(series: Series, reading: Reading) -> Point:
    return Point(series, reading.time, {**reading.values, QUALITY: float(reading.quality)})


def _widen(heard: dict[Series, list[int]], series: Series, time: int, received_at: int) -> None:
    last = heard.setdefault(series, [time, received_at])
    last[0], last[1] = max(last[0], time), max(last[1], received_at)
