"""The dialects in use, and which of them a topic belongs to."""

from functools import lru_cache

from energy import manual
from energy.errors import InputError
from energy.topic import parse_topic
from ingest.decode import by_hand, json_v1
from ingest.decode.memory import Memory
from ingest.decode.message import Decoded
from ingest.decode.national import National
from ingest.decode.port import Address, Dialect
from ingest.decode.sparkplug import Sparkplug

_TOPICS = 20_000  # remembered; a gateway uses one or a few


class JsonV1:
    """Wire format 1; the last to be asked, so what is no topic of anybody is refused here."""

    def address(self, topic: str) -> Address:
        """See `Dialect.address`."""
        return Address(*parse_topic(topic))

    def head(self, address: Address, payload: bytes) -> tuple[str, int] | None:
        """See `Dialect.head`."""
        return json_v1.head(payload) if address.kind == "telemetry" else None

    def decode(self, address: Address, payload: bytes, memory: Memory) -> Decoded | None:  # noqa: ARG002
        """See `Dialect.decode`."""
        return json_v1.decode(payload) if address.kind == "telemetry" else None


class ByHand:
    """Entries by hand, in the journal of their own."""

    def address(self, topic: str) -> Address:
        """See `Dialect.address`."""
        return Address(*by_hand.parse_topic(topic))

    def head(self, address: Address, payload: bytes) -> tuple[str, int] | None:  # noqa: ARG002
        """None: nobody waits for a receipt."""
        return None

    def decode(self, address: Address, payload: bytes, memory: Memory) -> Decoded:  # noqa: ARG002
        """See `Dialect.decode`."""
        return by_hand.decode(payload)


JSON_V1 = JsonV1()
_BROKER: tuple[Dialect, ...] = (Sparkplug(), National(), JSON_V1)
_MANUAL: tuple[Dialect, ...] = (ByHand(),)


@lru_cache(_TOPICS)
def of(topic: str, worker: str = "") -> tuple[Dialect, Address]:
    """The dialect and the address of a topic in the journal of a worker; InputError("bad_topic") for nobody's topic."""
    for dialect in _MANUAL if worker == manual.WORKER else _BROKER:
        address = dialect.address(topic)
        if address is not None:
            return dialect, address
    raise InputError("bad_topic", "of no dialect")
