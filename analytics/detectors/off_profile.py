"""A meter that uses more or less than its own weeks before, hour of the week by hour of the week."""

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.detectors.profile import HOUR, Memory, Normal, Profile
from analytics.detectors.wording import arc_text, clock_arc, clock_words, moment, number
from energy.alert import Finding, Kind
from energy.registry import Meter
from energy.window import to_datetime

Floats = npt.NDArray[np.float64]
# A difference under two counts of the register is not one: each reading is rounded to a count.
ROUNDING = 2
# Above this the reader is told how many times as much, not a percentage.
READABLE_TIMES = 5
_USE = {
    "electricity": ("用电", "electricity"),
    "steam": ("用汽", "steam"),
    "natural_gas": ("用气", "natural gas"),
    "water": ("用水", "water"),
    "compressed_air": ("用压缩空气", "compressed air"),
    "coal": ("用煤", "coal"),
}


@dataclass(frozen=True, slots=True)
class Options:
    """When an hour is off and what makes an episode.

    sigmas, least_share: an hour is off beyond both, the latter a share of the meter's p90 hour; least_hours: off hours
    in a row for a finding; calm_hours: normal hours that end it; bridge_hours: unknown hours that a row may span;
    curve_hours: length of the curve in the evidence; accepted: [start, end) in ms UTC that a person called the new
    normal: the profile begins anew at their start, and they are not judged.
    """

    memory: Memory = field(default_factory=Memory)
    sigmas: float = 6.0
    least_share: float = 0.15
    least_hours: int = 4
    calm_hours: int = 24
    bridge_hours: int = 3
    curve_hours: int = 72
    accepted: tuple[tuple[int, int], ...] = ()


@dataclass(slots=True)
class _Episode:
    """Positions of the off hours; `last` is the newest hour that the episode has seen."""

    off: list[int]
    confirmed: int
    last: int
    until: int | None = None


@dataclass(frozen=True, slots=True)
class _Verdicts:
    """What was said of each hour: normal amount, its bounds (NaN where nothing was), and +1, -1 or 0."""

    expected: Floats
    low: Floats
    high: Floats
    sign: npt.NDArray[np.int8]

    @classmethod
    def of_size(cls, size: int) -> "_Verdicts":
        empty = np.full((3, size), np.nan)
        return cls(empty[0], empty[1], empty[2], np.zeros(size, dtype=np.int8))


def find(
    meter: Meter,
    hours: npt.NDArray[np.int64],
    amount: Floats,
    measured: npt.NDArray[np.bool_],
    zone: str,
    options: Options | None = None,
) -> list[Finding]:
    """Episodes off the meter's profile, oldest first; the last may still be open (`until` None).

    hours: starts of full hours, ms UTC, ascending, gaps allowed [n]; amount: of the hour in the register's unit, NaN
    where not known [n]; measured: False for hours that rest on an estimate [n], neither judged nor learned from.
    Every verdict uses earlier hours only. `value`: observed over the off hours; `limit`: the edge of normal over the
    same hours; `excess`: observed minus expected; all in `unit`, the register's.
    """
    judge = _Judge(meter, hours, amount, measured & np.isfinite(amount), zone, options or Options())
    for at in range(len(hours)):
        judge.see(at)
    return [_finding(judge, episode) for episode in judge.episodes]


