"""One ingest at a time lands from a journal: processes of an earlier one must be gone first."""

import fcntl
import time
from pathlib import Path

from energy.errors import OutsideError, SetupError

_PATIENCE_S = 10.0


class Owner:
    """A lock in the journal's folder: alone while the cursors are taken over, then shared with one's own landers."""

    def __init__(self, folder: Path, *, alone: bool) -> None:
        """OutsideError when the folder cannot be used, SetupError when somebody else lands."""
        try:
            folder.mkdir(parents=True, exist_ok=True)
            self._file = (folder / "landing.lock").open("a", encoding="utf-8")
        except OSError as error:
            raise OutsideError(f"journal {folder}: {error}") from error
        until = time.monotonic() + _PATIENCE_S
        while not self._take(fcntl.LOCK_EX if alone else fcntl.LOCK_SH):
            if time.monotonic() > until:
                self._file.close()
                raise SetupError(f"another process lands the journals in {folder}: stop it first")
            time.sleep(0.05)

    def share(self) -> None:
        """Let one's own landers in."""
        self._take(fcntl.LOCK_SH)

    def close(self) -> None:
        """Let go."""
        self._file.close()

    def _take(self, how: int) -> bool:
        try:
            fcntl.flock(self._file, how | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True
