"""The books' part of a plan: rows, ledger, sequences, touched ranges and the cursor, in one transaction."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, bindparam, case, insert, select, tuple_, update

from energy.books import tables as t
from ingest.decode import memory
from ingest.plan import Plan, Row, Tally

_ROWS = 200_000  # of a table, known to be there
_PAGE = 400  # keys asked for at once; SQLite takes 999 values in one statement


class Rows:
    """Which rows the books are known to have, so that they need not be asked each time; one owner writes them."""

    def __init__(self) -> None:
        """Nothing is known."""
        self._sure: dict[str, set[tuple[Any, ...]]] = {}
        self._said: dict[str, set[tuple[Any, ...]]] = {}

    def of(self, table: Table) -> set[tuple[Any, ...]]:
        """Keys of rows that are there for sure."""
        return self._sure.setdefault(table.name, set())

    def say(self, table: Table, keys: Iterable[tuple[Any, ...]]) -> None:
        """Keys that are there when the transaction has been committed."""
        self._said.setdefault(table.name, set()).update(keys)

    def settle(self) -> None:
        """The transaction was committed."""
        for name, keys in self._said.items():
            sure = self._sure.setdefault(name, set())
            if len(sure) > _ROWS:
                sure.clear()
            sure.update(keys)
        self._said.clear()

    def begin(self) -> None:
        """A transaction begins; what was said in one that failed is forgotten."""
        self._said.clear()


def finish(db: Connection, worker: str, plan: Plan, known: Rows | None = None) -> None:
    """After the store's durable write: everything else, in one transaction.

    A plan that is not kept any more was finished: a commit can fail to answer and have happened.
    known: to be settled by the caller after the commit.
    """
    known = known or Rows()
    known.begin()
    kept = update(t.cursor).where(t.cursor.c.worker == worker, t.cursor.c.plan.is_not(None))
    if db.execute(kept.values(day=plan.until.day, row=plan.until.row, plan=None)).rowcount == 0:
        return
    for table, rows in ((t.quarantine, plan.quarantine), (t.held, plan.held), (t.conflict, plan.conflict),
                        (t.touched, plan.touched)):  # fmt: skip
        if rows:
            db.execute(insert(table), rows)
    _put(db, known, t.gateway, ("site", "gateway", "boot"), list(plan.gateways.values()), _replaced, ("first_at",))
    _put(db, known, t.last_heard, ("site", "meter"), plan.heard, _newer)
    _put(db, known, t.ledger, ("site", "gateway", "day"), [_counts(*entry) for entry in plan.ledger.items()], _more)
    memory.write(db, plan.edges)
    if plan.landed_held:
        done = update(t.held).where(t.held.c.id == bindparam("ident")).values(landed_at=plan.at)
        db.execute(done, [{"ident": ident} for ident in plan.landed_held])


Change = Callable[[Any, Any], Any]


def _put(
    db: Connection, known: Rows, table: Table, keys: tuple[str, ...], rows: list[Row], change: Change,
    stays: tuple[str, ...] = (),
) -> None:  # fmt: skip
    """Insert the rows that are new, and change the others: `change` (column, new value) → what it becomes."""
    wanted, sure = [tuple(row[key] for key in keys) for row in rows], known.of(table)
    there = _asked(db, table, keys, [key for key in wanted if key not in sure])
    new = [row for row, key in zip(rows, wanted, strict=True) if key not in sure and key not in there]
    old = [row for row, key in zip(rows, wanted, strict=True) if key in sure or key in there]
    known.say(table, wanted)
    if new:
        db.execute(insert(table), new)
    if old:
        columns = [name for name in old[0] if name not in keys and name not in stays]
        here = and_(*(table.c[key] == bindparam(f"k_{key}") for key in keys))
        values = {name: change(table.c[name], bindparam(f"v_{name}", type_=table.c[name].type)) for name in columns}
        named = [{f"k_{key}": row[key] for key in keys} | {f"v_{name}": row[name] for name in columns} for row in old]
        db.execute(update(table).where(here).values(values), named)


def _asked(
    db: Connection, table: Table, keys: tuple[str, ...], wanted: list[tuple[Any, ...]]
) -> set[tuple[Any, ...]]:  # fmt: skip
    """Which of the rows are there already, by their keys."""
    columns = [table.c[key] for key in keys]
    found: set[tuple[Any, ...]] = set()
    for at in range(0, len(wanted), _PAGE // len(keys)):
        page = wanted[at : at + _PAGE // len(keys)]
        found.update(tuple(row) for row in db.execute(select(*columns).where(tuple_(*columns).in_(page))))
    return found


def _replaced(_column: Any, value: Any) -> Any:
    return value


def _newer(column: Any, value: Any) -> Any:
    return case((column < value, value), else_=column)


def _more(column: Any, value: Any) -> Any:
    return column + value


def _counts(account: str, tally: Tally) -> Row:
    site, gateway, day = account.split("/")
    return {"site": site, "gateway": gateway, "day": day, **msgspec.structs.asdict(tally)}
