"""Looks at a running system while it is measured: the API's memory, and how far ingest is behind."""

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path

from tests.system import System, descendants


@dataclass(slots=True)
class Watch:
    """Samples of a running system, each second; memory in MiB."""

    system: System
    memory: list[float] = field(default_factory=list)
    lag: list[int] = field(default_factory=list)
    landed: list[int] = field(default_factory=list)

    async def run(self) -> None:
        """Sample until cancelled."""
        pid = api_process(self.system)
        while True:
            self.memory.append(resident(pid))
            await asyncio.to_thread(self._ask)
            await asyncio.sleep(1)

    def _ask(self) -> None:
        for part in self.system.client.health()["parts"]:
            if part["name"] == "ingest":
                self.lag.append(int(part["detail"].get("lag_messages", 0)))
                self.landed.append(int(part["detail"].get("landed_messages", 0)))


def api_process(system: System) -> int:
    """The process that serves the API."""
    for pid, _ in descendants(system.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
        if b"deploy" in words and b"api" in words:
            return pid
    raise LookupError("no API process runs")


def resident(pid: int) -> float:
    """MiB of memory that a process holds now."""
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else 0.0
