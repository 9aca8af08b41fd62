"""Which workers have a session at the broker, kept in the data directory: one that is not used any more must be ended.

Else it would hold its share of the messages for ever.
"""

from pathlib import Path

import msgspec


class _Kept(msgspec.Struct):
    workers: list[str] = msgspec.field(default_factory=lambda: ["w1"])
    shared: bool = False


class Sessions:
    """Read at the start, and written before the first connection."""

    def __init__(self, data: Path) -> None:
        """Data directories from before this file have had one worker, alone."""
        self._path = data / "sessions.json"
        self._kept = msgspec.json.decode(self._path.read_bytes(), type=_Kept) if self._path.exists() else _Kept()

    @property
    def workers(self) -> list[str]:
        """Who has, or may have, a session."""
        return list(self._kept.workers)

    @property
    def shared(self) -> bool:
        """Whether a session may have shared subscriptions."""
        return self._kept.shared

    def begin(self, workers: list[str]) -> list[str]:
        """These will have sessions; who had one and is not among them."""
        over = [worker for worker in self._kept.workers if worker not in workers]
        self._write(_Kept([*workers, *over], self._kept.shared or len(workers) > 1))
        return over

    def ended(self, worker: str) -> None:
        """A worker's session is no more."""
        self._write(_Kept([one for one in self._kept.workers if one != worker], self._kept.shared))

    def _write(self, kept: _Kept) -> None:
        draft = self._path.with_suffix(".tmp")
        draft.write_bytes(msgspec.json.encode(kept))
        draft.replace(self._path)
        self._kept = kept
