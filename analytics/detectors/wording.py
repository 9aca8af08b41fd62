"""How findings write numbers, moments and clock hours for people, in Chinese and English."""

from collections import Counter
from collections.abc import Sequence

from energy.window import to_datetime

DAY_HOURS = 24
# An arc of the clock that leaves out fewer hours than this is the whole day to a reader.
LEAST_REST = 4
NIGHT_FROM, NIGHT_LENGTH = 20, 12


def number(value: float) -> str:
    """Three significant digits for small amounts, whole ones with separators for large.

    >>> number(12345.6), number(0.12345), number(57.25)
    ('12,346', '0.123', '57.2')
    """
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def moment(ms: int, zone: str) -> str:
    """Ms UTC → plant time to the minute.

    >>> moment(1514736000000, "Asia/Shanghai")
    '2018-01-01 00:00'
    """
    return f"{to_datetime(ms, zone):%Y-%m-%d %H:%M}"


def clock_arc(hours: Sequence[int]) -> tuple[int, int] | None:
    """Clock hours (0 to 23, repeated) → [from, to) of the shortest arc with the typical ones; None for all day.

    An hour is typical when it comes at least half as often as the most frequent.

    >>> clock_arc([22, 23, 0, 1] * 3 + [13])
    (22, 2)
    """
    counts = Counter(hours)
    most = max(counts.values())
    typical = sorted(hour for hour, count in counts.items() if 2 * count >= most)
    following = [*typical[1:], typical[0] + DAY_HOURS]
    rest, at = max((after - hour, after) for hour, after in zip(typical, following, strict=True))
    if rest - 1 < LEAST_REST:
        return None
    start = at % DAY_HOURS
    return start, (start + DAY_HOURS - rest + 1) % DAY_HOURS


def clock_words(arc: tuple[int, int] | None) -> dict[str, str]:
    """An arc of the clock as part of a sentence, by language.

    >>> clock_words((22, 6))["zh"], clock_words((9, 14))["en"]
    ('在夜间（22:00–06:00）', 'from 09:00 to 14:00')
    """
    if arc is None:
        return {"zh": "全天", "en": "around the clock"}
    text = arc_text(arc)
    evening = (arc[0] - NIGHT_FROM) % DAY_HOURS
    if evening + (arc[1] - arc[0]) % DAY_HOURS <= NIGHT_LENGTH:
        return {"zh": f"在夜间（{text}）", "en": f"at night ({text})"}
    return {"zh": f"在 {text} ", "en": f"from {text.replace('–', ' to ')}"}


def arc_text(arc: tuple[int, int] | None) -> str:
    """An arc of the clock as hours alone.

    >>> arc_text((22, 6)), arc_text(None)
    ('22:00–06:00', '00:00–24:00')
    """
    return f"{arc[0]:02d}:00–{arc[1]:02d}:00" if arc else "00:00–24:00"
