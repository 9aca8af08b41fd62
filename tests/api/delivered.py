"""What the lists of delivery show of the known world: a ledger, conflicts, and a journal that somebody was at."""

import sqlite3
from contextlib import closing

from sqlalchemy import insert

from energy.books import tables as t
from energy.broker.port import Delivery
from energy.journal import Journal
from energy.topic import Topic
from tests.api.served import FIRST, Served


def fill_delivery(one: Served) -> None:
    """Four days of two gateways, five conflicts of two meters, and the journal."""
    place = {"worker": "w1", "day": "2018-01-01", "item": -1}
    conflicts = [
        {"at": FIRST + n, "site": "steel-1", "meter": ("incomer", "second")[n % 2], "quantity": "p_kw", "time": FIRST,
         "kept": 1.0, "refused": 2.0 + n, "row": n, **place}
        for n in range(5)
    ]  # fmt: skip
    ledger = [
        {
            "site": "steel-1",
            "gateway": f"g-{n}",
            "day": f"2018-01-0{day}",
            **dict(zip(t.LEDGER_COUNTS, range(8), strict=True)),
        }
        for n in range(2)
        for day in range(1, 5)
    ]
    with one.context.books.begin() as db:
        db.execute(insert(t.conflict), conflicts)
        db.execute(insert(t.ledger), ledger)
    _fill_journal(one)


def _fill_journal(one: Served) -> None:
    """Seven messages of a worker that no test lands, of which somebody took away the fourth and what came after."""
    assert one.context.journal is not None
    sent = [Delivery(Topic("steel-1", f"g-{n % 2}", "telemetry").text, b"%d" % n, FIRST + n, None) for n in range(7)]
    with closing(Journal(one.context.journal, "w0")) as journal:
        last = journal.append(sent)
    with closing(sqlite3.connect(one.context.journal / f"w0-{last.day}.db")) as file, file:
        file.execute("DELETE FROM record WHERE row = 4")
    with one.context.books.begin() as db:
        db.execute(insert(t.cursor).values(worker="w0", day=last.day, row=9, plan=None))
