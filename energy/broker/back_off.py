"""How long to wait before the next try: longer each time, and never all at the same moment."""

import random


class BackOff:
    """Doubles from `first` to `most` seconds; each wait is drawn from the upper half, so that a fleet spreads."""

    def __init__(self, rng: random.Random, first: float = 0.5, most: float = 8.0) -> None:
        """`rng` draws the waits."""
        self._rng, self._first, self._most = rng, first, most
        self._next = first

    def wait(self) -> float:
        """Seconds until the next try."""
        ceiling, self._next = self._next, min(self._next * 2, self._most)
        return self._spread(ceiling)

    def long_wait(self, ceiling: float) -> float:
        """Seconds until the next try of what will hardly be better then; the others go on from the longest."""
        self._next = self._most
        return self._spread(ceiling)

    def reset(self) -> None:
        """It went well: begin with the shortest again."""
        self._next = self._first

    def _spread(self, ceiling: float) -> float:
        return self._rng.uniform(ceiling / 2, ceiling)
