"""Takes the cursors over from another number of landing processes, so that nothing lands twice or never."""

import re
from collections import defaultdict
from pathlib import Path

from sqlalchemy import Engine, delete, insert, select

from energy import manual
from energy.books import tables as t
from energy.books.open import look
from energy.journal import Position
from energy.store.port import Store
from ingest.landings import Landings
from ingest.partition import Partition

_CURSOR = re.compile(rf"(w[0-9]+|{manual.WORKER})(?:#[0-9]+/([0-9]+))?")


def level(books: Engine, store: Store, folder: Path, of: int) -> None:
    """After this the cursors are those of `of` landing processes; none may run meanwhile.

    Of each journal that others landed in parts, the parts are first landed as far as the furthest of them.
    Raises as `Landing` does; the next call then goes on.
    """
    for before, workers in _found(books).items():
        if before == of:
            continue
        parts = [Landings(books, store, folder, sorted(workers), Partition(number, before)) for number in range(before)]
        for part in parts:
            part.finish()
        furthest = {worker: max(part.landings[worker].position for part in parts) for worker in workers}
        for part in parts:
            for worker, landing in part.landings.items():
                landing.read_until(furthest[worker])
            while part.step():
                pass
        _change(books, before, of, furthest)


def _found(books: Engine) -> dict[int, set[str]]:
    """Number of landing processes → the workers whose journals have cursors of so many."""
    found: defaultdict[int, set[str]] = defaultdict(set)
    with look(books) as db:
        for name in db.execute(select(t.cursor.c.worker)).scalars():
            if match := _CURSOR.fullmatch(name):
                found[int(match[2] or 1)].add(match[1])
    return found


def _change(books: Engine, before: int, of: int, furthest: dict[str, Position]) -> None:
    c = t.cursor.c
    with books.begin() as db:
        for worker, (day, row) in furthest.items():
            old = [Partition(number, before).cursor(worker) for number in range(before)]
            db.execute(delete(t.cursor).where(c.worker.in_(old)))
            new = [Partition(number, of).cursor(worker) for number in range(of)]
            db.execute(insert(t.cursor), [{"worker": name, "day": day, "row": row, "plan": None} for name in new])
