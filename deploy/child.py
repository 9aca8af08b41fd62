"""A part of the system in a process of its own, started again when it ends by itself."""

import logging
import os
import subprocess
import sys
import time
from contextlib import nullcontext
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from deploy.orphan import VARIABLE

_log = logging.getLogger(__name__)
_CALM_S = 60.0  # a child that ran for so long is started again at once
_MAX_BACK_OFF_S = 30.0


@dataclass(slots=True)
class Child:
    """A service in a process of its own, started again when it ends by itself."""

    name: str
    arguments: list[str]
    log: Path | None = None  # what it prints; None: to where we print
    needs: Path | None = None  # not started before this file is there
    environment: dict[str, str] = field(default_factory=dict)  # for what must not stand among the arguments
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    back_off: float = 1.0
    restarts: int = 0
    due: float = field(default=0.0)

    def watch(self, now: float) -> None:
        """Start it if it does not run and its back-off is over; `now` from time.monotonic."""
        if self.process is not None:
            code = self.process.poll()
            if code is None:
                return
            self.back_off = 1.0 if now - self.started > _CALM_S else min(self.back_off * 2, _MAX_BACK_OFF_S)
            self.due, self.process = now + self.back_off, None
            self.restarts += 1
            where = self.log or "the lines before"
            _log.error("%s ended with %s: starting it again in %.0f s; see %s", self.name, code, self.back_off, where)
        if now >= self.due and (self.needs is None or self.needs.exists()):
            self._start(now)

    def stop(self) -> None:
        """Ask it to end; `wait` then waits."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()

    def wait(self, until: float) -> None:
        """Wait for its end until a time.monotonic, then end it."""
        if self.process is None:
            return
        try:
            self.process.wait(max(0.1, until - time.monotonic()))
        except subprocess.TimeoutExpired:
            _log.warning("%s does not end: killed", self.name)
            self.process.kill()
            self.process.wait()

    def _start(self, now: float) -> None:
        with self.log.open("ab") if self.log else nullcontext() as log:
            self.process = self._open(log, log)
        self.started = now

    def _open(self, output: IO[bytes] | int | None, errors: IO[bytes] | None) -> subprocess.Popen[bytes]:
        # -P: a folder named `deploy` where the user stands must not come before ours.
        command = [sys.executable, "-P", "-m", "deploy", *self.arguments]
        return subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=output, stderr=errors,
            env={**os.environ, **self.environment, VARIABLE: "1"}, start_new_session=True,
        )  # fmt: skip
