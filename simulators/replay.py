"""Sends a recording through a gateway, at any speed, and waits until all of it can be queried."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from energy.client import Client, answers
from energy.reading import Reading
from simulators.gateway import Gateway
from simulators.ledger import Ledger, ledger_in
from simulators.patience import PATIENCE, wait_on
from simulators.readers.recording import Recording
from simulators.replay_control import Control

_BATCH = 100
_SHORTEST_WAIT = 0.05  # s; what is due sooner goes out together
_NAP = 0.1  # s between looks at the control while nothing is due


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is: sent of total, acknowledged by the broker where that is known, position in ms UTC.

    lag: seconds that the newest is late by; seconds since the beginning; state as `Control.state` says it.
    """

    sent: int
    total: int
    acknowledged: int | None
    position: int
    lag: float
    seconds: float
    state: str

    @property
    def rate(self) -> float:
        """What was sent, a second."""
        return self.sent / self.seconds if self.seconds else 0.0


Say = Callable[[Progress], None]


def send(gateway: Gateway, recording: Recording, control: Control, say: Say) -> int:
    """Send every reading when `control` says that it is due; how many, fewer where somebody ended it.

    OutsideError after 60 s without progress.
    """
    begun = time.monotonic()
    batch: list[Reading] = []
    sent = 0
    for reading in recording.read():
        offset = reading.time - recording.first
        if control.wait(offset) > _SHORTEST_WAIT:
            gateway.send(batch, PATIENCE)
            batch = []
            if not _idle(gateway, control, offset, lambda: say(_progress(recording, sent, begun, reading, control))):  # noqa: B023
                return sent
        elif control.ended:
            break
        batch.append(reading)
        control.took(offset)
        sent += 1
        if len(batch) == _BATCH or control.stepping:
            gateway.send(batch, PATIENCE)
            batch = []
            say(_progress(recording, sent, begun, reading, control))
    gateway.send(batch, PATIENCE)
    return sent


def wait_queryable(
    find: Callable[[], Client],
    site: str,
    name: str,
    gateway: Gateway,
    meters: Iterable[str],
    progress: Callable[[str], None],
) -> Ledger:
    """Wait until the gateway's messages are receipted and landed and no window of its meters is pending.

    find: the API's client, asked for again after every failure. Returns the gateway's ledger. OutsideError after 60 s
    without progress.
    """
    gateway.drain(PATIENCE)
    wanted = frozenset(meters)

    def look(client: Client) -> tuple[tuple[int, int], Ledger | None]:
        item = _gateway(client, site, name, gateway.boot)
        landed = _landed(item, gateway.boot)
        pending = sum(int(meter["pending"]) for meter in client.meters(site) if meter["id"] in wanted)
        done = landed >= gateway.last_seq and pending == 0
        return (landed, pending), ledger_in(item) if done else None

    def told(state: tuple[int, int]) -> str:
        return f"{max(0, state[0])} of {gateway.last_seq} messages landed, {max(0, state[1])} ranges to account"

    return wait_on(
        find, look, (-1, -1), lambda state: progress(told(state)),
        lambda state: f"no progress for {PATIENCE:.0f} s: {told(state)}",
    )  # fmt: skip


def ledger_of(client: Client, site: str, name: str) -> Ledger:
    """The gateway's ledger so far, all 0 for a new one."""
    return ledger_in(_gateway(client, site, name))


def _idle(gateway: Gateway, control: Control, offset: int, say: Callable[[], None]) -> bool:
    """Wait until the reading at `offset` is due; False when somebody ended the replay."""
    while (left := control.wait(offset)) > 0 and not control.ended:
        gateway.pump()
        say()
        time.sleep(min(left, _NAP))
    return not control.ended


def _progress(recording: Recording, sent: int, begun: float, reading: Reading, control: Control) -> Progress:
    late = max(0.0, -control.wait(reading.time - recording.first))
    return Progress(sent, recording.count, None, reading.time, late, time.monotonic() - begun, control.state())


def _gateway(client: Client, site: str, name: str, boot: str = "") -> answers.Gateway | None:
    """The API's item of a gateway, by preference the one that knows `boot`; None when there is none."""
    items = [item for item in client.gateways(site) if item["gateway"] == name]
    return next((item for item in items if _landed(item, boot)), items[0] if items else None)


def _landed(item: answers.Gateway | None, boot: str) -> int:
    """Up to which number every message of one boot landed, was held or refused."""
    return next((run["seq"] for run in (item["boots"] if item else ()) if run["boot"] == boot), 0)
