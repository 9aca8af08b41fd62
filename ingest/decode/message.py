"""What every decoder makes of a payload."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

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


class Entries:
    """A decoded message all of whose entries are usual: meter, ts in ms, and known quantities within their bounds."""

    __slots__ = ("_items", "_whole", "boot", "entries", "seq")

    def __init__(self, boot: str, seq: int, entries: Sequence[dict[str, Any]], whole: "Callable[[], Message]") -> None:
        """entries: to be used once, by who may take them apart; whole: decodes the same into items, which is slow."""
        self.boot, self.seq, self.entries, self._whole = boot, seq, entries, whole
        self._items: tuple[Item, ...] | None = None

    @property
    def items(self) -> tuple[Item, ...]:
        """As of any other message."""
        if self._items is None:
            self._items = self._whole().items
        return self._items


@dataclass(frozen=True, slots=True)
class Message:
    """A decoded message: the gateway's boot and sequence number, and its items in order."""

    boot: str
    seq: int
    items: tuple[Item, ...] = field(default=())


Decoded = Message | Entries
