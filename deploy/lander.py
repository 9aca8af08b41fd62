"""The loop around landing: a failing neighbour makes it wait and try again."""

import logging
import threading
from collections.abc import Callable

from sqlalchemy.exc import SQLAlchemyError

from energy.errors import CarbonwatchError
from ingest.decode.memory import Lack
from ingest.landings import Landings

_log = logging.getLogger(__name__)
_IDLE_S = 0.25
_BACK_OFF_S = 2.0
_FEW = 200  # messages; to land so few at once costs as much as to land them with the next
_PACE_S = 0.02


class Lander:
    """Lands until told to stop; its counts are since the start."""

    def __init__(
        self, landings: Callable[[], Landings], ask: Callable[[set[Lack]], None], stop: threading.Event,
        to_land: threading.Event, idle_s: float = _IDLE_S,
    ) -> None:  # fmt: skip
        """landings: opens them, and is called again where it fails; ask: whom births are lacking of, each time anew.

        `to_land` ends the wait of `idle_s` after nothing was left.
        """
        self._open, self._ask, self._stop, self._to_land, self._idle_s = landings, ask, stop, to_land, idle_s
        self._landings: Landings | None = None
        self.messages = self.store_errors = self.books_errors = 0
        self.trouble = ""

    def run(self) -> None:
        """Land until told to stop."""
        while not self._stop.is_set():
            try:
                self._landings = self._landings or self._open()
                done = self._landings.step()
            except (CarbonwatchError, SQLAlchemyError) as error:
                if isinstance(error, SQLAlchemyError):
                    self.books_errors += 1
                else:
                    self.store_errors += 1
                self.trouble = f"landing waits: {error}"
                _log.exception("landing waits")
                self._stop.wait(_BACK_OFF_S)
                continue
            self.trouble = ""
            self.messages += done
            self._ask(self._landings.take_lacking())
            if done == 0:
                self._to_land.wait(self._idle_s)
                self._to_land.clear()
            elif done < _FEW:
                self._stop.wait(_PACE_S)
