"""`carbonwatch analytics`: turns readings into windows and judges them, until it is told to stop."""

import logging
import threading
import time
from typing import Any

import click
from sqlalchemy.exc import SQLAlchemyError

from analytics.accounts import Accounts
from analytics.judge import Judge
from deploy import adapters
from deploy.options import service_options
from energy.errors import CarbonwatchError
from energy.settings import Settings

_log = logging.getLogger(__name__)
_ACCOUNT_S = 1.0
_JUDGE_MS = 5_000
_SILENCE_MS = 15_000
_BEAT_MS = 2_000
_ASLEEP_MS = 60_000  # a loop that stood still for longer (a laptop's lid) has not watched anything meanwhile


@click.command(epilog="Example: carbonwatch analytics --data data")
@service_options
def analytics(settings: Settings) -> None:
    """Compute energy, totals and PUE of what was touched; raise and clear alerts."""
    adapters.log_to_stderr()
    stop = adapters.stop_event()
    books = adapters.books(settings)
    readings, windows = adapters.stores(settings)
    loop = _Loop(Accounts(books, readings, windows), Judge(books, readings, windows), stop)
    worker = threading.Thread(target=loop.run, name="analytics")
    adapters.tend([worker], stop, lambda: adapters.heartbeat(books, "analytics", loop.state), _BEAT_MS / 1000)


class _Loop:
    """Accounts as they come, verdicts every few seconds, silence every quarter minute."""

    def __init__(self, accounts: Accounts, judge: Judge, stop: threading.Event) -> None:
        self._accounts, self._judge, self._stop = accounts, judge, stop
        self._trouble = ""
        self._meters, self._moved = 0, 0
        self._watching_since = self._turned_at = _now()
        self._next = {"judge": 0, "silence": 0}

    def run(self) -> None:
        """Work until told to stop; a failing neighbour makes it wait and try again."""
        while not self._stop.is_set():
            try:
                self._turn(_now())
            except (CarbonwatchError, SQLAlchemyError) as error:
                self._trouble = f"analytics waits: {error}"
                _log.exception("analytics waits")
            else:
                self._trouble = ""
            self._stop.wait(_ACCOUNT_S)

    def state(self) -> tuple[bool, dict[str, Any]]:
        """For the books: whether all is well, and what was done so far."""
        detail: dict[str, Any] = {"meters_accounted": self._meters, "alerts_moved": self._moved}
        return not self._trouble, {**detail, "reason": self._trouble} if self._trouble else detail

    def _turn(self, now: int) -> None:
        if now - self._turned_at > _ASLEEP_MS:
            self._watching_since = now
        self._turned_at = now
        self._meters += self._accounts.step()
        if now >= self._next["judge"]:
            self._moved += self._judge.step(now)
            self._next["judge"] = now + _JUDGE_MS
        if now >= self._next["silence"]:
            self._moved += self._judge.silence(self._watching_since, now)
            self._next["silence"] = now + _SILENCE_MS
        self._turned_at = max(self._turned_at, _now())


def _now() -> int:
    return time.time_ns() // 1_000_000
