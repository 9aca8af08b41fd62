"""InfluxDB's line protocol: points as text, every value a float64, times in milliseconds."""

import re
from collections.abc import Sequence
from functools import lru_cache

import msgspec

from energy.errors import InputError
from energy.store.port import Point, Series, check_finite

# What int64 nanoseconds can hold, in whole ms.
FIRST_TIME = -9_223_372_036_854
LAST_TIME = 9_223_372_036_854
_PAGE = 1000  # points made into text at once, which a processor's cache can hold
_PLAIN = re.compile(r"\w+", re.ASCII)
_json = msgspec.json.Encoder(enc_hook=float).encode  # numpy's numbers are no floats to it
# The protocol has no way to write these: a line ends a point, a backslash eats the sign after it.
_UNWRITABLE = re.compile(r"[\\\x00-\x1f\x7f]|^#|^\Z")


def to_lines(points: Sequence[Point]) -> list[str]:
    """Points with at least one field each → their lines, as `to_line` makes them, several times as fast.

    InputError as of `to_line`, and InputError("not_finite") for a value that is NaN or infinite.

    >>> meter, site = Series("meter", "s", "m"), Series("site", "s")
    >>> to_lines([Point(meter, 1, {"p_kw": 0.1, "pf": 1.0}), Point(site, 2, {"n": 3})])
    ['meter,site=s,meter=m p_kw=0.1,pf=1.0 1', 'site,site=s n=3 2']
    """
    lines: list[str] = []
    for begin in range(0, len(points), _PAGE):
        lines += _page(points[begin : begin + _PAGE])
    return lines


def _page(points: Sequence[Point]) -> list[str]:
    names: set[str] = set()
    for point in points:
        names.update(point.fields)
    text = _json([point.fields for point in points]).decode()
    if (
        "time" in names
        or any(word in text for word in ("null", "true", "false"))
        or not all(map(_PLAIN.fullmatch, names))
    ):
        check_finite(points)  # JSON has no other word for what is not finite, and a truth would become a field's type
        return [to_line(point) for point in points]
    # {"p_kw":0.1,"pf":1.0} is a line's fields but for a few signs, and the shortest digits that give the same float.
    fields = text[2:-2].replace('":', "=").replace(',"', ",").split("},{")
    lines = []
    heads: dict[int, str] = {}  # by identity: to hash a series costs more than the rest of a line
    for (series, time, _), said in zip(points, fields, strict=True):
        if not FIRST_TIME <= time <= LAST_TIME:
            raise _beyond(series, time)
        head = heads.get(id(series))
        if head is None:
            head = heads[id(series)] = _head(series)
        lines.append(f"{head} {said[1:]} {time}")
    return lines


def to_line(point: Point) -> str:
    r"""One point with at least one field → its line, without a line end.

    InputError("bad_name") for a name the protocol cannot carry, InputError("bad_time") beyond the years 1677 to 2262.

    >>> to_line(Point(Series("meter", "钢厂 一", "a,b=c"), 1795306500000, {"p_kw": 411, "pf": 0.93}))
    'meter,site=钢厂\\ 一,meter=a\\,b\\=c p_kw=411.0,pf=0.93 1795306500000'
    """
    if not FIRST_TIME <= point.time <= LAST_TIME:
        raise _beyond(point.series, point.time)
    if "time" in point.fields:
        raise InputError("bad_name", "no field can have the name 'time'")
    fields = ",".join(f"{_name(field)}={float(value)!r}" for field, value in point.fields.items())
    return f"{_head(point.series)} {fields} {point.time}"


def _beyond(series: Series, time: int) -> InputError:
    return InputError("bad_time", f"{series} at {time} ms is beyond what InfluxDB can hold")


@lru_cache(maxsize=1 << 16)
def _head(series: Series) -> str:
    tags = "".join(f",{tag}={_name(value)}" for tag, value in (("site", series.site), ("meter", series.meter)) if value)
    return _escape(series.measurement, ", ") + tags


@lru_cache(maxsize=1 << 16)
def _name(text: str) -> str:
    return _escape(text, ",= ")


def _escape(text: str, signs: str) -> str:
    if _UNWRITABLE.search(text):
        raise InputError("bad_name", f"{text!r} cannot be the name of a measurement, tag or field")
    return "".join("\\" + sign if sign in signs else sign for sign in text)
