"""A reading on its way into the store, with where it came from; and the rows of the books that it can become."""

from datetime import date, timedelta
from functools import cache
from typing import Any, NamedTuple

from energy import manual
from energy.journal import Position, Record
from energy.reading import Reading
from energy.topic import Topic
from ingest.decode.message import Refusal
from ingest.decode.port import Address
from ingest.sift import Clash

Row = dict[str, Any]
_DAY = 86_400_000  # ms
_ROWS = 100  # of one message; a hostile one can be refused in thousands of places


class Origin(NamedTuple):
    """Which message, by whom, and when it was received (ms UTC)."""

    site: str
    gateway: str
    received_at: int
    worker: str
    position: Position

    @property
    def account(self) -> str:
        """The ledger's key: site, gateway and UTC day."""
        return f"{self.site}/{self.gateway}/{_day(day_number(self.received_at))}"

    @property
    def topic(self) -> str:
        """Where it most likely came by, for what is not with its message any more."""
        by_hand = self.gateway == manual.GATEWAY
        return manual.topic(self.site) if by_hand else Topic(self.site, self.gateway, "telemetry").text

    def place(self, item: int) -> Row:
        """The journal position of an item of the message."""
        return {"worker": self.worker, "day": self.position.day, "row": self.position.row, "item": item}


def origin_of(record: Record, address: Address, worker: str) -> Origin:
    """Where a journaled message of a known sender came from."""
    return Origin(address.site, address.gateway, record.received_at, worker, record.position)


def day_number(received_at: int) -> int:
    """Days since 1970 of a time in ms UTC."""
    return received_at // _DAY


@cache
def _day(number: int) -> str:
    """The UTC day of a count of days since 1970."""
    return (date(1970, 1, 1) + timedelta(days=number)).isoformat()


class Arrival(NamedTuple):
    """One reading of a message; item is its number in it."""

    origin: Origin
    item: int
    reading: Reading

    @property
    def key(self) -> tuple[str, str]:
        """(site, meter)."""
        return self.origin.site, self.reading.meter


def quarantine_row(origin: Origin, item: int, refusal: Refusal, topic: str, size: int) -> Row:
    """What was refused; item is -1 for a whole message."""
    return {
        "at": origin.received_at, "site": origin.site, "gateway": origin.gateway, "reason": refusal.reason,
        "detail": refusal.detail,
        "topic": topic.replace("\x00", "\ufffd"),  # which some brokers let through, and PostgreSQL does not take
        "excerpt": refusal.excerpt, "size": size, "count": refusal.count, **origin.place(item),
    }  # fmt: skip


def quarantine_rows(origin: Origin, refusals: list[tuple[int, Refusal]], topic: str, size: int) -> list[Row]:
    """What was refused of one message, by item; beyond _ROWS one row for each reason, at its first item, counts all."""
    rows = [quarantine_row(origin, item, refusal, topic, size) for item, refusal in refusals[:_ROWS]]
    rest: dict[str, list[tuple[int, Refusal]]] = {}
    for item, refusal in refusals[_ROWS:]:
        rest.setdefault(refusal.reason, []).append((item, refusal))
    for alike in rest.values():
        item, first = alike[0]
        detail = first.detail if len(alike) == 1 else f"{first.detail}; and {len(alike) - 1} more items after it"
        whole = Refusal(first.reason, detail, first.excerpt, sum(refusal.count for _, refusal in alike))
        rows.append(quarantine_row(origin, item, whole, topic, size))
    return rows


def held_row(arrival: Arrival) -> Row:
    """A reading of a meter that is not registered yet."""
    reading, origin = arrival.reading, arrival.origin
    return {
        "at": origin.received_at, "site": origin.site, "gateway": origin.gateway, "meter": reading.meter,
        "time": reading.time, "values": dict(reading.values), "quality": int(reading.quality),
        **origin.place(arrival.item),
    }  # fmt: skip


def conflict_row(arrival: Arrival, clash: Clash, at: int) -> Row:
    """A value that contradicts the one that is kept."""
    return {
        "at": at, "site": arrival.origin.site, "meter": arrival.reading.meter, "time": arrival.reading.time,
        **clash._asdict(), **arrival.origin.place(arrival.item),
    }  # fmt: skip
