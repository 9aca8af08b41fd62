"""A message as a broker carried it."""

from typing import NamedTuple


class Message(NamedTuple):
    """What came in at `at` (ms UTC); `retain` says that the broker had kept it from before."""

    at: int
    topic: str
    payload: bytes
    qos: int = 1
    retain: bool = False
