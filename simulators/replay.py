"""Sends a recording through a gateway, at any speed, and waits until all of it can be queried."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields

from energy.client import Client, answers
from energy.errors import OutsideError
from energy.reading import Reading
from simulators.gateway import Gateway
from simulators.readers.recording import Recording

PATIENCE = 60.0  # s without any progress
_POLL = 0.25  # s
_BATCH = 100
_SHORTEST_WAIT = 0.05  # s; what is due sooner goes out together

Progress = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Ledger:
    """What the system did with a gateway's values and messages."""

    received: int = 0
    landed: int = 0
    duplicate: int = 0
    conflict: int = 0
    held: int = 0
    refused: int = 0
    undecodable: int = 0

    def since(self, before: "Ledger") -> "Ledger":
        """What came after `before`."""
        return Ledger(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(self)))


def send(gateway: Gateway, recording: Recording, speed: float | None, progress: Progress) -> int:
    """Send every reading, `speed` seconds of the recording each second (None: as fast as it goes); how many.

    OutsideError after 60 s without progress.
    """
    begun = time.monotonic()
    batch: list[Reading] = []
    sent = 0
    for reading in recording.read():
        if speed is not None:
            wait = begun + (reading.time - recording.first) / 1000 / speed - time.monotonic()
            if wait > _SHORTEST_WAIT:
                gateway.send(batch, PATIENCE)
                batch = []
                _idle(gateway, wait)
        batch.append(reading)
        sent += 1
        if len(batch) == _BATCH:
            gateway.send(batch, PATIENCE)
            batch = []
            progress(f"{sent} of {recording.count} readings sent, {gateway.unreceipted} messages unreceipted")
    gateway.send(batch, PATIENCE)
    return sent


def wait_queryable(
    find: Callable[[], Client], site: str, name: str, gateway: Gateway, meters: Iterable[str], progress: Progress
) -> Ledger:
    """Wait until the gateway's messages are receipted and landed and no window of its meters is pending.

    find: the API's client, asked for again after every failure. Returns the gateway's ledger. OutsideError after 60 s
    without progress.
    """
    gateway.drain(PATIENCE)
    wanted = frozenset(meters)
    state, since, trouble = (-1, -1), time.monotonic(), ""
    client = find()
    while True:
        try:
            item = _gateway(client, site, name, gateway.boot)
            landed = _landed(item, gateway.boot)
            pending = sum(int(meter["pending"]) for meter in client.meters(site) if meter["id"] in wanted)
            if landed >= gateway.last_seq and pending == 0:
                return _ledger(item)
            now, trouble = (landed, pending), ""
        except OutsideError as error:
            now, trouble, client = state, f" ({error})", find()
        if now != state:
            state, since = now, time.monotonic()
            progress(f"{state[0]} of {gateway.last_seq} messages landed, {state[1]} ranges to account")
        elif time.monotonic() - since > PATIENCE:
            raise OutsideError(
                f"no progress for {PATIENCE:.0f} s: {max(0, state[0])} of {gateway.last_seq} messages landed, "
                f"{max(0, state[1])} ranges to account{trouble}"
            )
        time.sleep(_POLL)


def ledger_of(client: Client, site: str, name: str) -> Ledger:
    """The gateway's ledger so far, all 0 for a new one."""
    return _ledger(_gateway(client, site, name))


def _idle(gateway: Gateway, wait: float) -> None:
    until = time.monotonic() + wait
    while (left := until - time.monotonic()) > 0:
        gateway.pump()
        time.sleep(min(left, 0.5))


def _gateway(client: Client, site: str, name: str, boot: str = "") -> answers.Gateway | None:
    """The API's item of a gateway, by preference the one that knows `boot`; None when there is none."""
    items = [item for item in client.gateways(site) if item["gateway"] == name]
    return next((item for item in items if _landed(item, boot)), items[0] if items else None)


def _landed(item: answers.Gateway | None, boot: str) -> int:
    """Up to which number every message of one boot landed, was held or refused."""
    return next((run["seq"] for run in (item["boots"] if item else ()) if run["boot"] == boot), 0)


def _ledger(item: answers.Gateway | None) -> Ledger:
    counts = item["ledger"] if item else {}
    return Ledger(*(int(counts.get(f.name, 0)) for f in fields(Ledger)))
