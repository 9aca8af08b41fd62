"""What every route works with, made once and handed in."""

import time
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from energy.store.port import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The books, the two stores, the console's own address, the hash of the admin key, the folder of the journals.

    disk_free: the bytes that must be left where the journals are.
    """

    books: Engine
    readings: Store
    accounts: Store
    url: str
    key_hash: str
    expected_parts: tuple[str, ...]
    journal: Path | None = None
    disk_free: int = 0

    @staticmethod
    def now() -> int:
        """Ms UTC."""
        return time.time_ns() // 1_000_000


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