class _Judge:
    """Goes once through the hours; what it knows at an hour comes from the hours before."""

    def __init__(
        self,
        meter: Meter,
        hours: npt.NDArray[np.int64],
        amount: Floats,
        known: npt.NDArray[np.bool_],
        zone: str,
        options: Options,
    ) -> None:
        self.meter, self.zone, self.options = meter, zone, options
        self.hours: list[int] = hours.tolist()
        self.amount: list[float] = amount.tolist()
        self.known: list[bool] = known.tolist()
        self.slots = [_slot(ms, zone) for ms in self.hours]
        self.verdicts = _Verdicts.of_size(len(self.hours))
        self.episodes: list[_Episode] = []
        self._profile = Profile(options.memory, ROUNDING * float(meter.resolution))
        self._accepted = sorted(options.accepted)
        self._begun = 0
        self._paused = 0
        self._row: list[int] = []
        self._calm: list[int] = []

    def see(self, at: int) -> None:
        """Judge one hour and move on."""
        accepted = self._enter_accepted(self.hours[at])
        if not self.known[at]:
            return
        if accepted:
            self._learn([at])
            return
        episode = self._open()
        sign = self._sign(at, episode)
        if episode is None:
            self._outside(at, sign)
        else:
            episode.last = at
            self._inside(at, sign, episode)

    def _open(self) -> _Episode | None:
        return self.episodes[-1] if self.episodes and self.episodes[-1].until is None else None

    def _enter_accepted(self, ms: int) -> bool:
        """Whether the hour lies in an accepted range; at the first of a range, forget what was normal."""
        while self._begun < len(self._accepted) and self._accepted[self._begun][0] <= ms:
            episode = self._open()
            if episode is not None:
                self._close(episode)
            self._row, self._calm = [], []
            self._profile.forget()
            self._begun += 1
        return any(start <= ms < end for start, end in self._accepted)

    def _sign(self, at: int, episode: _Episode | None) -> int | None:
        """+1 or -1 for an hour that is off, 0 for a normal one, None where nothing can be said."""
        now = self.hours[episode.off[0]] if episode else self.hours[at]
        normal = self._profile.normal(self.slots[at], now - self._paused)
        if normal is None:
            return None
        margin = _margin(normal, self.options)
        said = self.verdicts
        said.expected[at] = normal.expected
        said.low[at], said.high[at] = normal.expected - margin, normal.expected + margin
        over = self.amount[at] - normal.expected
        said.sign[at] = 0 if abs(over) <= margin else (1 if over > 0 else -1)
        return int(said.sign[at])

    def _outside(self, at: int, sign: int | None) -> None:
        """No episode is open: learn what is normal, and open one at enough off hours in a row."""
        if not sign:
            self._learn([*self._row, at])
            self._row = []
            return
        if self._row and not self._follows(at, sign):
            self._learn(self._row)
            self._row = []
        self._row.append(at)
        if len(self._row) >= self.options.least_hours:
            self.episodes.append(_Episode(off=self._row, confirmed=self.hours[at] + HOUR, last=at))
            self._row = []

    def _follows(self, at: int, sign: int) -> bool:
        before = self._row[-1]
        near = self.hours[at] - self.hours[before] <= (self.options.bridge_hours + 1) * HOUR
        return near and self.verdicts.sign[before] == sign

    def _inside(self, at: int, sign: int | None, episode: _Episode) -> None:
        """An episode is open: nothing is learned until enough normal hours have ended it."""
        if sign:
            episode.off.append(at)
            self._calm = []
        elif sign == 0:
            self._calm.append(at)
            if len(self._calm) >= self.options.calm_hours:
                self._close(episode)
                self._learn(self._calm)
                self._calm = []

    def _close(self, episode: _Episode) -> None:
        episode.until = self.hours[episode.off[-1]] + HOUR
        self._paused += episode.until - self.hours[episode.off[0]]

    def _learn(self, positions: list[int]) -> None:
        for at in positions:
            self._profile.learn(self.slots[at], self.hours[at] - self._paused, self.amount[at])


def _slot(ms: int, zone: str) -> int:
    local = to_datetime(ms, zone)
    return local.weekday() * 24 + local.hour


def _margin(normal: Normal, options: Options) -> float:
    return max(options.sigmas * normal.scale, options.least_share * normal.level)


