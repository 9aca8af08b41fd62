"""Readers and stream clients on plain sockets: many at once, for a bounded time, and what they saw."""

import asyncio
import math
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(slots=True)
class Seen:
    """What readers saw: seconds of each answer by path, answers by status, connections that broke."""

    seconds: dict[str, list[float]] = field(default_factory=dict)
    status: Counter[int] = field(default_factory=Counter)
    broken: int = 0
    took: float = 0.0

    @property
    def answers(self) -> int:
        """How many answers came."""
        return sum(self.status.values())

    def percentile(self, share: float, path: str | None = None) -> float:
        """The time (ms) within which this share of the answers came."""
        lists = self.seconds.values() if path is None else [self.seconds.get(path, [])]
        times = sorted(second for one in lists for second in one)
        return 1000 * times[min(len(times) - 1, math.ceil(share * len(times)) - 1)] if times else math.nan


@dataclass(slots=True)
class Streamed:
    """What stream clients got: events by name over all of them, how many got any, and how many ended before time."""

    events: Counter[str] = field(default_factory=Counter)
    clients: int = 0
    ended: int = 0


async def read(
    port: int, paths: Sequence[str], readers: int, seconds: float, key: str = "", pause: float = 0.0
) -> Seen:  # fmt: skip
    """So many readers on a connection each, asking for one path after the other, `pause` seconds apart."""
    seen, begun = Seen(), time.monotonic()
    until = begun + seconds
    await asyncio.gather(*(_reader(port, paths, n, until, key, pause, seen) for n in range(readers)))
    seen.took = time.monotonic() - begun
    return seen


async def _reader(
    port: int, paths: Sequence[str], number: int, until: float, key: str, pause: float, seen: Seen
) -> None:  # fmt: skip
    await asyncio.sleep(pause * (number % 100) / 100)
    wire: tuple[asyncio.StreamReader, asyncio.StreamWriter] | None = None
    turn = number
    while time.monotonic() < until:
        path = paths[turn % len(paths)]
        turn += 1
        asked = time.monotonic()
        try:
            wire = wire or await asyncio.open_connection("127.0.0.1", port)
            status = await _ask(*wire, path, port, key)
        except (OSError, asyncio.IncompleteReadError):
            seen.broken += 1
            wire = None
            await asyncio.sleep(0.1)
            continue
        seen.status[status] += 1
        seen.seconds.setdefault(path, []).append(time.monotonic() - asked)
        rest = pause - (time.monotonic() - asked)
        if rest > 0:
            await asyncio.sleep(rest)
    if wire is not None:
        wire[1].close()


async def _ask(answer: asyncio.StreamReader, ask: asyncio.StreamWriter, path: str, port: int, key: str) -> int:
    """One request and its whole answer; the status."""
    ask.write(_head(path, port, key))
    head = await answer.readuntil(b"\r\n\r\n")
    fields = head.lower()
    if b"transfer-encoding: chunked" in fields:
        while size := int(await answer.readline(), 16):
            await answer.readexactly(size + 2)
        await answer.readline()
    else:
        at = fields.index(b"content-length:") + 15
        await answer.readexactly(int(fields[at : fields.index(b"\r\n", at)]))
    return int(head[9:12])


async def stream(
    port: int, path: str, clients: int, seconds: float, key: str, got: Streamed | None = None
) -> Streamed:  # fmt: skip
    """So many clients that listen to a stream of events until the time is over; `got` fills meanwhile."""
    got = Streamed() if got is None else got
    await asyncio.gather(*(_listener(port, path, seconds, key, got) for _ in range(clients)))
    return got


async def _listener(port: int, path: str, seconds: float, key: str, got: Streamed) -> None:
    answer, ask = await asyncio.open_connection("127.0.0.1", port, limit=2**22)
    heard = False
    try:
        async with asyncio.timeout(seconds):
            ask.write(_head(path, port, key))
            while line := await answer.readline():
                if line.startswith(b"event: "):
                    got.events[line[7:].decode().strip()] += 1
                    heard = True
        got.ended += 1
    except TimeoutError:
        pass
    except OSError:
        got.ended += 1
    finally:
        got.clients += heard
        ask.close()


def _head(path: str, port: int, key: str) -> bytes:
    who = f"Authorization: Bearer {key}\r\n" if key else ""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{who}\r\n".encode()
