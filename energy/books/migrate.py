"""Brings the books to the tables that this version needs, or back to those of an earlier one."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import Connection, Engine, inspect, text

from energy.errors import SetupError

if TYPE_CHECKING:
    from alembic.config import Config

HEAD = "0005"
_STEPS = Path(__file__).parent / "migrations"
_LOCK = 0x6361_7262  # any number that nobody else takes in the same PostgreSQL database


def current(db: Connection) -> str | None:
    """The revision that the books are at, None for empty ones."""
    if not inspect(db).has_table("alembic_version"):
        return None
    return db.execute(text("SELECT version_num FROM alembic_version")).scalar()


def move(engine: Engine, target: str = HEAD, then: Callable[[Connection], None] | None = None) -> None:
    """Run the steps up or down to `target` ("base": none) and `then`, in one transaction; several may ask at once.

    SetupError when the books are of a newer version than this program knows.
    """
    from alembic import command  # a third of a second that only a change of version costs

    with engine.begin() as db:
        if db.dialect.name == "postgresql":
            db.execute(text("SET LOCAL lock_timeout = 0"))
            db.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        at = current(db)
        if at is not None and at > HEAD:
            raise SetupError(f"the books are of a newer version ({at}) than this program ({HEAD}): run the newer one")
        if at == target:
            return
        config = _config(db)
        if target == "base" or (at is not None and target < at):
            command.downgrade(config, target)
        else:
            command.upgrade(config, target)
        if then is not None:
            then(db)


def _config(db: Connection) -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_STEPS).replace("%", "%%"))
    config.attributes["connection"] = db
    return config
