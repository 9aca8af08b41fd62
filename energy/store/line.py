"""InfluxDB's line protocol: points as text, every value a float64, times in milliseconds."""

import re
from functools import lru_cache

from energy.errors import InputError
from energy.store.port import Point, Series

# What int64 nanoseconds can hold, in whole ms.
FIRST_TIME = -9_223_372_036_854
LAST_TIME = 9_223_372_036_854
# The protocol has no way to write these: a line ends a point, a backslash eats the sign after it.
_UNWRITABLE = re.compile(r"[\\\x00-\x1f\x7f]|^#|^\Z")


def to_line(point: Point) -> str:
    r"""One point with at least one field → its line, without a line end.

    InputError("bad_name") for a name the protocol cannot carry, InputError("bad_time") beyond the years 1677 to 2262.

    >>> to_line(Point(Series("meter", "钢厂 一", "a,b=c"), 1795306500000, {"p_kw": 411, "pf": 0.93}))
    'meter,site=钢厂\\ 一,meter=a\\,b\\=c p_kw=411.0,pf=0.93 1795306500000'
    """
    if not FIRST_TIME <= point.time <= LAST_TIME:
        raise InputError("bad_time", f"{point.series} at {point.time} ms is beyond what InfluxDB can hold")
    fields = ",".join(f"{_name(field)}={float(value)!r}" for field, value in point.fields.items())
    return f"{_head(point.series)} {fields} {point.time}"


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
