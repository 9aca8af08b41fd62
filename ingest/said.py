"""What the processes of one ingest tell the one that started them: lines of JSON, on their standard output."""

import sys
import threading
from collections.abc import Iterable
from typing import NamedTuple

import msgspec

from energy.broker.port import Delivery
from energy.errors import InputError
from energy.journal import Position
from ingest.decode import dialects
from ingest.decode.memory import Lack


class Head(NamedTuple):
    """A message's number: of which boot of which gateway, and when it was received (ms UTC)."""

    site: str
    gateway: str
    boot: str
    seq: int
    at: int


class Kept(msgspec.Struct, frozen=True, tag=True):
    """So many messages are journaled, the last of them at `until`; heads: of those that have a number."""

    until: Position
    count: int
    heads: list[Head]


class State(msgspec.Struct, frozen=True, tag=True):
    """How the process is: messages done since its start, and what is wrong now."""

    messages: int
    connected: bool = True
    trouble: str = ""
    store_errors: int = 0
    books_errors: int = 0


class Lacking(msgspec.Struct, frozen=True, tag=True):
    """Edge nodes that must be asked for their births."""

    edges: list[Lack]


Said = Kept | State | Lacking
_decoder: msgspec.json.Decoder[Said] = msgspec.json.Decoder(Said)
_encoder = msgspec.json.Encoder()
_turn = threading.Lock()


def say(what: Said) -> None:
    """Tell it; from any thread."""
    line = _encoder.encode(what) + b"\n"
    with _turn:
        sys.stdout.buffer.write(line)
        sys.stdout.buffer.flush()


def heard(line: bytes) -> Said | None:
    """What was told; None for a line that a killed process left unfinished."""
    try:
        return _decoder.decode(line)
    except msgspec.DecodeError:
        return None


def head(topic: str, payload: bytes, at: int) -> Head | None:
    """A message's number, None where it has none."""
    try:
        dialect, where = dialects.of(topic)
    except InputError:
        return None
    found = dialect.head(where, payload)
    return None if found is None else Head(where.site, where.gateway, *found, at)


def kept(batch: Iterable[Delivery], until: Position) -> Kept:
    """What is told of a batch that is journaled."""
    messages = list(batch)
    heads = [one for d in messages if (one := head(d.topic, d.payload, d.received_at)) is not None]
    return Kept(until, len(messages), heads)
