"""The client's calls about delivery: what came, what became of it, and whether the journal still has all of it."""

from collections.abc import Iterator
from typing import Literal, TypedDict, cast

from energy.client.calls import Calls

HeldState = Literal["waiting", "landed"]


class Place(TypedDict):
    """Where in the journal something lies; item counts from 0 in the message, -1: all of it."""

    worker: str
    day: str
    row: int
    item: int


class LedgerDay(TypedDict):
    """What became of all that a gateway sent, by UTC day of arrival.

    messages: of which `undecodable` could not be read; the rest counts values (meter, quantity, time):
    received = landed + duplicate + conflict + held + refused.
    """

    site: str
    gateway: str
    day: str
    messages: int
    undecodable: int
    received: int
    landed: int
    duplicate: int
    conflict: int
    held: int
    refused: int


class HeldReading(TypedDict):
    """A reading that came before its meter was registered; `landed_at` is None while it waits. `ms` is UTC."""

    id: int
    at: str
    site: str
    gateway: str
    meter: str
    time: str
    ms: int
    values: dict[str, float]
    quality: str
    landed_at: str | None
    journal: Place


class Conflict(TypedDict):
    """A value that contradicts the one that came first, which is `kept`. `ms` is UTC."""

    id: int
    at: str
    site: str
    meter: str
    time: str
    ms: int
    quantity: str
    kept: float
    refused: float
    journal: Place


class Journaled(TypedDict):
    """A message as it lies in the journal.

    received_at: RFC 3339, None for what no clock shows; ms: the same, UTC; size: bytes of the payload; sha256: of the
    payload, in hex; intact: the stored `leaf` (hex) is the one computed anew of received_at, topic and payload.
    """

    worker: str
    day: str
    row: int
    received_at: str | None
    ms: int
    topic: str
    site: str | None
    gateway: str | None
    size: int
    sha256: str
    leaf: str
    intact: bool


class Hole(TypedDict):
    """Rows that are missing from a day's file, from `first` to `last`, whoever sent them."""

    worker: str
    day: str
    first: int
    last: int


class CutShort(TypedDict):
    """A journal that ends at row `last` of a day, though all up to row `landed` of it has landed."""

    worker: str
    day: str
    last: int
    landed: int


class JournalPage(TypedDict):
    """A page of the journal: messages, and what is missing among all rows that were looked at for it."""

    items: list[Journaled]
    next: str | None
    holes: list[Hole]
    cut_short: list[CutShort]


class Delivery(Calls):
    """The lists by which anybody can check that what was sent has arrived; all need the permission `intake`."""

    def ledger(
        self, site: str | None = None, gateway: str | None = None, start: str | None = None, end: str | None = None,
        limit: int = 1000,
    ) -> Iterator[LedgerDay]:  # fmt: skip
        """The ledger by gateway and UTC day, of the days in [start, end), oldest first; read in pages of `limit`."""
        ask = {"site": site, "gateway": gateway, "from": start, "to": end, "limit": limit}
        for item in self.every("/ledger", **ask):
            yield cast(LedgerDay, item)

    def held(
        self, site: str | None = None, gateway: str | None = None, state: HeldState | None = None, limit: int = 1000
    ) -> Iterator[HeldReading]:
        """Readings that wait for their meter or have landed since it was registered, oldest first."""
        for item in self.every("/held", site=site, gateway=gateway, state=state, limit=limit):
            yield cast(HeldReading, item)

    def conflicts(self, site: str | None = None, meter: str | None = None, limit: int = 1000) -> Iterator[Conflict]:
        """Values that contradict the one that is kept, oldest first."""
        for item in self.every("/conflicts", site=site, meter=meter, limit=limit):
            yield cast(Conflict, item)

    def journal(
        self, site: str | None = None, gateway: str | None = None, worker: str | None = None, day: str | None = None,
        limit: int = 1000,
    ) -> Iterator[Journaled]:  # fmt: skip
        """Every message of the journal, in order of worker, day and row; `journal_pages` says what is missing too."""
        for page in self.journal_pages(site, gateway, worker, day, limit):
            yield from page["items"]

    def journal_pages(
        self, site: str | None = None, gateway: str | None = None, worker: str | None = None, day: str | None = None,
        limit: int = 1000, cursor: str | None = None,
    ) -> Iterator[JournalPage]:  # fmt: skip
        """The pages of the journal from `cursor` on, with holes; one may be empty though others follow.

        InputError("no_journal") where the API runs apart from the journals.
        """
        while True:
            ask = {"site": site, "gateway": gateway, "worker": worker, "day": day, "limit": limit, "cursor": cursor}
            page = cast(JournalPage, self.get("/journal", **ask))
            yield page
            cursor = page["next"]
            if cursor is None:
                return
