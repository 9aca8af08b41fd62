"""Plays a script: every gateway over a connection of its own, at any speed, until all of it has landed."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from energy.broker.port import Broker
from energy.client import Client, answers
from energy.errors import InputError
from energy.topic import base_topic
from energy.window import to_text
from simulators.device import Act
from simulators.outbox import Outbox, Parcel
from simulators.patience import PATIENCE, wait_on
from simulators.registering import register
from simulators.script import Script

_SHORTEST_WAIT = 0.02  # s; what is due sooner goes out together

_REGISTER = ("register", "digits", "decimals", "multiplier")

Place = tuple[str, str]
Connect = Callable[[str, tuple[str, bytes]], Broker]
Progress = Callable[[str, Callable[[], Mapping[str, Any]]], None]  # the second is asked only when it is shown


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent: messages of every kind, and readings in them."""

    messages: int
    readings: int
    repeated: int


class Player:
    """Plays a script; `connect` makes a broker that is not started yet, of a name and a will (topic, payload)."""

    def __init__(self, script: Script, connect: Connect, speed: float | None, progress: Progress) -> None:
        """speed: simulated seconds in each second, None as fast as it goes; progress: called from time to time."""
        self._script, self._connect, self._speed, self._progress = script, connect, speed, progress
        self._outboxes: dict[Place, Outbox] = {}
        self.sent: Counter[Place] = Counter()
        self.last: dict[Place, dict[str, int]] = {}
        self._readings = 0
        self._begun = time.monotonic()

    def play(self, note: Callable[[Act], None]) -> Played:
        """Send everything, noted before, and wait for the receipts; OutsideError after 60 s without progress."""
        self._begun = time.monotonic()
        try:
            for act in self._script.acts():
                self._wait(act.due)
                if act.kind in ("cut", "connect"):
                    self._line(act)
                else:
                    note(act)
                    self._send(act)
            for outbox in self._outboxes.values():
                outbox.drain(PATIENCE)
        finally:
            for outbox in self._outboxes.values():
                outbox.stop()
        return Played(self.sent.total(), self._readings, sum(box.repeated for box in self._outboxes.values()))

    def _line(self, act: Act) -> None:
        place = act.site, act.gateway
        if act.kind == "cut":
            self._outboxes[place].cut()
            return
        base = base_topic(*place)
        broker = self._connect(f"sim-{act.site}-{act.gateway}", (f"{base}/death", act.payload))
        if place in self._outboxes:
            self._outboxes[place].change(broker)
        else:
            self._outboxes[place] = Outbox(broker, f"{base}/receipt", again=True)
            self._outboxes[place].start()

    def _send(self, act: Act) -> None:
        place = act.site, act.gateway
        outbox = self._outboxes[place]
        outbox.wait_for_room(PATIENCE)
        outbox.put(Parcel(act.boot, act.seq, act.topic, act.payload))
        self.sent[place] += 1
        self._readings += len(act.carried)
        if act.seq:
            self.last.setdefault(place, {})[act.boot] = act.seq
        self._progress("sending", lambda: self._state(act.due))

    def _state(self, due: int) -> dict[str, Any]:
        return {
            "at": to_text(due, self._script.scenario.zone), "messages": self.sent.total(),
            "readings": self._readings, "unreceipted": sum(box.unreceipted for box in self._outboxes.values()),
            "rate": round(self.sent.total() / max(1e-3, time.monotonic() - self._begun)),
        }  # fmt: skip

    def _wait(self, due: int) -> None:
        """Until an act is due; the outboxes hand over meanwhile."""
        if self._speed is None:
            return
        until = self._begun + (due - self._script.start) / 1000 / self._speed
        while (left := until - time.monotonic()) > _SHORTEST_WAIT:
            for outbox in self._outboxes.values():
                outbox.pump()
            time.sleep(min(left, 0.5))


def register_all(client: Client, script: Script) -> list[str]:
    """Register the script's sites and meters unless they exist; the names of what is new.

    InputError where a meter is there and its register is another one: nothing that it says would be understood.
    """
    new = [name for site in script.sites for name in register(client, site.site, site.registered)]
    for site in script.sites:
        known = {item["id"]: item for item in client.meters(site.site.id)}
        for meter in site.registered:
            there = known[meter.id]
            if any(str(there[name]) != str(getattr(meter, name)) for name in _REGISTER):  # type: ignore[literal-required]
                raise InputError("other_register", f"{meter.site}/{meter.id} is registered with another register")
    return new


def ledgers(client: Client, script: Script) -> dict[Place, answers.Gateway]:
    """What the system knows of the script's gateways."""
    places = {(site.site.id, name) for site in script.sites for name, _ in site.devices}
    known = {(item["site"], item["gateway"]): item for site in script.sites for item in client.gateways(site.site.id)}
    return {place: known[place] for place in places & known.keys()}


def settle(
    find: Callable[[], Client], script: Script, player: Player, before: Mapping[Place, answers.Gateway],
    progress: Progress,
) -> dict[Place, answers.Gateway]:  # fmt: skip
    """Wait until every message has landed, is held or refused, and every window is accounted for; the ledgers then.

    find: the API's client, asked for again after every failure. OutsideError after 60 s without progress.
    """

    def look(client: Client) -> tuple[tuple[int, int], dict[Place, answers.Gateway] | None]:
        now = ledgers(client, script)
        open_ = sum(_outstanding(place, player, before.get(place), now.get(place)) for place in player.sent)
        pending = sum(int(m["pending"]) for site in script.sites for m in client.meters(site.site.id))
        progress("landing", lambda: {"messages": open_, "ranges": pending})
        return (open_, pending), now if open_ == pending == 0 else None

    return wait_on(
        find, look, (-1, -1), lambda _: None,
        lambda state: f"no progress for {PATIENCE:.0f} s: {state[0]} messages have not landed, "
                      f"{state[1]} ranges are to be accounted",
    )  # fmt: skip


def _outstanding(
    place: Place, player: Player, before: answers.Gateway | None, now: answers.Gateway | None
) -> int:  # fmt: skip
    """How many of a gateway's messages have not landed."""
    if now is None:
        return player.sent[place]
    counted = now["ledger"]["messages"] - (before["ledger"]["messages"] if before else 0)
    landed = {boot["boot"]: boot["seq"] for boot in now["boots"]}
    behind = sum(max(0, last - landed.get(boot, last)) for boot, last in player.last[place].items())
    return max(0, player.sent[place] - counted, behind)
