"""What every decoder makes of a payload."""

from dataclasses import dataclass, field

from energy.reading import Reading


@dataclass(frozen=True, slots=True)
class Refusal:
    """Why an item of a message was not taken: `count` values of it are refused for `reason`."""

    reason: str
    detail: str
    excerpt: str
    count: int


@dataclass(frozen=True, slots=True)
class Item:
    """One entry of a message: the reading that can be used of it, if any, and what was refused of it."""

    reading: Reading | None
    refusals: tuple[Refusal, ...] = ()


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message: the gateway's boot and sequence number, and its items in order."""

    boot: str
    seq: int
    items: tuple[Item, ...] = field(default=())
