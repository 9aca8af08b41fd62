"""The value of a metric of Sparkplug B as a number, by its data type."""

import math

import numpy as np

from energy.errors import InputError
from ingest.decode.sparkplug_payload import GOOD, Said

_UNKNOWN, _FLOAT, _DOUBLE = 0, 9, 10
_WIDTH = {1: 8, 2: 16, 3: 32, 4: 64, 5: 8, 6: 16, 7: 32, 8: 64}  # bits of the whole numbers, by data type
_SIGNED = (1, 2, 3, 4)


def number(said: Said, kind: int) -> float:
    """A metric of a data type → its value; InputError with the reason why it has none that can be taken."""
    if said.null:
        raise InputError("null_value", "is null")
    if said.quality != GOOD:
        raise InputError("bad_quality", f"its quality is {said.quality}, not {GOOD} (good)")
    if kind in _WIDTH and said.field in ("int_value", "long_value"):
        return float(_whole(said.value, kind))
    if kind == _UNKNOWN and said.field in ("int_value", "long_value"):
        raise InputError("unknown_type", f"is {said.value} of a data type that neither it nor a birth says")
    if kind in (_FLOAT, _UNKNOWN) and said.field == "float_value":
        return _finite(float(str(np.float32(said.value))))  # the shortest decimal that it stands for
    if kind in (_DOUBLE, _UNKNOWN) and said.field == "double_value":
        return _finite(said.value)
    raise InputError("not_a_number", f"is {str(said.value)[:40]!r} of data type {kind}")


def _whole(raw: int, kind: int) -> int:
    """Negative numbers come in two's complement, some senders' in more bits than the type has."""
    width = _WIDTH[kind]
    if kind not in _SIGNED:
        if raw >= 1 << width:
            raise InputError("not_a_number", f"is {raw} of data type {kind}, which has {width} bits")
        return raw
    half = 1 << (width - 1)
    for bits in (width, 32, 64):
        if bits >= width and (1 << bits) - half <= raw < 1 << bits:
            return raw - (1 << bits)
    if raw >= half:
        raise InputError("not_a_number", f"is {raw} of data type {kind}, which has {width} bits")
    return raw


def _finite(value: float) -> float:
    if not math.isfinite(value) or abs(value) > 1e300:
        raise InputError("not_finite", f"is {value}")
    return value
