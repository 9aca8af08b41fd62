"""A journal that is filled at once, and what memory ingest needs to land it."""

import contextlib
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.ingest.consumer import ledger, prepare
from benchmarks.ingest.feeding import ALL_METERS, QUANTITIES, filled
from energy.journal import Journal
from tests.faults.rows import EMBEDDED, Outcome
from tests.neighbours import mosquitto
from tests.system import COMMAND, plain_environment, tail

_LOOK_S = 1.0
_STALL_S = 120.0
_GROWTH = 1.15  # the second half's most over the first half's; beyond it memory is not flat
_RSS = re.compile(r"^VmRSS:\s+(\d+) kB$", re.MULTILINE)


class Landed:
    """What was measured: MiB at each look once landing had begun, seconds of filling and of landing."""

    def __init__(self, messages: int, filling: float) -> None:
        self.messages, self.filling = messages, filling
        self.landing, self.landed, self.journal_mib = 0.0, 0, 0.0
        self.memory: list[float] = []

    @property
    def growth(self) -> float:
        """The most memory in the second half of the landing, as a multiple of the most in the first."""
        half = len(self.memory) // 2
        return max(self.memory[half:]) / max(self.memory[:half])

    @property
    def flat(self) -> bool:
        """Whether memory did not grow with what had landed."""
        return self.growth <= _GROWTH


def land(folder: Path, messages: int) -> Landed:
    """Fill a journal with messages of one reading each, start ingest on it, and look until the ledger has them all."""
    data = folder / "data"
    prepare(data, ALL_METERS)
    begun = time.monotonic()
    journal = Journal(data / "journal", "w1")
    for batch in filled(messages, 1):
        journal.append(batch)
    journal.close()
    seen = Landed(messages, time.monotonic() - begun)
    seen.journal_mib = sum(path.stat().st_size for path in (data / "journal").iterdir()) / 2**20
    with mosquitto() as port, _ingest(data, port, folder / "ingest.log") as process:
        _watch(seen, data, process)
    return seen


def outcome(name: str, messages: int) -> Outcome:
    """The same as a line of the matrix."""
    with tempfile.TemporaryDirectory(prefix="faults-") as folder:
        begun = time.monotonic()
        try:
            seen = land(Path(folder), messages)
        except AssertionError as error:
            return Outcome(name, EMBEDDED, trouble=str(error)[:3000])
        half = len(seen.memory) // 2
        told = (
            f"{messages:,} messages, a journal of {seen.journal_mib:,.0f} MiB, filled in {seen.filling:.0f} s, "
            f"landed in {seen.landing:.0f} s; memory of ingest {max(seen.memory[:half]):.0f} MiB at most in the first "
            f"half of it, {max(seen.memory[half:]):.0f} MiB in the second"
        )
        values = messages * len(QUANTITIES)
        trouble = "" if seen.flat else f"memory grew to {seen.growth:.2f} times"
        return Outcome(name, EMBEDDED, values, 0, values - seen.landed, 0, 0, 0, round(time.monotonic() - begun, 1),
                       [told], trouble=trouble)  # fmt: skip


def _watch(seen: Landed, data: Path, process: subprocess.Popen[bytes]) -> None:
    begun = changed = time.monotonic()
    while seen.landed < seen.messages * len(QUANTITIES):
        time.sleep(_LOOK_S)
        now = ledger(data)["landed"]
        assert process.poll() is None, "ingest has ended"
        if now > seen.landed:
            begun = begun if seen.landed else time.monotonic() - _LOOK_S
            seen.landed, changed = now, time.monotonic()
            seen.memory.append(_memory(process.pid))
        assert time.monotonic() - changed < _STALL_S, f"nothing landed for {_STALL_S:.0f} s"
    seen.landing = time.monotonic() - begun


def _memory(pid: int) -> float:
    found = _RSS.search(Path(f"/proc/{pid}/status").read_text("utf-8"))
    return int(found[1]) / 1024 if found else 0.0


@contextlib.contextmanager
def _ingest(data: Path, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [str(COMMAND), "ingest", "--data", str(data), "--mqtt", f"mqtt://127.0.0.1:{port}"]
    with log.open("wb") as out:
        process = subprocess.Popen(command, stdout=out, stderr=out, env=plain_environment())
    try:
        yield process
        process.terminate()
        assert process.wait(30) == 0, tail(log)
    finally:
        process.kill()
        process.wait()
