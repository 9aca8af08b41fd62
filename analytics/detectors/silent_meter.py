"""A meter that should report and does not."""

from analytics.detectors.wording import number
from energy.alert import Finding, Kind
from energy.registry import Meter
from energy.window import to_text

LEAST_SILENCE = 15 * 60 * 1000  # ms; shorter silences are left to the gateway's own resending
PERIODS = 3
_MINUTE = 60_000


def tolerance(reports_every: int) -> int:
    """The silence in ms that is still borne by a meter that reports every `reports_every` seconds.

    >>> tolerance(900) // 60_000, tolerance(5) // 60_000
    (45, 15)
    """
    return max(LEAST_SILENCE, PERIODS * reports_every * 1000)


def find(
    meter: Meter, last_reading: int | None, last_received: int | None, watching_since: int, now: int
) -> list[Finding]:
    """One open finding while the meter is silent, else none; times in ms UTC.

    last_reading: the newest reading's own time; last_received: when anything last came from the meter;
    watching_since: when this system began, or began again, to listen: its own absence is nobody's silence, so only
    time spent listening confirms; `since` is the last sign of life all the same. `value` and `limit` in minutes.
    """
    if meter.reports_every is None:
        return []
    since = watching_since if last_received is None else last_received
    bearable = tolerance(meter.reports_every)
    confirmed = max(since, watching_since) + bearable
    silence = now - since
    if now <= confirmed:
        return []
    return [
        Finding(
            kind=Kind.SILENT_METER,
            site=meter.site,
            meter=meter.id,
            since=since,
            confirmed=confirmed,
            until=None,
            value=silence / _MINUTE,
            limit=bearable / _MINUTE,
            unit="min",
            excess=(silence - bearable) / _MINUTE,
            what=_what(meter, silence, meter.reports_every),
            evidence={
                "last_reading": None if last_reading is None else to_text(last_reading),
                "last_received": None if last_received is None else to_text(last_received),
                "reports_every": meter.reports_every,
            },
        )
    ]


def _what(meter: Meter, silence: int, reports_every: int) -> dict[str, str]:
    minutes = silence / _MINUTE
    long_zh = f"{number(minutes)} 分钟" if minutes < 120 else f"{number(minutes / 60)} 小时"
    long_en = f"{number(minutes)} minutes" if minutes < 120 else f"{number(minutes / 60)} hours"
    return {
        "zh": f"{meter.name_zh or meter.id}已 {long_zh}没有上传数据（应每 {reports_every} 秒一次）。",
        "en": f"Nothing has come from {meter.name_en or meter.id} for {long_en} (expected every {reports_every} s).",
    }
