"""A data centre whose PUE over 24 hours stays above its limit, and the meter that drove it there."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from analytics.detectors.wording import moment, number
from energy.alert import Finding, Kind
from energy.pue import Pue, Verdict, ratio
from energy.registry import Site
from energy.window import QUARTER, Step, start_of, to_text

Floats = npt.NDArray[np.float64]
HOUR = 4 * QUARTER
DAY_WINDOWS = 96
DAY = DAY_WINDOWS * QUARTER
IN_A_ROW = 3
CURVE_HOURS = 14 * 24
# What was usual is taken from whole days that end this long before the episode, as a drift begins unseen.
MARGIN_DAYS = 7
USUAL_DAYS = 14
LEAST_USUAL_DAYS = 3
# A meter that rose by less explains nothing.
LEAST_RISE = 0.03


@dataclass(frozen=True, slots=True)
class _Hourly:
    """The verdict over the 24 hours that end at each full hour, and the hour's own IT energy; `at` is ms UTC [h]."""

    at: list[int]
    pue: list[Pue]
    it_kwh: list[float]


@dataclass(slots=True)
class _Episode:
    """Positions in the hourly verdicts: the first one over, the one that confirmed, the newest one over."""

    first: int
    confirmed: int
    over: int
    last: int
    until: int | None = None


def find(
    site: Site,
    start: npt.NDArray[np.int64],
    facility: Floats,
    it: Floats,
    estimated: npt.NDArray[np.bool_],
    submeters: Mapping[str, Floats],
    names: Mapping[str, tuple[str, str]],
    limit: float,
    clear: float,
    floor: float,
) -> list[Finding]:
    """Episodes over `limit`, oldest first; the last may still be open (`until` None).

    start: 15-min windows, ms UTC, ascending and contiguous [n]; facility, it: kWh, NaN where the boundary is not known
    whole [n]; estimated: windows that rest on an estimate [n]; submeters: kWh of the facility's parts other than IT,
    NaN where not known [n]; names: their (Chinese, English) names; clear: the PUE under which an episode ends;
    floor: the least coverage for a verdict. An hour without a verdict neither raises nor ends.
    `value`: the PUE of the newest 24 h over the limit; `excess`: kWh beyond the limit since; `unit` is that of `value`.
    """
    if not len(start):
        return []
    hourly = _rolling(start, facility, it, estimated, limit, floor)
    out = []
    for episode in _episodes(hourly, clear):
        now = hourly.at[episode.over]
        cause = _cause(site, start, facility, submeters, names, hourly.at[episode.first], now, floor)
        out.append(_finding(site, hourly, episode, limit, cause))
    return out


