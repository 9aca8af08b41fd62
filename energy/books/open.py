"""Opens the books by URL, on SQLite or PostgreSQL, with the tables of this version and the first rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict

from sqlalchemy import Connection, Engine, Table, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from energy.books import migrate
from energy.books import tables as t
from energy.errors import OutsideError, SetupError
from energy.limits import FIRST_ROWS
from energy.registry import DEFAULT


def open_books(url: str) -> Engine:
    """An engine on `url` (sqlite:///path or postgresql://…) whose tables are those of this version.

    Write inside `engine.begin()`: on SQLite it takes the write lock at once, so that what was read in it holds; on
    PostgreSQL a row that is read to be changed is read FOR UPDATE. OutsideError when the books do not answer.
    """
    engine = create_engine(_dialect(url), pool_pre_ping=True)
    if engine.dialect.name == "sqlite":
        _tame(engine)
    try:
        with look(engine) as db:
            at = migrate.current(db)
        if at != migrate.HEAD:
            migrate.move(engine)
            with engine.begin() as db:
                _first_rows(db)
    except SQLAlchemyError as error:
        raise OutsideError(f"the books cannot be opened: {getattr(error, 'orig', None) or error}") from error
    return engine


def _dialect(url: str) -> str:
    """The URL with the driver that we bring; SetupError for another database."""
    try:
        parts = make_url(url)
    except ArgumentError as error:
        raise SetupError("the books' address must look like postgresql://user@host/name or sqlite:///path") from error
    if parts.drivername == "postgresql":
        parts = parts.set(drivername="postgresql+psycopg")
    if parts.get_backend_name() not in ("sqlite", "postgresql"):
        raise SetupError(f"the books live in SQLite or PostgreSQL, not in {parts.get_backend_name()}")
    return parts.render_as_string(hide_password=False)


def _first_rows(db: Connection) -> None:
    """What new books begin with; what is there already stays."""
    names = {"name_zh": "未分配", "name_en": "not assigned", "created_at": 0}
    rows: tuple[tuple[Table, list[dict[str, object]]], ...] = (
        (t.threshold, [asdict(row) for row in FIRST_ROWS]),
        (t.region, [{"id": DEFAULT, **names}]),
        (t.unit, [{"id": DEFAULT, "region": DEFAULT, "credit_code": None, **names}]),
    )
    for table, first in rows:
        if db.execute(select(*table.primary_key.columns).limit(1)).first() is None:
            db.execute(insert(table), first)


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
