"""What every route works with, made once and handed in."""

import time
from dataclasses import dataclass
from typing import Annotated

from fastapi import Depends, Request
from sqlalchemy import Engine

from energy.store.port import Store


@dataclass(frozen=True, slots=True)
class Context:
    """The books, the two stores, the console's own address, and the hash of the admin key."""

    books: Engine
    readings: Store
    accounts: Store
    url: str
    key_hash: str
    expected_parts: tuple[str, ...]

    @staticmethod
    def now() -> int:
        """Ms UTC."""
        return time.time_ns() // 1_000_000


def _context(request: Request) -> Context:
    context: Context = request.app.state.context
    return context


Here = Annotated[Context, Depends(_context)]
