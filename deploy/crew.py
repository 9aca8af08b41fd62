"""The processes of one `carbonwatch ingest` with several workers: started, watched, heard, and ended together."""

import logging
import subprocess
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import IO

from deploy.child import Child
from energy.broker.port import Broker
from energy.errors import OutsideError
from ingest.rebirth import Rebirths
from ingest.receipts import Followed, Key, Receipts
from ingest.said import Kept, Lacking, State, heard
from ingest.sessions import Sessions

_log = logging.getLogger(__name__)
_PATIENCE_S = 15.0
RECEIVE, END, LAND = "receive", "end", "land"


@dataclass(slots=True)
class Hand(Child):
    """One of the processes: `role` is one of RECEIVE, END, LAND; `worker` whose journal it writes."""

    role: str = LAND
    worker: str = ""
    hear: Callable[["Hand", bytes], None] = lambda _hand, _line: None
    before: tuple[int, int, int] = (0, 0, 0)  # the counts of its earlier runs
    state: State = field(default_factory=lambda: State(0, connected=False))
    listener: threading.Thread | None = None

    def over(self) -> int | None:
        """Its exit status when it has ended and all that it said is heard; None while it runs or waits to run."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        if self.listener is not None:
            self.listener.join()
        return code

    def rest(self) -> None:
        """It has ended: what it counted stays."""
        self.before = self.counts()
        self.state = State(0, connected=False, trouble=f"{self.name} has ended and is started again")

    def counts(self) -> tuple[int, int, int]:
        """Messages, failures of the store and of the books, over all its runs."""
        now = self.state.messages, self.state.store_errors, self.state.books_errors
        return self.before[0] + now[0], self.before[1] + now[1], self.before[2] + now[2]

    def _open(self, output: IO[bytes] | int | None, errors: IO[bytes] | None) -> subprocess.Popen[bytes]:  # noqa: ARG002
        # Named, for a dataclass with slots is another class than the one that super() would know.
        process = Child._open(self, subprocess.PIPE, errors)
        self.listener = threading.Thread(target=self._listen, args=(process.stdout,), name=self.name, daemon=True)
        self.listener.start()
        return process

    def _listen(self, output: IO[bytes]) -> None:
        with output:
            for line in output:
                self.hear(self, line)


class Crew:
    """All of them; gives the receipts and asks for births, since none of them knows enough alone."""

    def __init__(
        self, hands: list[Hand], broker: Broker, receipts: Receipts, followed: Followed, sessions: Sessions
    ) -> None:
        """`broker` must be started by the caller; nobody else uses it."""
        self.hands = hands
        self._broker, self._receipts, self._followed, self._sessions = broker, receipts, followed, sessions
        self._rebirths = Rebirths(broker.publish)
        self._turn = threading.Lock()
        for hand in hands:
            hand.hear = self._hear

    def watch(self) -> None:
        """Start what does not run; to be called each second or so."""
        for hand in list(self.hands):
            code = hand.over()
            if code is not None:
                self._catch_up(hand)
                hand.rest()
                if hand.role == END and code == 0:
                    _log.info("the session of %s is ended", hand.worker)
                    self._sessions.ended(hand.worker)
                    self.hands.remove(hand)
                    continue
            hand.watch(time.monotonic())

    def stop(self) -> None:
        """End all."""
        for hand in self.hands:
            hand.stop()
        until = time.monotonic() + _PATIENCE_S
        for hand in self.hands:
            hand.wait(until)
            if hand.listener is not None:
                hand.listener.join(1.0)

    def _hear(self, hand: Hand, line: bytes) -> None:
        said = heard(line)
        if isinstance(said, State):
            hand.state = said
        elif isinstance(said, Lacking):
            with self._turn:
                self._rebirths.ask(said.edges, time.monotonic(), time.time_ns() // 1_000_000)
        elif isinstance(said, Kept):
            try:
                self._give(self._followed.told(hand.worker, said))
            except OutsideError:
                _log.exception("the journal of %s cannot be read: its receipts come with the next", hand.worker)

    def _catch_up(self, hand: Hand) -> None:
        """What it journaled before its end and did not tell."""
        if hand.role == LAND:
            return
        try:
            self._give(self._followed.caught_up(hand.worker))
        except OutsideError:
            _log.exception("the journal of %s cannot be read: its receipts come with the next", hand.worker)

    def _give(self, due: set[Key]) -> None:
        for key in due:
            self._broker.publish(*self._receipts.message(key))
