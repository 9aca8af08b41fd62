"""A journal's messages, read without changing anything, also while it is written."""

import heapq
import re
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from itertools import groupby
from pathlib import Path
from urllib.parse import quote

from energy.errors import InputError
from energy.topic import MANUAL
from simulators.message import Message

_NAME = re.compile(r"(?P<worker>.+)-(?P<day>\d{4}-\d\d-\d\d)")
_PAGE = 500


def read_journal(path: Path) -> Iterator[Message]:
    """The messages of a data directory, its journal folder or one day file, in the order of their arrival.

    Entries by hand are left out: they came over no broker. InputError where there is no journal or it is damaged.
    """
    workers = [list(files) for _, files in groupby(_files(path), key=lambda file: _named(file)[0])]
    return heapq.merge(*(_in_order(files) for files in workers), key=lambda message: message.at)


def _files(path: Path) -> list[Path]:
    if path.is_file():
        found = [path]
    else:
        folder = path / "journal" if (path / "journal").is_dir() else path
        found = [file for file in folder.glob("*.db") if _NAME.fullmatch(file.stem)]
    found = [file for file in found if _named(file)[0] != MANUAL]
    if not found:
        raise InputError("bad_file", f"{path} is no journal: no file such as NAME-2026-01-31.db is in it")
    return sorted(found, key=_named)


def _named(file: Path) -> tuple[str, str]:
    """(worker, day); of any other name the whole is the worker."""
    match = _NAME.fullmatch(file.stem)
    return (match["worker"], match["day"]) if match else (file.stem, "")


def _in_order(files: list[Path]) -> Iterator[Message]:
    """One worker's messages; a clock that was set back does not change their order."""
    latest = 0
    for file in files:
        for received, topic, payload in _rows(file):
            latest = max(latest, received)
            yield Message(latest, topic, bytes(payload))


def _rows(file: Path) -> Iterator[tuple[int, str, bytes]]:
    # Without a WAL beside it nobody writes it: immutable opens it then even where nothing may be made.
    mode = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
    query = "SELECT row, received_at, topic, payload FROM record WHERE row > ? ORDER BY row LIMIT ?"
    after = 0
    try:
        with closing(sqlite3.connect(f"file:{quote(str(file.absolute()))}?{mode}", uri=True)) as db:
            while rows := db.execute(query, (after, _PAGE)).fetchall():  # pages: an open reader makes a WAL grow
                after = rows[-1][0]
                yield from (row[1:] for row in rows)
    except sqlite3.Error as error:
        raise InputError("bad_file", f"{file.name}: {error}") from error
