"""Lengths of time as a person writes them: `90 s`, `15 min`, `6 h`, `2 d`."""

import re

from energy.errors import InputError

_UNITS = {"ms": 1, "s": 1000, "min": 60_000, "h": 3_600_000, "d": 86_400_000}
_FORM = re.compile(r"([+-]?\d+(?:\.\d+)?)\s*(ms|s|min|h|d)")


def parse_duration(text: str) -> int:
    """A length of time → ms, signed, rounded; InputError("bad_duration") for anything else.

    >>> parse_duration("6 h"), parse_duration("-1.5min"), parse_duration("250 ms")
    (21600000, -90000, 250)
    """
    found = _FORM.fullmatch(text.strip())
    if found is None:
        raise InputError("bad_duration", f"{text!r} is not a length of time such as 90 s, 15 min, 6 h or 2 d")
    return round(float(found[1]) * _UNITS[found[2]])
