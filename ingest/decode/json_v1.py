"""JSON v1, our own wire format: `ecm/v1/{site}/{gateway}/telemetry`."""

import json
import math
from collections import defaultdict
from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired, TypedDict, TypeVar

import msgspec
from msgspec import Meta

from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.reading import Quality, Reading
from energy.registry import NAME
from energy.window import to_ms
from ingest.decode.message import Entries, Item, Message, Refusal
from ingest.decode.unpack import unpack

MAX_BYTES = 256 * 1024
MAX_UNPACKED = 4 * 1024 * 1024
MAX_READINGS = 20_000  # a small gzip can hold more than memory does
_EXCERPT = 200


# An entry as nearly every one is: with milliseconds, measured, and every known value a number within its bounds.
_make: Any = TypedDict
_list: Any = list
_USUAL = _make(
    "Usual",
    {"meter": str, "ts": int, "q": NotRequired[Literal["measured"]]}
    | {key: NotRequired[Annotated[float, Meta(ge=known.low, le=known.high)]] for key, known in QUANTITIES.items()},
)
_PLAIN = msgspec.defstruct("Plain", [("readings", _list[_USUAL]), ("boot", str, ""), ("seq", int, 0)])


class _Wire(msgspec.Struct):
    readings: list[dict[str, Any]]
    boot: str = ""
    seq: int = 0


class _Head(msgspec.Struct):
    boot: str = ""
    seq: int = 0


_Shape = TypeVar("_Shape", _Wire, _Head)
_plain: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_PLAIN)
_wire = msgspec.json.Decoder(_Wire)
_head = msgspec.json.Decoder(_Head)


def head(payload: bytes) -> tuple[str, int] | None:
    """(boot, seq) of a payload, or None where it has none that can be read; cheap, for receipts."""
    try:
        found = _parse(_unpacked(payload), _head)
    except InputError:
        return None
    return (found.boot, found.seq) if NAME.fullmatch(found.boot) and 0 < found.seq < 2**53 else None


def decode(payload: bytes) -> Message | Entries:
    """A telemetry payload (JSON in UTF-8, plain or gzip) → what is in it; InputError when it is none at all."""
    if len(payload) > MAX_BYTES:
        raise InputError("too_large", f"{len(payload)} bytes, at most {MAX_BYTES}")
    text = _unpacked(payload)
    try:
        plain = _plain.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _unusual(text)
    _check(plain)
    return Entries(plain.boot, plain.seq, plain.readings, lambda: _unusual(text))


def _unusual(text: bytes) -> Message:
    """A message with items, whatever the values are."""
    wire = _parse(text, _wire)
    _check(wire)
    try:
        return Message(wire.boot, wire.seq, tuple(_item(entry) for entry in wire.readings))
    except RecursionError as error:  # to show a value takes more depth than to parse it
        raise InputError("not_json", "nested too deeply") from error


def _check(wire: _Wire) -> None:
    if (wire.boot and not NAME.fullmatch(wire.boot)) or not 0 <= wire.seq < 2**53:
        raise InputError("bad_message", "boot is not a name of at most 64 characters, or seq is out of range")
    if len(wire.readings) > MAX_READINGS:
        raise InputError("too_large", f"{len(wire.readings)} readings, at most {MAX_READINGS}")


def excerpt(payload: bytes) -> str:
    """The beginning of a payload, for a person to recognise it by."""
    return payload[:_EXCERPT].decode("utf-8", errors="replace").replace("\x00", "\ufffd")


def _unpacked(payload: bytes) -> bytes:
    return unpack(payload, MAX_UNPACKED) if payload[:2] == b"\x1f\x8b" else payload


def _parse(text: bytes, decoder: msgspec.json.Decoder[_Shape]) -> _Shape:
    """Many gateways print NaN, which JSON does not know: take the message, so that only those values are refused."""
    try:
        try:
            return decoder.decode(text)
        except msgspec.ValidationError:
            raise
        except msgspec.DecodeError:
            return msgspec.convert(json.loads(text.decode()), decoder.type)
    except msgspec.ValidationError as error:
        raise InputError("bad_message", str(error)) from error
    except UnicodeDecodeError as error:
        raise InputError("not_json", "not UTF-8") from error
    except RecursionError as error:
        raise InputError("not_json", "nested too deeply") from error
    except ValueError as error:
        raise InputError("not_json", str(error)) from error


def _item(entry: Mapping[str, Any]) -> Item:
    count = max(1, sum(key in QUANTITIES for key in entry))
    try:
        meter, time, quality = _meter(entry), _time(entry), _quality(entry)
    except InputError as error:
        return Item(None, (Refusal(error.reason, error.detail, _shown(entry), count),))
    values: dict[str, float] = {}
    refused: defaultdict[str, list[str]] = defaultdict(list)
    for key, value in entry.items():
        if key not in QUANTITIES:
            continue
        if isinstance(value, bool) or not isinstance(value, int | float):
            refused["not_a_number"].append(f"{key} is {str(value)[:40]!r}")
        elif abs(value) > 1e300 or not math.isfinite(value):
            refused["not_finite"].append(f"{key} is {str(value)[:40]}")
        else:
            values[key] = float(value)
    if not values and not refused:
        refused["bad_reading"].append("no known quantity in it")
    refusals = tuple(Refusal(why, "; ".join(said), _shown(entry), len(said)) for why, said in sorted(refused.items()))
    return Item(Reading(meter, time, values, quality) if values else None, refusals)


def _meter(entry: Mapping[str, Any]) -> str:
    meter = entry.get("meter")
    if not isinstance(meter, str) or not NAME.fullmatch(meter):
        raise InputError("bad_reading", "meter is missing or not a name")
    return meter


def _time(entry: Mapping[str, Any]) -> int:
    stamp = entry.get("ts")
    if isinstance(stamp, int) and not isinstance(stamp, bool):
        if not 0 <= stamp < 2**53:
            raise InputError("bad_time", f"ts {str(stamp)[:40]} is out of range")
        return stamp
    if isinstance(stamp, str):
        try:
            moment = datetime.fromisoformat(stamp)
        except ValueError as error:
            raise InputError("bad_time", f"ts {stamp[:40]!r} is not RFC 3339") from error
        if moment.tzinfo is None:
            raise InputError("bad_time", f"ts {stamp[:40]!r} has no offset")
        return to_ms(moment)
    raise InputError("bad_time", "ts is missing or neither milliseconds nor RFC 3339")


def _quality(entry: Mapping[str, Any]) -> Quality:
    said = entry.get("q", "measured")
    if said == "measured":
        return Quality.MEASURED
    if said == "estimated":
        return Quality.ESTIMATED
    raise InputError("bad_reading", f"q is {str(said)[:40]!r}, not measured or estimated")


def _shown(entry: Mapping[str, Any]) -> str:
    return repr(entry)[:_EXCERPT]
