"""Lands the journals of one folder, one after another, with one owner of order, duplicate and conflict."""

from collections.abc import Iterable
from pathlib import Path

from sqlalchemy import Engine

from energy.journal import JournalReader, Position
from energy.store.port import Store
from ingest.decode.memory import Lack
from ingest.land import Landing
from ingest.partition import WHOLE, Partition


class Landings:
    """A `Landing` for each worker's journal, all of one knowledge; one thread steps them."""

    def __init__(
        self, books: Engine, store: Store, folder: Path, workers: Iterable[str], part: Partition = WHOLE
    ) -> None:
        """`part`: of the sites, where other processes land the others. Raises as `Landing` does."""
        self.readers = {worker: JournalReader(folder, worker) for worker in workers}
        self.landings: dict[str, Landing] = {}
        first: Landing | None = None
        for worker, reader in self.readers.items():
            self.landings[worker] = Landing(books, store, reader, worker, first, part)
            first = first or self.landings[worker]

    def step(self) -> int:
        """Land one batch of each journal; the number of messages, 0 when all are drained.

        What was decided for any journal is in the store before anything is decided for another: the sieve could not
        see it otherwise. OutsideError as from `Landing.step`; the next step then goes on.
        """
        self.finish()
        return sum(landing.step() for landing in self.landings.values())

    def finish(self) -> None:
        """Carry out what was decided and not done, for all journals."""
        for landing in self.landings.values():
            landing.finish()

    def take_lacking(self) -> set[Lack]:
        """The edge nodes whose births must be asked for, each time anew."""
        taken: set[Lack] = set()
        for landing in self.landings.values():
            taken |= landing.lacking
            landing.lacking = set()
        return taken

    def lag(self) -> int:
        """How many messages are journaled and have not landed."""
        return sum(reader.count_after(self.landings[worker].position) for worker, reader in self.readers.items())

    def oldest(self) -> int | None:
        """When the oldest message that has not landed was received, ms UTC; None when there is none."""
        return oldest((reader, self.landings[worker].position) for worker, reader in self.readers.items())

    def size(self) -> int:
        """Bytes of all journals."""
        return sum(reader.size() for reader in self.readers.values())


def oldest(journals: Iterable[tuple[JournalReader, Position]]) -> int | None:
    """When the oldest message after these positions was received, ms UTC; None when there is none."""
    waiting = [records[0].received_at for reader, position in journals if (records := reader.read(position, 1))]
    return min(waiting, default=None)
