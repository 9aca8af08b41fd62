"""What a process and its children have used so far, from /proc."""

import os
import re
from dataclasses import dataclass
from pathlib import Path

from tests.system import descendants

_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Usage:
    """`cpu`: user and system time in seconds; `peak`: the sum of the peaks of resident memory, MiB."""

    cpu: float
    peak: float


def usage(pid: int) -> Usage:
    """Of a living process with all below it; those that have ended count with their CPU time."""
    found = [_one(one) for one in (pid, *(child for child, _ in descendants(pid)))]
    return Usage(sum(one.cpu for one in found), sum(one.peak for one in found))


def _one(pid: int) -> Usage:
    try:
        fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
        peak = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text("utf-8"))
    except (FileNotFoundError, ProcessLookupError):
        return Usage(0.0, 0.0)  # it has ended since it was listed, and its parent counts it
    # utime, stime, cutime, cstime of proc(5)
    return Usage(sum(map(int, fields[11:15])) / _TICKS, int(peak[1]) / 1024 if peak else 0.0)
