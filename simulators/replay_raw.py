"""Plays messages as they were: a recording's or a journal's, in their order, at any speed."""

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from energy.client import Client
from energy.errors import InputError, OutsideError
from energy.topic import MANUAL, parse_topic
from simulators.message import Message
from simulators.patience import PATIENCE, wait_on
from simulators.publisher import Publisher
from simulators.replay import Progress, Say
from simulators.replay_control import Control

_NAP = 0.02  # s between looks at the control while a message is not due
Gateways = Counter[tuple[str, str]]  # (site, gateway) → telemetry messages


@dataclass(frozen=True, slots=True)
class Survey:
    """What there is to play: how many messages, how many are left out, first and last time in ms UTC."""

    count: int
    left_out: int
    first: int
    last: int


def playable(message: Message) -> bool:
    """Whether a message is the devices': receipts and entries by hand are a system's, `$` topics a broker's."""
    if message.topic.startswith("$") or not message.topic:
        return False
    words = message.topic.split("/")
    return not (len(words) == 5 and words[:2] == ["ecm", "v1"] and (words[4] == "receipt" or words[3] == MANUAL))


def part(messages: Iterable[Message], start: int | None, end: int | None) -> Iterator[Message]:
    """The messages that came in [start, end), ms UTC; None: no bound."""
    for message in messages:
        if (start is None or message.at >= start) and (end is None or message.at < end):
            yield message


def survey(messages: Iterable[Message]) -> Survey:
    """Read all once, so that what is bad is found before anything is sent; InputError when nothing is to play."""
    count = left_out = first = last = 0
    for message in messages:
        if not playable(message):
            left_out += 1
            continue
        first = first if count else message.at
        last = max(last, message.at)
        count += 1
    if not count:
        raise InputError("bad_file", "there is no message to play in it")
    return Survey(count, left_out, first, last)


@dataclass(slots=True)
class Player:
    """One replay over the only session of `publisher`; `telemetry` counts what was acknowledged by gateway."""

    publisher: Publisher
    control: Control
    plan: Survey
    say: Say
    change: Callable[[Message], Message] = lambda message: message
    sent: int = 0
    telemetry: Gateways = field(default_factory=Gateways)
    _begun: float = field(default_factory=time.monotonic)

    def play(self, messages: Iterable[Message]) -> bool:
        """Send in order and wait for all acknowledgements; whether it came to the end.

        OutsideError when nothing is acknowledged for 60 s.
        """
        line, latest = self.publisher.lines[0], self.plan.first
        for message in messages:
            if not playable(message):
                continue
            latest = max(latest, message.at)
            offset = latest - self.plan.first
            if not self._await(offset):
                break
            self._room()
            changed = self.change(message)
            line.publish(changed.topic, changed.payload, retain=changed.retain)
            self.control.took(offset)
            self.sent += 1
            self._count(changed.topic)
            self.publisher.pump(0)
            self.say(self._progress(latest))
        if not self.publisher.drain(PATIENCE):
            raise OutsideError(self._stuck())
        return self.sent == self.plan.count

    def _await(self, offset: int) -> bool:
        """Wait until the message at `offset` is due; False when somebody ended the replay."""
        while not self.control.ended:
            wait = self.control.wait(offset)
            if wait <= 0:
                return True
            self.publisher.pump(min(wait, _NAP))
            self.say(self._progress(self.plan.first + offset))
        return False

    def _room(self) -> None:
        acknowledged, since = self.publisher.acknowledged, time.monotonic()
        while not self.publisher.lines[0].room:
            self.publisher.pump(0.05)
            if self.publisher.acknowledged != acknowledged:
                acknowledged, since = self.publisher.acknowledged, time.monotonic()
            elif time.monotonic() - since > PATIENCE:
                raise OutsideError(self._stuck())

    def _stuck(self) -> str:
        trouble = f" ({self.publisher.trouble})" if self.publisher.trouble else ""
        return f"no acknowledgement for {PATIENCE:.0f} s: {self.publisher.unacknowledged} messages are open{trouble}"

    def _count(self, topic: str) -> None:
        try:
            where = parse_topic(topic)
        except InputError:
            return
        if where.kind == "telemetry":
            self.telemetry[where.site, where.gateway] += 1

    def _progress(self, position: int) -> Progress:
        wait = self.control.wait(position - self.plan.first)
        return Progress(
            self.sent, self.plan.count, self.publisher.acknowledged, position,
            max(0.0, -wait), time.monotonic() - self._begun, self.control.state(),
        )  # fmt: skip


def messages_of(client: Client) -> Gateways:
    """How many messages of each gateway the system's ledger has."""
    return Counter({
        (item["site"], item["gateway"]): int(item["ledger"].get("messages", 0)) for item in client.gateways()
    })  # fmt: skip


def wait_landed(find: Callable[[], Client], before: Gateways, sent: Gateways, say: Callable[[str], None]) -> None:
    """Wait until the system's ledger has `sent` messages more than `before`; OutsideError after 60 s without any."""

    def look(client: Client) -> tuple[int, bool | None]:
        now = messages_of(client)
        there = sum(min(count, now[key] - before[key]) for key, count in sent.items())
        return there, there >= sent.total() or None

    def told(there: int) -> str:
        return f"{max(0, there)} of {sent.total()} telemetry messages landed"

    wait_on(find, look, -1, lambda there: say(told(there)), lambda there: f"only {told(there)}")
