"""Opens the books by URL, on SQLite or PostgreSQL, with the tables of this version and the first rows."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import URL, Connection, Engine, Table, create_engine, event, insert, select
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError

from energy.books import migrate
from energy.books import tables as t
from energy.errors import OutsideError, SetupError
from energy.limits import FIRST_ROWS
from energy.registry import DEFAULT

# A server that has gone is noticed within seconds, and a transaction whose client has gone blocks nobody for long.
_POSTGRESQL = {
    "connect_timeout": 5, "keepalives_idle": 10, "keepalives_interval": 5, "keepalives_count": 3,
    "tcp_user_timeout": 20_000, "application_name": "carbonwatch",
    "options": "-c lock_timeout=15s -c idle_in_transaction_session_timeout=60s -c synchronous_commit=on",
}  # fmt: skip


def open_books(url: str) -> Engine:
    """An engine on `url` (sqlite:///path or postgresql://…) whose tables are those of this version.

    Write inside `engine.begin()`: on SQLite it takes the write lock at once, so that what was read in it holds; on
    PostgreSQL a row that is read to be changed is read FOR UPDATE. OutsideError when the books do not answer.
    """
    engine = _engine(url)
    try:
        with look(engine) as db:
            at = migrate.current(db)
        if at != migrate.HEAD:
            migrate.move(engine, then=_first_rows)
    except SQLAlchemyError as error:
        engine.dispose()
        raise OutsideError(f"the books cannot be opened: {getattr(error, 'orig', None) or error}") from error
    except SetupError:
        engine.dispose()
        raise
    return engine


def parse(url: str) -> URL:
    """The URL of books with the driver that we bring; SetupError, which does not repeat it, when it can be none."""
    try:
        parts = make_url(url)
    except (ArgumentError, ValueError) as error:
        raise SetupError("the books' address must look like postgresql://user@host/name or sqlite:///path") from error
    if parts.drivername == "postgresql":
        parts = parts.set(drivername="postgresql+psycopg")
    if parts.get_backend_name() not in ("sqlite", "postgresql"):
        raise SetupError(f"the books live in SQLite or PostgreSQL, not in {parts.get_backend_name()}")
    return parts


def _engine(url: str) -> Engine:
    parts = parse(url)
    own: dict[str, Any] = {}
    if parts.get_backend_name() == "postgresql":
        given = {name: value for name, value in _POSTGRESQL.items() if name not in parts.query}
        own = {"connect_args": given, "pool_pre_ping": True}
    try:
        # As many as threads answer at once: one that is made for a request and then closed costs more than the request.
        engine = create_engine(parts, hide_parameters=True, pool_size=20, max_overflow=20, pool_timeout=15, **own)
    except (SQLAlchemyError, ModuleNotFoundError) as error:
        raise SetupError(f"the books cannot be reached by the driver {parts.get_driver_name()}") from error
    if engine.dialect.name == "sqlite":
        _tame(engine)
    return engine


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
    options: dict[str, Any] = {"read_only": True}
    if engine.dialect.name == "postgresql":
        options |= {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}
    with engine.connect().execution_options(**options) as db:
        yield db


def _tame(engine: Engine) -> None:
    """SQLite: WAL, FULL, and transactions that begin when we say so; REPLACE is a DELETE to the triggers too."""

    @event.listens_for(engine, "connect")
    def _on_connect(connection, _record):  # type: ignore[no-untyped-def]
        connection.isolation_level = None
        for pragma in ("busy_timeout = 15000", "journal_mode = WAL", "synchronous = FULL", "recursive_triggers = ON"):
            connection.execute(f"PRAGMA {pragma}")

    @event.listens_for(engine, "begin")
    def _on_begin(connection):  # type: ignore[no-untyped-def]
        read_only = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if read_only else "BEGIN IMMEDIATE")
