"""An edge node of Sparkplug B with one device, which writes its bytes by an encoder of its own."""

import struct
from collections.abc import Iterable, Mapping

from ingest.decode.port import Address

GROUP, EDGE, DEVICE = "steel-1", "edge-1", "m-1"
INT64, DOUBLE, BOOLEAN = 4, 10, 11
ALIASES = {"p_kw": 10, "e_kwh": 11}
Sent = tuple[str, bytes]


def varint(number: int) -> bytes:
    """A whole number in groups of seven bits."""
    out = bytearray()
    while number > 0x7F:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*out, number])


def whole(field: int, number: int) -> bytes:
    """A field with a whole number."""
    return varint(field << 3) + varint(number)


def text(field: int, body: bytes) -> bytes:
    """A field with text, bytes, or a message."""
    return varint(field << 3 | 2) + varint(len(body)) + body


def metric(
    name: str = "", alias: int | None = None, value: float | None = None, kind: int = DOUBLE, time: int | None = None
) -> bytes:
    """A metric, as the field of a payload."""
    body = text(1, name.encode()) if name else b""
    body += whole(2, alias) if alias is not None else b""
    body += whole(3, time) if time is not None else b""
    body += whole(4, kind) if name else b""
    if value is None:
        body += whole(7, 1)
    elif kind == DOUBLE:
        body += varint(13 << 3 | 1) + struct.pack("<d", value)
    else:
        body += whole({INT64: 11, BOOLEAN: 14}[kind], int(value))
    return text(2, body)


def payload(metrics: Iterable[bytes], seq: int | None, time: int | None) -> bytes:
    """A payload."""
    head = whole(1, time) if time is not None else b""
    return head + b"".join(metrics) + (whole(3, seq) if seq is not None else b"")


def topic(kind: str, device: str = "", edge: str = EDGE) -> str:
    """A topic of the edge node, or of its device."""
    return "/".join(["spBv1.0", GROUP, kind, edge, *([device] if device else [])])


def address(kind: str, device: str = "") -> Address:
    """The same, parsed."""
    return Address(GROUP, EDGE, kind, device)


class EdgeNode:
    """Counts its messages; each method gives what it would publish."""

    def __init__(self, bd_seq: int = 0, aliases: Mapping[str, int] = ALIASES) -> None:
        """Not born yet."""
        self.bd_seq, self.aliases = bd_seq, dict(aliases)
        self.seq = 0

    def births(self, time: int, values: Mapping[str, float]) -> list[Sent]:
        """NBIRTH and DBIRTH, with the device's values at that time."""
        self.seq = 0
        own = [metric("bdSeq", value=self.bd_seq, kind=INT64), metric("Node Control/Rebirth", value=0, kind=BOOLEAN)]
        node = (topic("NBIRTH"), payload(own, self._next(), time))
        named = [metric(name, self.aliases[name], value) for name, value in values.items()]
        return [node, (topic("DBIRTH", DEVICE), payload(named, self._next(), time))]

    def data(self, time: int, values: Mapping[str, float]) -> Sent:
        """DDATA by alias."""
        said = [metric(alias=self.aliases[name], value=value, time=time) for name, value in values.items()]
        return topic("DDATA", DEVICE), payload(said, self._next(), time)

    def death(self) -> Sent:
        """NDEATH, the will."""
        return topic("NDEATH"), payload([metric("bdSeq", value=self.bd_seq, kind=INT64)], None, None)

    def _next(self) -> int:
        self.seq = (self.seq + 1) % 256
        return (self.seq - 1) % 256