def _finding(judge: _Judge, episode: _Episode) -> Finding:
    """The episode in figures, over the off hours of its main direction."""
    said, meter = judge.verdicts, judge.meter
    off = np.array(episode.off)
    amount = np.array([judge.amount[at] for at in episode.off])
    over = amount - said.expected[off]
    direction = 1 if over.sum() >= 0 else -1
    mine = off[said.sign[off] == direction]
    observed = float(amount[said.sign[off] == direction].sum())
    expected = float(said.expected[mine].sum())
    limit = float((said.high if direction > 0 else said.low)[mine].sum())
    arc = clock_arc([judge.slots[at] % 24 for at in mine])
    evidence: dict[str, Any] = {
        "hours": len(mine),
        "observed": round(observed, 6),
        "expected": round(expected, 6),
        "unit": meter.unit,
        "direction": "more" if direction > 0 else "less",
        "clock_hours": arc_text(arc),
        "curve": _curve(judge, episode),
    }
    if meter.unit == "kWh":
        evidence |= {"observed_kwh": evidence["observed"], "expected_kwh": evidence["expected"]}
    return Finding(
        kind=Kind.OFF_PROFILE,
        site=meter.site,
        meter=meter.id,
        since=judge.hours[episode.off[0]],
        confirmed=episode.confirmed,
        until=episode.until,
        value=observed,
        limit=limit,
        unit=meter.unit,
        excess=observed - expected,
        what=_what(judge, episode, observed, expected, len(mine), arc),
        evidence=evidence,
    )


def _curve(judge: _Judge, episode: _Episode) -> list[list[float | int | None]]:
    """[ms, observed, expected, low, high] of the newest hours that the episode has seen; None where not known."""
    said = judge.verdicts
    first = judge.hours[episode.last] - (judge.options.curve_hours - 1) * HOUR
    rows: list[list[float | int | None]] = []
    for at in range(max(0, episode.last - judge.options.curve_hours + 1), episode.last + 1):
        if judge.hours[at] >= first:
            figures = (judge.amount[at], said.expected[at], said.low[at], said.high[at])
            rows.append([judge.hours[at], *(round(float(x), 4) if np.isfinite(x) else None for x in figures)])
    return rows


def _what(
    judge: _Judge, episode: _Episode, observed: float, expected: float, count: int, arc: tuple[int, int] | None
) -> dict[str, str]:
    """One sentence by language: what, when, by how much, since when."""
    meter, more = judge.meter, observed >= expected
    when, by, unit = clock_words(arc), _by(meter, observed, expected), meter.unit
    since = moment(judge.hours[episode.off[0]], judge.zone)
    now, usual, sum_ = (number(x) for x in (observed / count, expected / count, abs(observed - expected)))
    end_zh = f"至 {moment(episode.until, judge.zone)} 止" if episode.until else "起"
    end_en = f" until {moment(episode.until, judge.zone)}" if episode.until else ""
    return {
        "zh": f"{meter.name_zh or meter.id}{when['zh']}{by['zh']}（每小时 {now} {unit}，往常 {usual} {unit}），"
        f"自 {since} {end_zh}，累计{'多' if more else '少'}用 {sum_} {unit}。",
        "en": f"{meter.name_en or meter.id} uses {by['en']} {when['en']} "
        f"({now} {unit} an hour, usually {usual} {unit}) since {since}{end_en}; "
        f"{sum_} {unit} {'more' if more else 'less'} in all.",
    }


def _by(meter: Meter, observed: float, expected: float) -> dict[str, str]:
    """By how much: a percentage while it can be read, else how many times as much."""
    zh, en = _USE.get(meter.carrier or "", ("用量", meter.register or ""))
    if expected <= 0:
        return {"zh": f"{zh}，而往常几乎不用", "en": f"{en} where it usually uses almost none"}
    percent = number(100 * abs(observed - expected) / expected)
    if observed / expected > READABLE_TIMES:
        times = number(observed / expected)
        return {"zh": f"{zh}约为往常的 {times} 倍", "en": f"about {times} times its usual {en}"}
    more = observed >= expected
    zh += f"比往常{'高' if more else '低'} {percent} %"
    return {"zh": zh, "en": f"{percent}% {'more' if more else 'less'} {en} than usual"}
