"""The books' part of a plan: rows, ledger, sequences, touched ranges and the cursor, in one transaction."""

from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Connection, Table, and_, bindparam, case, insert, select, tuple_, update

from energy.books import tables as t
from ingest.decode import memory
from ingest.plan import Plan, Row, Tally

_PAGE = 400  # keys asked for at once; SQLite takes 999 values in one statement


def finish(db: Connection, worker: str, plan: Plan) -> None:
    """After the store's durable write: everything else, in one transaction.

    A plan that is not kept any more was finished: a commit can fail to answer and have happened.
    """
    kept = update(t.cursor).where(t.cursor.c.worker == worker, t.cursor.c.plan.is_not(None))
    if db.execute(kept.values(day=plan.until.day, row=plan.until.row, plan=None)).rowcount == 0:
        return
    for table, rows in ((t.quarantine, plan.quarantine), (t.held, plan.held), (t.conflict, plan.conflict),
                        (t.touched, plan.touched)):  # fmt: skip
        if rows:
            db.execute(insert(table), rows)
    _put(db, t.gateway, ("site", "gateway", "boot"), list(plan.gateways.values()), _replaced, ("first_at",))
    _put(db, t.last_heard, ("site", "meter"), plan.heard, _newer)
    _put(db, t.ledger, ("site", "gateway", "day"), [_counts(*entry) for entry in plan.ledger.items()], _more)
    memory.write(db, plan.edges)
    if plan.landed_held:
        done = update(t.held).where(t.held.c.id == bindparam("ident")).values(landed_at=plan.at)
        db.execute(done, [{"ident": ident} for ident in plan.landed_held])


Change = Callable[[Any, Any], Any]


def _put(
    db: Connection, table: Table, keys: tuple[str, ...], rows: list[Row], change: Change, stays: tuple[str, ...] = ()
) -> None:
    """Insert the rows that are new, and change the others: `change` (column, new value) → what it becomes."""
    there = _known(db, table, keys, rows)
    new = [row for row in rows if tuple(row[key] for key in keys) not in there]
    old = [row for row in rows if tuple(row[key] for key in keys) in there]
    if new:
        db.execute(insert(table), new)
    if old:
        columns = [name for name in old[0] if name not in keys and name not in stays]
        here = and_(*(table.c[key] == bindparam(f"k_{key}") for key in keys))
        values = {name: change(table.c[name], bindparam(f"v_{name}", type_=table.c[name].type)) for name in columns}
        named = [{f"k_{key}": row[key] for key in keys} | {f"v_{name}": row[name] for name in columns} for row in old]
        db.execute(update(table).where(here).values(values), named)


def _known(db: Connection, table: Table, keys: tuple[str, ...], rows: list[Row]) -> set[tuple[Any, ...]]:
    """Which of the rows are there already, by their keys."""
    columns = [table.c[key] for key in keys]
    wanted = [tuple(row[key] for key in keys) for row in rows]
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
