"""Lists answer {items, next}: `limit` and `cursor` in, the next cursor out."""

from collections.abc import Sequence
from typing import Annotated, Any, TypeVar

from fastapi import Query
from sqlalchemy import Connection, Select

T = TypeVar("T")
Limit = Annotated[int, Query(ge=1, le=10_000, description="How many items at most.")]
Cursor = Annotated[int | None, Query(ge=0, le=2**62, description="`next` of the page before.")]


def newest_first(
    db: Connection, query: Select[Any], ident: Any, limit: int, cursor: int | None
) -> tuple[Sequence[Any], str | None]:
    """A page of rows by descending id, and the next cursor."""
    if cursor is not None:
        query = query.where(ident < cursor)
    rows = db.execute(query.order_by(ident.desc()).limit(limit + 1)).mappings().all()
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else None


def oldest_first(
    db: Connection, query: Select[Any], ident: Any, limit: int, cursor: int | None
) -> tuple[Sequence[Any], str | None]:
    """A page of rows by ascending id, and the next cursor."""
    if cursor is not None:
        query = query.where(ident > cursor)
    rows = db.execute(query.order_by(ident).limit(limit + 1)).mappings().all()
    return rows[:limit], str(rows[limit - 1]["id"]) if len(rows) > limit else None


def slice_from(items: Sequence[T], limit: int, cursor: int | None) -> tuple[list[T], str | None]:
    """A page of a list that is short enough to be made whole; the cursor is a position in it."""
    first = cursor or 0
    more = first + limit < len(items)
    return list(items[first : first + limit]), str(first + limit) if more else None
