"""The points of a kept plan, found again in the journal: what was decided holds, whatever is known by now."""

from collections.abc import Iterable

from energy.errors import InputError
from energy.journal import Record
from energy.store.port import Point, Series
from ingest.arrival import origin_of
from ingest.check import check
from ingest.decode import dialects
from ingest.decode.memory import Memory
from ingest.plan import Placed, Plan
from ingest.sift import QUALITY


def placed_again(records: Iterable[Record], plan: Plan, memory: Memory, worker: str) -> list[Placed]:
    """Every point that the plan writes, with the ledger's key and its journal position.

    memory: as the books have it before the plan is finished.
    """
    if plan.ours:
        return []
    held = {(row["row"], row["item"]) for row in plan.held}
    refused = {row["row"] for row in plan.quarantine if row["item"] == -1}
    out: list[Placed] = []
    for record in records:
        if record.position.row not in refused:
            out += _of_one(record, plan, memory, worker, held)
    return out


def _of_one(record: Record, plan: Plan, memory: Memory, worker: str, held: set[tuple[int, int]]) -> list[Placed]:
    out: list[Placed] = []
    try:
        dialect, address = dialects.of(record.topic, worker)
        message = dialect.decode(address, record.payload, memory)
    except InputError:
        return out
    origin = origin_of(record, address, worker)
    row = record.position.row
    for number, item in enumerate(message.items if message else ()):
        reading = check(item.reading, origin.received_at)[0] if item.reading is not None else None
        if reading is None or (row, number) in held:
            continue
        fields = plan.old.get(f"{row}/{number}")
        if fields is None:
            fields = {**reading.values, QUALITY: float(reading.quality)}
        if fields:
            point = Point(Series("meter", origin.site, reading.meter), reading.time, fields)
            out.append(Placed(point, origin.account, {**origin.place(number), "topic": record.topic}))
    return out
