"""What lies in a journal, whoever was at it: each message with its leaf, and the rows that are missing."""

import sqlite3
from collections.abc import Callable
from typing import NamedTuple

from energy.journal import JournalReader, Position, leaf_of

# Cast: what somebody else wrote there may be of any type, and no text.
_TOPICS = "SELECT row, CAST(topic AS BLOB) FROM record WHERE row > ? ORDER BY row LIMIT ?"
_WHOLE = """SELECT CAST(received_at AS INTEGER), CAST(topic AS BLOB), CAST(payload AS BLOB), CAST(leaf AS BLOB)
  FROM record WHERE row = ?"""
_GIVEN = "SELECT CAST(seq AS INTEGER) FROM sqlite_sequence WHERE name = 'record'"  # not in files of older versions
_BYTES = 16 * 1024 * 1024  # a scan ends with the message that passes this


class Kept(NamedTuple):
    """A message as it lies there, received_at in ms UTC; `intact`: its leaf is the one that is computed anew."""

    position: Position
    received_at: int
    topic: str
    payload: bytes
    leaf: bytes
    intact: bool


class Hole(NamedTuple):
    """Rows of a day's file that are missing, from `first` to `last`: they are numbered without a gap from 1."""

    day: str
    first: int
    last: int


class Scan(NamedTuple):
    """What a scan found, and after which position to go on; None at the journal's end."""

    kept: list[Kept]
    holes: list[Hole]
    after: Position | None


def scan(
    reader: JournalReader,
    after: Position,
    wanted: Callable[[str], bool],
    *,
    keep: int,
    look_at: int,
    day: str | None = None,
) -> Scan:
    """The messages after a position whose topic is wanted, in order, and the holes that the scan passed.

    It ends with `keep` messages, or before where they are large, and never looks at more than `look_at` rows; of one
    `day` only, when that is given. OutsideError where a file cannot be read.
    """
    found = Scan([], [], None)
    at, size = after, 0
    for one in reader.days():
        if one < after.day or day not in (None, one):
            continue
        at = at if one == at.day else Position(one, 0)
        with reader.file(one) as file:
            file.execute("BEGIN")  # so that no row comes between the last and how many there were
            for row, topic in file.execute(_TOPICS, (at.row, look_at + 1)):
                takes = wanted(topic.decode("utf-8", "replace"))
                if look_at == 0 or (takes and (len(found.kept) == keep or size >= _BYTES)):
                    return found._replace(after=at)
                if row > at.row + 1:
                    found.holes.append(Hole(one, at.row + 1, row - 1))
                at, look_at = Position(one, row), look_at - 1
                if takes:
                    found.kept.append(_kept(at, file.execute(_WHOLE, (row,)).fetchone()))
                    size += len(found.kept[-1].payload)
            if (given := _given(file)) > at.row:
                found.holes.append(Hole(one, at.row + 1, given))
    return found


def _given(file: sqlite3.Connection) -> int:
    """The highest row number that was ever given in a day's file; 0 where the file does not say."""
    row = file.execute(_GIVEN).fetchone()
    return int(row[0] or 0) if row else 0


def _kept(position: Position, columns: tuple[int, bytes, bytes, bytes]) -> Kept:
    received, topic, payload, leaf = columns
    intact = leaf == leaf_of(received, topic, payload)
    return Kept(position, received, topic.decode("utf-8", "replace"), payload, leaf, intact)
