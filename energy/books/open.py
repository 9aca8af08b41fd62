"""Opens the books by URL and makes their tables."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine, create_engine, event, insert, select
from sqlalchemy.exc import SQLAlchemyError

from energy.books.tables import META, threshold
from energy.errors import OutsideError
from energy.limits import FIRST_ROWS


def open_books(url: str) -> Engine:
    """An engine on `url` (sqlite:///path or another that SQLAlchemy knows) with every table there.

    Write inside `engine.begin()`: on SQLite it takes the write lock at once, so that what was read in it holds.
    """
    engine = create_engine(url, pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        _tame(engine)
    try:
        META.create_all(engine)
        with engine.begin() as db:
            if db.execute(select(threshold.c.id).limit(1)).first() is None:
                db.execute(
                    insert(threshold),
                    [
                        {"key": r.key, "value": r.value, "valid_from": r.valid_from, "source": r.source,
                         "verified": r.verified}
                        for r in FIRST_ROWS
                    ],
                )  # fmt: skip
    except SQLAlchemyError as error:
        raise OutsideError(f"the books cannot be opened: {error}") from error
    return engine


@contextmanager
def look(engine: Engine) -> Iterator[Connection]:
    """A read-only transaction: takes no write lock and sees one state of the books."""
    with engine.connect().execution_options(read_only=True) as db:
        yield db


def _tame(engine: Engine) -> None:
    """SQLite: WAL, FULL, and transactions that begin when we say so."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        for pragma in ("busy_timeout = 15000", "journal_mode = WAL", "synchronous = FULL"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection):  # type: ignore[no-untyped-def]
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