def _rolling(
    start: npt.NDArray[np.int64],
    facility: Floats,
    it: Floats,
    estimated: npt.NDArray[np.bool_],
    limit: float,
    floor: float,
) -> _Hourly:
    known = np.isfinite(facility) & np.isfinite(it)
    columns = [np.where(known, facility, 0.0), np.where(known, it, 0.0), known, known & estimated]
    sums = [np.concatenate(([0], np.cumsum(column))) for column in columns]
    edges = np.append(start, start[-1] + QUARTER)
    ends = np.flatnonzero(edges % HOUR == 0)
    ends = ends[ends > 0]
    begins = np.maximum(ends - DAY_WINDOWS, 0)
    rows = zip(*((total[ends] - total[begins]).tolist() for total in sums), strict=True)
    return _Hourly(
        at=edges[ends].tolist(),
        pue=[ratio(f, i, int(k), int(e), DAY_WINDOWS, limit=limit, floor=floor) for f, i, k, e in rows],
        it_kwh=(sums[1][ends] - sums[1][np.maximum(ends - HOUR // QUARTER, 0)]).tolist(),
    )


def _episodes(hourly: _Hourly, clear: float) -> list[_Episode]:
    """Three verdicts in a row over the limit begin an episode, three in a row under `clear` end it."""
    out: list[_Episode] = []
    over = under = 0
    for at, pue in enumerate(hourly.pue):
        episode = out[-1] if out and out[-1].until is None else None
        judged = pue.verdict is not Verdict.NO_VERDICT and pue.value is not None
        over = over + 1 if pue.verdict is Verdict.EXCEEDS else 0
        under = under + 1 if judged and pue.value is not None and pue.value < clear else 0
        if episode is None:
            if over >= IN_A_ROW:
                out.append(_Episode(first=at - IN_A_ROW + 1, confirmed=at, over=at, last=at))
            continue
        episode.last = at
        if over:
            episode.over = at
        if under >= IN_A_ROW:
            episode.until = hourly.at[at - IN_A_ROW + 1]
    return out


def _cause(
    site: Site,
    start: npt.NDArray[np.int64],
    facility: Floats,
    submeters: Mapping[str, Floats],
    names: Mapping[str, tuple[str, str]],
    since: int,
    now: int,
    floor: float,
) -> dict[str, Any] | None:
    """The part whose last 24 h rose most against its usual day, and its share of the facility's rise."""
    midnight = start_of(since, Step.DAY, site.zone)
    best: dict[str, Any] | None = None
    for meter, amount in submeters.items():
        usual, today = _usual(start, amount, midnight, floor), _sum(start, amount, now - DAY, floor)
        if usual is None or today is None or today - usual <= LEAST_RISE * usual:
            continue
        if best is None or today - usual > best["now_kwh"] - best["usual_kwh"]:
            zh, en = names.get(meter, (meter, meter))
            best = {"meter": meter, "name_zh": zh, "name_en": en, "usual_kwh": usual, "now_kwh": today, "share": None}
    if best is None:
        return None
    usual, today = _usual(start, facility, midnight, floor), _sum(start, facility, now - DAY, floor)
    if usual is not None and today is not None and today > usual:
        best["share"] = min(1.0, (best["now_kwh"] - best["usual_kwh"]) / (today - usual))
    return best


def _usual(start: npt.NDArray[np.int64], amount: Floats, midnight: int, floor: float) -> float | None:
    """The median day of the two weeks before the margin, or of what there is before the episode's day."""
    days = {back: _sum(start, amount, midnight - back * DAY, floor) for back in range(1, MARGIN_DAYS + USUAL_DAYS + 1)}
    sums = [total for back, total in days.items() if back > MARGIN_DAYS and total is not None]
    if len(sums) < LEAST_USUAL_DAYS:
        sums = [total for total in days.values() if total is not None]
    return float(np.median(sums)) if sums else None


def _sum(start: npt.NDArray[np.int64], amount: Floats, begin: int, floor: float) -> float | None:
    """kWh of the 24 hours from `begin`, brought up to the whole day; None under the coverage floor."""
    day = amount[(start >= begin) & (start < begin + DAY)]
    known = day[np.isfinite(day)]
    if not len(known) or len(known) < floor * DAY_WINDOWS:
        return None
    return round(float(known.sum()) * DAY_WINDOWS / len(known), 6)


def _excess(hourly: _Hourly, episode: _Episode, limit: float) -> float:
    """kWh beyond the limit: (PUE - limit) x the hour's IT energy, over the hours that stood above it."""
    over = [hour for hour in range(episode.first, episode.last + 1) if hourly.pue[hour].verdict is Verdict.EXCEEDS]
    return sum(((hourly.pue[hour].value or limit) - limit) * hourly.it_kwh[hour] for hour in over)


def _finding(site: Site, hourly: _Hourly, episode: _Episode, limit: float, cause: dict[str, Any] | None) -> Finding:
    pue, at, since = hourly.pue[episode.over], hourly.at[episode.over], hourly.at[episode.first]
    value, excess = pue.value or limit, _excess(hourly, episode, limit)
    shown = range(max(0, episode.last - CURVE_HOURS + 1), episode.last + 1)
    return Finding(
        kind=Kind.PUE_OVER_LIMIT,
        site=site.id,
        meter=None,
        since=since,
        confirmed=hourly.at[episode.confirmed],
        until=episode.until,
        value=value,
        limit=limit,
        unit="",
        excess=excess,
        what=_what(site, value, limit, since, episode.until, excess, cause),
        evidence={
            "window": {"start": to_text(at - DAY, site.zone), "end": to_text(at, site.zone)},
            "pue": round(value, 4),
            "facility_kwh": round(pue.facility_kwh, 6),
            "it_kwh": round(pue.it_kwh, 6),
            "coverage": pue.coverage,
            "estimated_share": pue.estimated_share,
            "cause": cause,
            "curve": [_point(hourly, hour) for hour in shown],
        },
    )


def _point(hourly: _Hourly, hour: int) -> list[float | int | None]:
    """[ms, PUE], None where there is no verdict."""
    pue = hourly.pue[hour]
    judged = pue.value is not None and pue.verdict is not Verdict.NO_VERDICT
    return [hourly.at[hour], round(pue.value, 4) if judged and pue.value is not None else None]


def _what(
    site: Site,
    value: float,
    limit: float,
    since: int,
    until: int | None,
    excess: float,
    cause: dict[str, Any] | None,
) -> dict[str, str]:
    begun, over = moment(since, site.zone), number(excess)
    end_zh = f"至 {moment(until, site.zone)} 止" if until else "起"
    end_en = f" until {moment(until, site.zone)}" if until else ""
    zh = f"{site.name_zh or site.id}的 24 小时 PUE 为 {value:.2f}，高于限值 {limit:.2f}，自 {begun} {end_zh}，"
    en = f"{site.name_en or site.id}: PUE over 24 hours is {value:.2f}, above the limit of {limit:.2f}, since {begun}"
    zh += f"超限多用 {over} kWh。"
    en += f"{end_en}; {over} kWh beyond the limit."
    if cause is None:
        return {"zh": zh, "en": en}
    share = cause["share"]
    rise = number(100 * (cause["now_kwh"] / cause["usual_kwh"] - 1)) if cause["usual_kwh"] > 0 else None
    more_zh = f"用电比往常多 {rise} %" if rise else "用电，而往常不用"
    more_en = f"uses {rise}% more than usual" if rise else "uses energy, usually none"
    zh += f"主因：{cause['name_zh']}{more_zh}" + (f"，占增量的 {share:.0%}".replace("%", " %") if share else "") + "。"
    en += f" Main cause: {cause['name_en']} {more_en}" + (f", {share:.0%} of the rise" if share else "") + "."
    return {"zh": zh, "en": en}
