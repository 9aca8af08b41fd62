"""Ways to tamper with a store, a journal or the books, and the word and place that an audit must find for each."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, insert, update

from energy.books import tables as t
from energy.broker.port import Delivery
from energy.journal import leaf_hash
from tests.simulators.audit.lab import HOUR, NOON, Lab

_SERIES = "(SELECT id FROM series WHERE measurement = 'meter' AND site = 'mill' AND meter = ? AND field = ?)"
METER = "(SELECT id FROM series WHERE measurement = 'meter' AND site = 'mill' AND meter = ?)"
GAP = NOON - 2 * HOUR + HOUR // 2  # paper-machine was not read then
Place = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Tampering:
    """What is done (it says where: columns of the finding), and the words that the audit must find, and no others."""

    name: str
    do: Callable[[Lab], Place]
    word: str
    also: tuple[str, ...] = ()


def delete_value(lab: Lab) -> Place:
    lab.change(f"DELETE FROM point WHERE series = {_SERIES} AND time = ?", "incomer", "e_kwh", NOON)
    return {"meter": "incomer", "quantity": "e_kwh", "time": "2026-03-02T12:00:00+08:00", "count": 1}


def delete_reading(lab: Lab) -> Place:
    lab.change(f"DELETE FROM point WHERE series IN {METER} AND time = ?", "incomer", NOON)
    return {"meter": "incomer", "quantity": "e_kwh p_kw", "time": "2026-03-02T12:00:00+08:00", "count": 2}


def change_value(lab: Lab) -> Place:
    lab.change(f"UPDATE point SET value = value + 0.01 WHERE series = {_SERIES} AND time = ?", "pumps", "e_kwh", NOON)
    return {"meter": "pumps", "quantity": "e_kwh", "time": "2026-03-02T12:00:00+08:00", "count": 1}


def change_quality(lab: Lab) -> Place:
    lab.change(f"UPDATE point SET value = 1 WHERE series = {_SERIES} AND time = ?", "pumps", "quality", NOON)
    return {"meter": "pumps", "quantity": "quality", "time": "2026-03-02T12:00:00+08:00"}


def move_reading(lab: Lab) -> Place:
    lab.change(f"UPDATE point SET time = time + 60000 WHERE series IN {METER} AND time = ?", "incomer", NOON)
    return {"meter": "incomer", "quantity": "e_kwh p_kw", "time": "2026-03-02T12:01:00+08:00", "count": 2}


def copy_to_another_time(lab: Lab) -> Place:
    lab.change(f"INSERT INTO point SELECT series, time + 60000, value FROM point WHERE series IN {METER} AND time = ?",
               "incomer", NOON)  # fmt: skip
    return {"meter": "incomer", "quantity": "e_kwh p_kw", "time": "2026-03-02T12:01:00+08:00", "count": 2}


def copy_to_another_meter(lab: Lab) -> Place:
    lab.change(
        "INSERT INTO point SELECT b.id, p.time, p.value FROM point p JOIN series a ON a.id = p.series JOIN series b"
        " ON b.field = a.field AND b.measurement = a.measurement AND b.site = a.site AND b.meter = 'paper-machine'"
        " WHERE a.measurement = 'meter' AND a.meter = 'pumps' AND p.time = ?", GAP,
    )  # fmt: skip
    return {"meter": "paper-machine", "quantity": "e_kwh p_kw", "time": "2026-03-02T10:30:00+08:00", "count": 2}


def invent_value(lab: Lab) -> Place:
    lab.change(f"INSERT INTO point VALUES ({_SERIES}, ?, 1234567.89)", "paper-machine", "e_kwh", GAP)
    return {"meter": "paper-machine", "quantity": "e_kwh", "time": "2026-03-02T10:30:00+08:00"}


def delete_conflict(lab: Lab) -> Place:
    row = lab.listed(t.conflict)
    with lab.books.begin() as db:
        db.execute(delete(t.conflict).where(t.conflict.c.id == row["id"]))
    return {"meter": "gas", "quantity": row["quantity"], "count": 1}


def change_conflict(lab: Lab) -> Place:
    row = lab.listed(t.conflict)
    with lab.books.begin() as db:
        db.execute(update(t.conflict).where(t.conflict.c.id == row["id"]).values(kept=row["kept"] + 1))
    return {"meter": "gas", "quantity": row["quantity"], "gateway": "gw-1"}


def invent_conflict(lab: Lab) -> Place:
    row = lab.listed(t.conflict)
    with lab.books.begin() as db:
        db.execute(insert(t.conflict).values({**row, "id": row["id"] + 1_000_000, "row": 1_000_000}))
    return {"meter": "gas", "quantity": row["quantity"]}


def delete_held(lab: Lab) -> Place:
    row = lab.listed(t.held)
    with lab.books.begin() as db:
        db.execute(delete(t.held).where(t.held.c.id == row["id"]))
    return {"meter": "steam", "quantity": "steam_t steam_th", "time": "2026-03-02T00:00:00+08:00", "count": 2}


def change_held(lab: Lab) -> Place:
    row = lab.listed(t.held)
    changed = {**row["values"], "steam_t": row["values"]["steam_t"] + 1}
    with lab.books.begin() as db:
        db.execute(update(t.held).where(t.held.c.id == row["id"]).values(values=changed))
    return {"meter": "steam", "quantity": "steam_t", "time": "2026-03-02T00:00:00+08:00", "count": 1}


def move_held(lab: Lab) -> Place:
    row = lab.listed(t.held)
    with lab.books.begin() as db:
        db.execute(update(t.held).where(t.held.c.id == row["id"]).values(time=row["time"] + 1))
    return {"meter": "steam", "quantity": "steam_t steam_th", "time": "2026-03-02T00:00:00+08:00", "count": 2}


def copy_held(lab: Lab) -> Place:
    row = lab.listed(t.held)
    with lab.books.begin() as db:
        db.execute(insert(t.held).values({**row, "id": row["id"] + 1_000_000, "row": 1_000_000}))
    return {"meter": "steam", "gateway": "gw-1", "time": "2026-03-02T00:00:00+08:00"}


def delete_refusal(lab: Lab) -> Place:
    row = lab.listed(t.quarantine, t.quarantine.c.item >= 0)
    with lab.books.begin() as db:
        db.execute(delete(t.quarantine).where(t.quarantine.c.id == row["id"]))
    return {"meter": "pumps", "quantity": "p_kw", "time": "2026-03-02T06:00:00+08:00", "count": 1}


def delete_refused_message(lab: Lab) -> Place:
    row = lab.listed(t.quarantine, t.quarantine.c.item == -1)
    with lab.books.begin() as db:
        db.execute(delete(t.quarantine).where(t.quarantine.c.id == row["id"]))
    return {"gateway": "gw-1", "message": int(lab.message(expect="refuse")["message"])}


def invent_refusal(lab: Lab) -> Place:
    row = lab.listed(t.quarantine, t.quarantine.c.item >= 0)
    number = int(lab.message(kind="telemetry")["message"])
    there = {"id": row["id"] + 1_000_000, "row": lab.row_of(number), "item": 0}
    with lab.books.begin() as db:
        db.execute(insert(t.quarantine).values({**row, **there}))
    return {"gateway": "gw-1", "message": number}


def delete_row(lab: Lab) -> Place:
    number = int(lab.message(kind="telemetry", seq="20")["message"])
    lab.change_journal("DELETE FROM record WHERE row = ?", lab.row_of(number))
    return {"gateway": "gw-1", "message": number}


def delete_last_row(lab: Lab) -> Place:
    last = lab.journal.execute("SELECT max(row) FROM record").fetchone()[0]
    lab.change_journal("DELETE FROM record WHERE row = ?", last)
    return {"message": None, "count": 1}


def change_payload(lab: Lab) -> Place:
    number = int(lab.message(kind="telemetry", seq="20")["message"])
    lab.change_journal("UPDATE record SET payload = payload || x'20' WHERE row = ?", lab.row_of(number))
    return {"gateway": "gw-1", "message": number}


def change_arrival(lab: Lab) -> Place:
    number = int(lab.message(kind="telemetry", seq="20")["message"])
    lab.change_journal("UPDATE record SET received_at = received_at - 86400000 WHERE row = ?", lab.row_of(number))
    return {"gateway": "gw-1", "message": number}


def copy_row(lab: Lab) -> Place:
    number = int(lab.message(kind="telemetry", seq="20")["message"])
    columns = "received_at, topic, payload, leaf"
    lab.change_journal(f"INSERT INTO record ({columns}) SELECT {columns} FROM record WHERE row = ?", lab.row_of(number))
    return {"gateway": "gw-1", "message": number}


def _swap(lab: Lab, columns: str) -> tuple[int, int]:
    """Exchange columns of the messages numbered 20 and 30 of the first boot."""
    numbers = [int(lab.message(kind="telemetry", seq=seq)["message"]) for seq in ("20", "30")]
    one, other = (lab.row_of(number) for number in numbers)
    query = f"SELECT {columns} FROM record WHERE row = ?"
    first, second = (lab.journal.execute(query, (row,)).fetchone() for row in (one, other))
    marks = ", ".join("?" * len(first))
    lab.change_journal(f"UPDATE record SET ({columns}) = ({marks}) WHERE row = ?", *second, one)
    lab.change_journal(f"UPDATE record SET ({columns}) = ({marks}) WHERE row = ?", *first, other)
    return numbers[0], numbers[1]


def swap_payloads(lab: Lab) -> Place:
    one, _ = _swap(lab, "payload, topic")
    return {"gateway": "gw-1", "message": one}


def swap_rows(lab: Lab) -> Place:
    _, other = _swap(lab, "received_at, topic, payload, leaf")
    return {"gateway": "gw-1", "message": other}


def insert_row(lab: Lab) -> Place:
    received, topic = lab.journal.execute("SELECT received_at, topic FROM record ORDER BY row DESC LIMIT 1").fetchone()
    strange = Delivery(topic, b'{"readings": []}', received, None)
    lab.change_journal("INSERT INTO record (received_at, topic, payload, leaf) VALUES (?, ?, ?, ?)", received, topic,
                       strange.payload, leaf_hash(strange))  # fmt: skip
    return {"site": "mill", "gateway": "gw-1", "message": None}


def _count(**more: int) -> Callable[[Lab], Place]:
    def do(lab: Lab) -> Place:
        with lab.books.begin() as db:
            values = {name: t.ledger.c[name] + number for name, number in more.items()}
            assert db.execute(update(t.ledger).values(values)).rowcount == 1
        return {"site": "mill", "gateway": "gw-1"}

    return do


def delete_ledger(lab: Lab) -> Place:
    with lab.books.begin() as db:
        db.execute(delete(t.ledger))
    return {"site": "mill", "gateway": "gw-1"}


TAMPERINGS = (
    Tampering("a value deleted", delete_value, "lost"),
    Tampering("a reading deleted", delete_reading, "lost"),
    Tampering("a value changed", change_value, "wrong"),
    Tampering("a quality changed", change_quality, "wrong"),
    Tampering("a reading moved to another time", move_reading, "moved"),
    Tampering("a reading copied to another time", copy_to_another_time, "doubled"),
    Tampering("a reading copied to another meter", copy_to_another_meter, "doubled"),
    Tampering("a value invented", invent_value, "unexplained"),
    Tampering("a conflict deleted", delete_conflict, "lost"),
    Tampering("a conflict changed", change_conflict, "wrong"),
    Tampering("a conflict invented", invent_conflict, "unexplained"),
    Tampering("a held reading deleted", delete_held, "lost"),
    Tampering("a held value changed", change_held, "wrong"),
    Tampering("a held reading moved", move_held, "moved"),
    Tampering("a held reading copied", copy_held, "doubled"),
    Tampering("a refusal deleted", delete_refusal, "lost"),
    Tampering("a refused message deleted", delete_refused_message, "lost"),
    Tampering("a refusal invented", invent_refusal, "unexplained"),
    Tampering("a row of the journal deleted", delete_row, "lost", ("deleted",)),
    Tampering("the journal's last row deleted", delete_last_row, "deleted", ("lost",)),
    Tampering("a payload changed", change_payload, "altered"),
    Tampering("a time of arrival changed", change_arrival, "altered"),
    Tampering("a row of the journal copied", copy_row, "doubled"),
    Tampering("two payloads exchanged", swap_payloads, "altered"),
    Tampering("two rows exchanged", swap_rows, "moved"),
    Tampering("a row of the journal invented", insert_row, "unexplained"),
    Tampering("the ledger's sum changed", _count(landed=1), "unexplained"),
    Tampering("the ledger's classes changed", _count(landed=-1, duplicate=1), "unexplained"),
    Tampering("the ledger's messages changed", _count(messages=1), "unexplained"),
    Tampering("the ledger deleted", delete_ledger, "unexplained"),
)
