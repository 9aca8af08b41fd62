"""Moves the times inside telemetry of wire format 1; every other byte of a value stays as it was written."""

import gzip
import json
import zlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

from energy.errors import InputError
from energy.topic import parse_topic
from simulators.message import Message

_GZIP = b"\x1f\x8b"
_MOST = 4 * 1024 * 1024  # bytes of an unpacked message
_top = msgspec.json.Decoder(dict[str, msgspec.Raw])
_rows = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])


def shift(message: Message, by: int) -> Message:
    """The message with its readings' `ts` and its `sent` moved `by` ms; the same one when it is no telemetry."""
    try:
        if parse_topic(message.topic).kind != "telemetry":
            return message
    except InputError:
        return message
    packed = message.payload[:2] == _GZIP
    try:
        text = zlib.decompressobj(wbits=31).decompress(message.payload, _MOST) if packed else message.payload
        moved = _moved(text, by)
    except (msgspec.DecodeError, ValueError, zlib.error):
        return message  # a mangled message is to arrive mangled
    return message._replace(payload=gzip.compress(moved, mtime=0) if packed else moved)


def _moved(text: bytes, by: int) -> bytes:
    try:
        top = _top.decode(text)
        rows = _rows.decode(top["readings"]) if "readings" in top else None
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return _moved_loosely(text, by)
    if "sent" in top:
        top["sent"] = _raw(top["sent"], by)
    if rows is not None:
        for row in rows:
            if "ts" in row:
                row["ts"] = _raw(row["ts"], by)
        top["readings"] = msgspec.Raw(msgspec.json.encode(rows))
    return msgspec.json.encode(top)


def _raw(value: msgspec.Raw, by: int) -> msgspec.Raw:
    found = msgspec.json.decode(value)
    moved = _time(found, by)
    return value if moved is found else msgspec.Raw(msgspec.json.encode(moved))


def _moved_loosely(text: bytes, by: int) -> bytes:
    """For devices that print NaN, which only Python's own reader takes."""
    top = json.loads(text)
    top["sent"] = _time(top.get("sent"), by)
    for row in top["readings"]:
        row["ts"] = _time(row["ts"], by)
    return json.dumps(top, separators=(",", ":"), ensure_ascii=False).encode()


def _time(value: Any, by: int) -> Any:
    """Ms or RFC 3339, moved; anything else as it is."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value + by
    if isinstance(value, str):
        try:
            return (datetime.fromisoformat(value) + timedelta(milliseconds=by)).isoformat()
        except (ValueError, OverflowError):
            return value
    return value
