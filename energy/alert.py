"""An alert: what, where, since when, by how much, from which readings; and who may move it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from energy.errors import InputError


class Kind(StrEnum):
    """What an alert is about."""

    PUE_OVER_LIMIT = "pue_over_limit"
    OFF_PROFILE = "off_profile"
    SILENT_METER = "silent_meter"


class State(StrEnum):
    """Where a person has taken an alert."""

    ACTIVE = "active"
    ACKNOWLEDGED = "acknowledged"
    RESOLVED = "resolved"


class Action(StrEnum):
    """What a person, or the system for RAISE and CLEAR, does to an alert."""

    RAISE = "raise"
    CLEAR = "clear"
    ACKNOWLEDGE = "acknowledge"
    RESOLVE = "resolve"


@dataclass(frozen=True, slots=True)
class Finding:
    """A detector's verdict on one episode, before it is anybody's alert; times are ms UTC.

    since: when the condition began; confirmed: the earliest moment at which it could be known;
    until: when it ended, None while it lasts; what: plain sentences by language ("zh", "en");
    evidence: figures and readings enough to check and draw it (JSON values).
    """

    kind: Kind
    site: str
    meter: str | None
    since: int
    confirmed: int
    until: int | None
    value: float
    limit: float
    unit: str
    excess: float
    what: Mapping[str, str]
    evidence: Mapping[str, Any]


_MOVES = {
    (State.ACTIVE, Action.ACKNOWLEDGE): State.ACKNOWLEDGED,
    (State.ACTIVE, Action.RESOLVE): State.RESOLVED,
    (State.ACKNOWLEDGED, Action.RESOLVE): State.RESOLVED,
}


def move(state: State, action: Action) -> State:
    """The state after a person's action; InputError("bad_transition") where it makes no sense.

    >>> move(State.ACTIVE, Action.ACKNOWLEDGE).value
    'acknowledged'
    """
    after = _MOVES.get((state, action))
    if after is None:
        raise InputError("bad_transition", f"an alert that is {state} cannot be given the action {action}")
    return after
