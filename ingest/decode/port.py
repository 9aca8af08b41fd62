"""What a wire dialect is: it knows its topics, and makes a message of a payload."""

from typing import NamedTuple, Protocol

from ingest.decode.memory import Memory
from ingest.decode.message import Decoded


class Address(NamedTuple):
    """Who sent a message, and of which kind of its dialect it is; device is "" where the dialect has none."""

    site: str
    gateway: str
    kind: str
    device: str = ""


class Dialect(Protocol):
    """One way to say readings. All of it is a function of its arguments: a crash repeats it and gets the same."""

    def address(self, topic: str) -> Address | None:
        """The parts of a topic; None for one of another dialect, InputError("bad_topic") for one of nobody."""

    def head(self, address: Address, payload: bytes) -> tuple[str, int] | None:
        """(boot, seq) that a receipt can name, cheaply; None where the dialect or the payload has none."""

    def decode(self, address: Address, payload: bytes, memory: Memory) -> Decoded | None:
        """What is said; None for a message that is counted and not read. InputError when it is none at all.

        `memory` is changed only when no error is raised.
        """
