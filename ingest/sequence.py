"""Which of a gateway's messages arrived: its sequence numbers as ranges."""

from bisect import bisect_right
from collections.abc import Iterable

from sqlalchemy import Engine, select

from energy.books import tables as t
from energy.books.open import look
from ingest.arrival import Origin
from ingest.plan import Plan


class Sequence:
    """Sequence numbers seen from one boot of one gateway, which counts from 1; kept as sorted, separate ranges."""

    def __init__(self, ranges: Iterable[Iterable[int]] = ()) -> None:
        """`ranges` is what `ranges` gave before."""
        self._ranges = [list(pair) for pair in ranges]

    def add(self, seq: int) -> bool:
        """Note one number; False when it was there already.

        >>> s = Sequence(); [s.add(n) for n in (1, 2, 5, 2)], s.contiguous, s.gaps()
        ([True, True, True, False], 2, [[3, 4]])
        """
        at = bisect_right(self._ranges, [seq, float("inf")]) - 1
        if at >= 0 and seq <= self._ranges[at][1]:
            return False
        joins_left = at >= 0 and self._ranges[at][1] == seq - 1
        joins_right = at + 1 < len(self._ranges) and self._ranges[at + 1][0] == seq + 1
        if joins_left and joins_right:
            self._ranges[at][1] = self._ranges.pop(at + 1)[1]
        elif joins_left:
            self._ranges[at][1] = seq
        elif joins_right:
            self._ranges[at + 1][0] = seq
        else:
            self._ranges.insert(at + 1, [seq, seq])
        return True

    @property
    def ranges(self) -> list[list[int]]:
        """The ranges, each [first, last]."""
        return [list(pair) for pair in self._ranges]

    @property
    def contiguous(self) -> int:
        """The highest number up to which every one from 1 on arrived; 0 when the first has not."""
        return self._ranges[0][1] if self._ranges and self._ranges[0][0] <= 1 else 0

    @property
    def last(self) -> int:
        """The highest number that arrived, 0 when none did."""
        return self._ranges[-1][1] if self._ranges else 0

    def gaps(self) -> list[list[int]]:
        """What never arrived below the highest, each [first, last]."""
        below, out = 0, []
        for first, last in self._ranges:
            if first > below + 1:
                out.append([below + 1, first - 1])
            below = last
        return out


class Sequences:
    """The sequences of every gateway and boot, as the books have them and this process noted since."""

    def __init__(self, books: Engine) -> None:
        """Each is read when it is first needed."""
        self._books = books
        self._known: dict[tuple[str, str, str], Sequence] = {}

    def note(self, plan: Plan, origin: Origin, boot: str, seq: int) -> None:
        """Note a message's number, where it has one, and tell the plan."""
        if not boot or seq == 0:
            return
        key = (origin.site, origin.gateway, boot)
        sequence = self._known.get(key)
        if sequence is None:
            sequence = self._known[key] = self._stored(key)
        sequence.add(seq)
        name = f"{origin.site}/{origin.gateway}/{boot}"
        row = plan.gateways.get(name)
        if row is None:
            plan.gateways[name] = {
                "site": key[0], "gateway": key[1], "boot": boot, "seen": sequence, "last_seq": 0,
                "first_at": origin.received_at, "last_at": origin.received_at,
            }  # fmt: skip
        else:
            row["last_at"] = origin.received_at

    def forget(self) -> None:
        """Read all of them anew: what was noted was not decided."""
        self._known.clear()

    def _stored(self, key: tuple[str, str, str]) -> Sequence:
        g = t.gateway.c
        query = select(g.seen).where(g.site == key[0], g.gateway == key[1], g.boot == key[2])
        with look(self._books) as db:
            return Sequence(db.execute(query).scalar() or ())


def tell_ranges(plan: Plan) -> None:
    """Put the ranges into the rows of the plan's gateways, when all messages are noted."""
    for row in plan.gateways.values():
        sequence = row["seen"]
        row["seen"], row["last_seq"] = sequence.ranges, sequence.last
