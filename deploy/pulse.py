"""What ingest says of itself at each heartbeat: how far landing is behind, what failed, what there is room for."""

import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Protocol

from energy.errors import OutsideError
from energy.settings import Settings


class Receives(Protocol):
    """The receiving side: messages journaled since the start, and what is wrong with it now."""

    journaled: int
    trouble: str


class Lands(Protocol):
    """The landing side: messages landed since the start, failures of store and books, and what is wrong now."""

    messages: int
    store_errors: int
    books_errors: int
    trouble: str


class Session(Protocol):
    """The connection to the broker; see `Broker`."""

    @property
    def connected(self) -> bool:
        """Whether it is up."""

    @property
    def trouble(self) -> str:
        """Why it is not."""


class Journals(Protocol):
    """What is journaled and has not landed; see `Landings`."""

    def lag(self) -> int:
        """How many messages."""

    def oldest(self) -> int | None:
        """When the oldest of them was received."""

    def size(self) -> int:
        """Bytes of all journals."""


class Pulse:
    """Figures and a verdict; `state` is what a heartbeat takes."""

    def __init__(
        self, settings: Settings, broker: Session, receiver: Receives, lander: Lands, journals: Journals,
        clock: Callable[[], float] = time.time,
    ) -> None:  # fmt: skip
        """`clock` in seconds since 1970."""
        self._settings, self._broker, self._clock = settings, broker, clock
        self._receiver, self._lander, self._journals = receiver, lander, journals
        self._before = (clock(), 0, 0)

    def state(self) -> tuple[bool, dict[str, Any]]:
        """(well, figures); `reason` says in words what is not well, and some figures are missing with it."""
        detail = self._counts()
        try:
            detail |= {**self._lag(), **self._sizes()}
        except (OutsideError, OSError) as error:
            return False, {**detail, "reason": str(error)}
        reason = self._receiver.trouble or self._lander.trouble or self._broker_trouble() or self._over(detail)
        return not reason, {**detail, "reason": reason} if reason else detail

    def _counts(self) -> dict[str, Any]:
        now, journaled, landed = self._clock(), self._receiver.journaled, self._lander.messages
        then, journaled_then, landed_then = self._before
        self._before = now, journaled, landed
        for_s = max(now - then, 0.001)
        return {
            "journaled": journaled, "landed_messages": landed, "broker": self._broker.connected,
            "received_per_s": round((journaled - journaled_then) / for_s, 1),
            "landed_per_s": round((landed - landed_then) / for_s, 1),
            "store_errors": self._lander.store_errors, "books_errors": self._lander.books_errors,
        }  # fmt: skip

    def _lag(self) -> dict[str, Any]:
        """Messages that are journaled and have not landed, and how long the oldest of them has waited."""
        oldest = self._journals.oldest()
        waited = 0.0 if oldest is None else max(0.0, self._clock() - oldest / 1000)
        return {"lag_messages": self._journals.lag(), "lag_s": round(waited, 1)}

    def _sizes(self) -> dict[str, int]:
        data = self._settings.data
        wals = [*data.glob("*.db-wal"), *self._settings.journal.glob("*.db-wal")]
        free = shutil.disk_usage(data).free if data.is_dir() else 0
        return {"journal_bytes": self._journals.size(), "wal_bytes": _bytes(wals), "disk_free_bytes": free}

    def _broker_trouble(self) -> str:
        if self._broker.connected:
            return ""
        why = self._broker.trouble
        return f"no connection to the broker: {why}" if why else "no connection to the broker"

    def _over(self, detail: Mapping[str, Any]) -> str:
        """Which limit is passed, in words."""
        most_s, most, least = self._settings.lag_seconds, self._settings.lag_messages, self._settings.disk_free_bytes
        if detail["lag_s"] > most_s:
            return f"landing is behind: a message has waited {detail['lag_s']:.0f} s, the limit is {most_s:g} s"
        if detail["lag_messages"] > most:
            return f"landing is behind: {detail['lag_messages']:,} messages wait, the limit is {most:,}"
        if detail["disk_free_bytes"] < least:
            return f"the disk is nearly full: {detail['disk_free_bytes']:,} bytes are left, the limit is {least:,}"
        return self._too_large(detail)

    def _too_large(self, detail: Mapping[str, Any]) -> str:
        for name, what in (("journal_bytes", "the journals have"), ("wal_bytes", "the WAL files have")):
            size, most = detail[name], getattr(self._settings, name)
            if size > most:
                return f"{what} {size:,} bytes, the limit is {most:,}"
        return ""


def _bytes(paths: list[Path]) -> int:
    total = 0
    for path in paths:
        with suppress(FileNotFoundError):  # a WAL goes when its file is closed
            total += path.stat().st_size
    return total
