"""Asks edge nodes of Sparkplug B for their births, and never too often."""

from collections.abc import Callable, Iterable
from typing import NamedTuple

from energy.sparkplug import rebirth_topic
from ingest.decode.memory import Lack
from ingest.decode.sparkplug_payload import rebirth

_FIRST_S, _LONGEST_S = 10.0, 600.0
_AT_ONCE = 100
_REMEMBERED = 10_000


class _Asked(NamedTuple):
    boot: str
    at: float
    wait: float


class Rebirths:
    """The requests that were made, so that an edge node that does not answer is asked at longer and longer intervals.

    A birth that came and was not enough begins the intervals anew, yet none is asked twice within 10 s.
    """

    def __init__(self, publish: Callable[[str, bytes], bool]) -> None:
        """`publish` as `Broker.publish`; what it does not take is asked again with the next message."""
        self._publish = publish
        self._asked: dict[tuple[str, str], _Asked] = {}
        self.requests = 0

    def ask(self, lacking: Iterable[Lack], now: float, now_ms: int) -> None:
        """Ask those whose time has come; `now` in seconds of any steady clock, `now_ms` in ms UTC."""
        due = [one for one in sorted(lacking) if self._is_due(one, now)]
        for site, gateway, boot in due[:_AT_ONCE]:
            if not self._publish(rebirth_topic(site, gateway), rebirth(now_ms)):
                return
            before = self._asked.get((site, gateway))
            again = before is not None and before.boot == boot
            wait = min(before.wait * 2, _LONGEST_S) if before and again else _FIRST_S
            if len(self._asked) >= _REMEMBERED:
                self._asked.clear()
            self._asked[site, gateway] = _Asked(boot, now, wait)
            self.requests += 1

    def _is_due(self, lack: Lack, now: float) -> bool:
        before = self._asked.get(lack[:2])
        return before is None or now - before.at >= (before.wait if before.boot == lack[2] else _FIRST_S)
