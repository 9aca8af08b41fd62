"""Entries by hand, as the journal of their own holds them: `ecm/v1/{site}/manual/entry`."""

from energy import manual
from energy.topic import Topic
from ingest.decode.message import Item, Message


def parse_topic(topic: str) -> Topic:
    """A topic → its parts, the gateway being `manual`; InputError("bad_topic") for any other shape."""
    return Topic(manual.parse_topic(topic), manual.GATEWAY, "telemetry")


def decode(payload: bytes) -> Message:
    """An entry → Message without a sequence number; InputError when it is none at all."""
    return Message("", 0, tuple(Item(reading) for reading in manual.decode(payload).taken()))
