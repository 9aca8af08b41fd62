"""How all processes of one ingest are together, as `Pulse` asks for it."""

from collections.abc import Sequence
from pathlib import Path

from sqlalchemy import Engine, select

from deploy.crew import RECEIVE, Crew, Hand
from energy.books import tables as t
from energy.books.open import look
from energy.broker.port import Broker
from energy.journal import START, JournalReader, Position
from ingest.landings import oldest
from ingest.partition import Partition


class Cursors:
    """How far each journal has landed in all parts, by the books; `look` reads it anew."""

    def __init__(self, books: Engine, folder: Path, workers: Sequence[str], landers: int) -> None:
        """workers: whose journals there are."""
        self._books = books
        self.readers = {worker: JournalReader(folder, worker) for worker in workers}
        self._names = {
            worker: [Partition(number, landers).cursor(worker) for number in range(landers)] for worker in workers
        }
        self.positions: dict[str, Position] = {}
        self.look()

    def look(self) -> None:
        """Read them; a database error when the books do not answer."""
        with look(self._books) as db:
            c = t.cursor.c
            found = {name: Position(day, row) for name, day, row in db.execute(select(c.worker, c.day, c.row))}
        self.positions = {
            worker: min(found.get(name, START) for name in names) for worker, names in self._names.items()
        }

    def lag(self) -> int:
        """See `Landings.lag`."""
        return sum(reader.count_after(self.positions[worker]) for worker, reader in self.readers.items())

    def oldest(self) -> int | None:
        """See `Landings.oldest`."""
        return oldest((reader, self.positions[worker]) for worker, reader in self.readers.items())

    def size(self) -> int:
        """See `Landings.size`."""
        return sum(reader.size() for reader in self.readers.values())


class Session:
    """All sessions at the broker, with that which gives the receipts."""

    def __init__(self, crew: Crew, broker: Broker) -> None:
        """`broker` is the crew's."""
        self._crew, self._broker = crew, broker

    @property
    def connected(self) -> bool:
        """Whether every one is up."""
        return self._broker.connected and all(hand.state.connected for hand in _of(self._crew, RECEIVE))

    @property
    def trouble(self) -> str:
        """What is wrong with the first that is not."""
        return self._broker.trouble or _trouble(_of(self._crew, RECEIVE))


class Side:
    """The receiving or the landing processes as one; `look` counts them anew."""

    def __init__(self, crew: Crew, role: str) -> None:
        """role: RECEIVE or LAND."""
        self._crew, self._role = crew, role
        self.journaled = self.messages = self.store_errors = self.books_errors = 0
        self.trouble = ""

    def look(self) -> None:
        """Sum up what each has told."""
        counts = [hand.counts() for hand in _of(self._crew, self._role)]
        self.messages, self.store_errors, self.books_errors = (sum(one) for one in zip(*counts, strict=True))
        self.journaled = self.messages
        self.trouble = _trouble(_of(self._crew, self._role))


def _of(crew: Crew, role: str) -> list[Hand]:
    return [hand for hand in crew.hands if hand.role == role]


def _trouble(hands: list[Hand]) -> str:
    return next((hand.state.trouble for hand in hands if hand.state.trouble), "")
