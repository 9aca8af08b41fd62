"""The national online monitoring platform's data message, over MQTT: `ecm/v1/{site}/{gateway}/national`."""

import math
import re
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

import msgspec

from energy.errors import InputError
from energy.reading import Quality, Reading
from energy.registry import NAME
from energy.topic import parse_topic
from energy.window import to_ms
from ingest.decode import json_v1
from ingest.decode.memory import Memory
from ingest.decode.message import Item, Message, Refusal
from ingest.decode.national_code import target
from ingest.decode.port import Address
from ingest.decode.unpack import unpack

MAX_BYTES = 256 * 1024
MAX_UNPACKED = 4 * 1024 * 1024
MAX_ENTRIES = 20_000
KIND = "national"
_ZONE = ZoneInfo("Asia/Shanghai")  # the platform's, whatever the site's
_DATE = re.compile(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", re.ASCII)
_NUMBER = re.compile(r"-?\d{1,20}(\.\d{1,20})?", re.ASCII)
_STAT_TYPES = {1: "day", 2: "month", 3: "year"}
_INPUT_TYPES = range(1, 6)
_MANUAL = 5
_EXCERPT = 200


class _Wire(msgspec.Struct):
    """boot and seq are not the platform's: a gateway that adds them is given receipts."""

    deviceId: str  # noqa: N815  as on the wire
    enterpriseCode: str  # noqa: N815
    data: list[Any]
    boot: str = ""
    seq: int = 0


_wire = msgspec.json.Decoder(_Wire)


class National:
    """See `Dialect`."""

    def address(self, topic: str) -> Address | None:
        """See `Dialect.address`."""
        return Address(*parse_topic(topic)) if topic.endswith("/" + KIND) else None

    def head(self, address: Address, payload: bytes) -> tuple[str, int] | None:  # noqa: ARG002
        """As of wire format 1, where the gateway adds boot and seq."""
        return json_v1.head(payload)

    def decode(self, address: Address, payload: bytes, memory: Memory) -> Message:  # noqa: ARG002
        """See `Dialect.decode`."""
        if len(payload) > MAX_BYTES:
            raise InputError("too_large", f"{len(payload)} bytes, at most {MAX_BYTES}")
        text = unpack(payload, MAX_UNPACKED) if payload[:2] == b"\x1f\x8b" else payload
        wire = _parse(text)
        if (wire.boot and not NAME.fullmatch(wire.boot)) or not 0 <= wire.seq < 2**53:
            raise InputError("bad_message", "boot is not a name of at most 64 characters, or seq is out of range")
        if len(wire.data) > MAX_ENTRIES:
            raise InputError("too_large", f"{len(wire.data)} entries, at most {MAX_ENTRIES}")
        try:
            return Message(wire.boot, wire.seq, tuple(_item(entry) for entry in wire.data))
        except RecursionError as error:  # to show a value takes more depth than to parse it
            raise InputError("not_json", "nested too deeply") from error


def _parse(text: bytes) -> _Wire:
    try:
        return _wire.decode(text)
    except msgspec.ValidationError as error:
        raise InputError("bad_message", str(error)) from error
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError("not_json", str(error)) from error
    except RecursionError as error:
        raise InputError("not_json", "nested too deeply") from error


def _item(entry: object) -> Item:
    """One value; refused as a whole where anything of it is wrong."""
    try:
        if not isinstance(entry, dict):
            raise InputError("bad_reading", "an entry is not an object")
        return Item(_reading(entry))
    except InputError as error:
        return Item(None, (Refusal(error.reason, error.detail, repr(entry)[:_EXCERPT], 1),))


def _reading(entry: dict[str, Any]) -> Reading:
    said = entry.get("statDate")
    code = entry.get("dataCode")
    if not isinstance(code, str):
        raise InputError("bad_reading", "dataCode is missing or no text")
    if not isinstance(said, str) or not _DATE.fullmatch(said):
        raise InputError("bad_time", f"statDate {str(said)[:40]!r} is not of the shape yyyy-MM-dd HH:mm:ss")
    stat_type = _choice(entry, "statType", range(4))
    if stat_type in _STAT_TYPES:
        raise InputError("not_real_time", f"the value of a {_STAT_TYPES[stat_type]}: only real-time values are kept")
    meter, quantity = target(code, said[:10])
    input_type = _choice(entry, "inputType", _INPUT_TYPES)
    if _choice(entry, "valid", range(2)) == 0:
        raise InputError("not_valid", "the sender says that it is not valid")
    quality = Quality.ESTIMATED if input_type == _MANUAL else Quality.MEASURED
    return Reading(meter, _time(said), {quantity: _value(entry.get("dataValue"))}, quality)


def _choice(entry: dict[str, Any], key: str, allowed: range) -> int:
    """A small whole number, which some senders say as text."""
    said = entry.get(key)
    if isinstance(said, bool) or not isinstance(said, int | str) or str(said) not in {str(one) for one in allowed}:
        raise InputError("bad_reading", f"{key} is {str(said)[:40]!r}, not one of {allowed[0]} to {allowed[-1]}")
    return int(said)


def _time(said: str) -> int:
    try:
        return to_ms(datetime.fromisoformat(said).replace(tzinfo=_ZONE))
    except (ValueError, OverflowError) as error:
        raise InputError("bad_time", f"statDate {said!r} is no time") from error


def _value(said: object) -> float:
    """A number, which some senders say as text."""
    if isinstance(said, str) and _NUMBER.fullmatch(said):
        return float(said)
    if isinstance(said, bool) or not isinstance(said, int | float):
        raise InputError("not_a_number", f"dataValue is {str(said)[:40]!r}")
    if abs(said) > 1e300 or not math.isfinite(said):
        raise InputError("not_finite", f"dataValue is {str(said)[:40]}")
    return float(said)
