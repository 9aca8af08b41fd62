"""A part of the sites, which one process lands for all journals; and its records among all of a journal."""

from functools import lru_cache
from typing import NamedTuple
from zlib import crc32

from energy.errors import InputError
from energy.journal import JournalReader, Position, Record
from ingest.decode import dialects

_TOPICS = 20_000  # remembered


class Partition(NamedTuple):
    """Part `number` of `of`, from 0; a site lies in one part, and so do all that report its meters."""

    number: int
    of: int

    def owns(self, site: str) -> bool:
        """Whether a site lies in this part; what is of no site ("") lies in the first.

        >>> [[Partition(n, 2).owns(site) for n in range(2)] for site in ("", "steel-1", "paper-1")]
        [[True, False], [True, False], [False, True]]
        """
        return self.of == 1 or crc32(site.encode()) % self.of == self.number

    def cursor(self, worker: str) -> str:
        """The name of the cursor in a worker's journal.

        >>> Partition(0, 1).cursor("w1"), Partition(1, 2).cursor("w1")
        ('w1', 'w1#1/2')
        """
        return worker if self.of == 1 else f"{worker}#{self.number}/{self.of}"


WHOLE = Partition(0, 1)


class PartReader:
    """A journal of which only the records of one part are seen; `passed` is how far all others were passed by."""

    def __init__(self, reader: JournalReader, worker: str, part: Partition) -> None:
        """Nothing is opened until `read`."""
        self._reader, self._worker, self._part = reader, worker, part
        self._after: Position | None = None
        self.passed = Position("", 0)
        self.until: Position | None = None  # no record after it is seen

    def read(self, after: Position, limit: int) -> list[Record]:
        """The first records of the part after a position, at most `limit`; empty: there are none yet."""
        at = self.passed if after == self._after else after
        while records := self._page(at, limit):
            own = [record for record in records if self._owns(record.topic)]
            if own:
                return own
            at = records[-1].position
            self._after, self.passed = after, at
        return []

    def reaches(self, position: Position) -> bool:
        """See `JournalReader.reaches`."""
        return self._reader.reaches(position)

    def _page(self, at: Position, limit: int) -> list[Record]:
        records = self._reader.read(at, limit)
        if self.until is None:
            return records
        return [record for record in records if record.position <= self.until]

    def _owns(self, topic: str) -> bool:
        return self._part.of == 1 or self._part.owns(_site(topic, self._worker))


@lru_cache(_TOPICS)
def _site(topic: str, worker: str) -> str:
    """The site that a topic names, "" where it names none."""
    try:
        return dialects.of(topic, worker)[1].site
    except InputError:
        return ""
