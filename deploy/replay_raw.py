"""Replays a recording's or a journal's messages as they were, and waits until broker or system has them."""

import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

from deploy.replay_show import Show
from deploy.whereabouts import Whereabouts
from energy.window import to_text
from simulators.gateway import new_boot
from simulators.message import Message
from simulators.publisher import Publisher
from simulators.readers.journal import read_journal
from simulators.record_file import read_messages
from simulators.replay_control import Control
from simulators.replay_raw import Gateways, Player, Survey, messages_of, part, survey, wait_landed
from simulators.replay_shift import shift

_PATIENCE_S = 10.0
_WINDOW = 500

Read = Callable[[Callable[[str], None]], Iterator[Message]]


def reader(file: Path, form: str, start: int | None, end: int | None) -> Read:
    """Opens `file` anew at each call, for the messages that came in [start, end)."""
    return lambda note: part(read_journal(file) if form == "journal" else read_messages(file, note), start, end)


def look_through(read: Read, show: Show) -> Survey:
    """Everything read once before anything is sent."""
    return survey(read(show.note))


def play_raw(
    mqtt: str, where: Whereabouts | None, read: Read, plan: Survey, by: int | None, control: Control, show: Show,
    zone: str,
) -> None:  # fmt: skip
    """Send, wait and print; by: ms to move the times in telemetry, None: not a byte changes.

    OutsideError when the broker or the system does not take it.
    """
    begun = time.monotonic()
    publisher = Publisher(mqtt, [f"replay-{new_boot()}"], _WINDOW)
    before: Gateways = Counter()
    player = Player(publisher, control, plan, show.progress)
    if by is not None:
        player.change = partial(shift, by=by)
    try:
        publisher.open(_PATIENCE_S)
        if where is not None:
            before = messages_of(where.now.client)
        complete = player.play(read(lambda _: None))
    finally:
        publisher.close()
    if where is not None:
        wait_landed(where.client, before, player.telemetry, show.word)
    show.summary({
        "messages": player.sent, "acknowledged": publisher.acknowledged, "resent": publisher.resent,
        "left_out": plan.left_out, "telemetry": player.telemetry.total(),
        "landed": None if where is None else player.telemetry.total(), "from": to_text(plan.first, zone),
        "to": to_text(plan.last, zone), "moved_by_ms": by or 0, "seconds": round(time.monotonic() - begun, 1),
        "complete": complete,
    })  # fmt: skip
