"""Which data directory the books go with: their cursors point into its journal, and into no other."""

import secrets
from pathlib import Path

from sqlalchemy import Connection, select
from sqlalchemy.dialects import postgresql, sqlite

from energy.books import tables as t
from energy.errors import SetupError

_NAME = "journal"  # among the cursors; its row is the mark


def mark_of(data: Path) -> int:
    """The number that marks a data directory, made at the first call; SetupError when it cannot be kept there."""
    path = data / "journal.id"
    try:
        if path.exists() and (said := path.read_text(encoding="utf-8").strip()):
            return int(said)
        made = secrets.randbits(62)
        path.write_text(f"{made}\n", encoding="utf-8")
    except (OSError, ValueError) as error:
        raise SetupError(f"{path} cannot be read or made: {error}") from error
    return made


def claim(db: Connection, mark: int) -> None:
    """Bind new books to the data directory of this mark; SetupError when they are bound to another."""
    insert = postgresql.insert if db.dialect.name == "postgresql" else sqlite.insert
    db.execute(insert(t.cursor).values(worker=_NAME, day="", row=mark, plan=None).on_conflict_do_nothing())
    if db.execute(select(t.cursor.c.row).where(t.cursor.c.worker == _NAME)).scalar_one() != mark:
        raise SetupError("these books go with another data directory: use that one, or an empty database")
