"""Sparkplug B: group → site, edge node → gateway, device → meter, metric → quantity."""

from collections import Counter

from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.reading import Reading
from energy.registry import NAME
from energy.sparkplug import ROOT, parse_topic
from ingest.decode import sparkplug_chain as chain
from ingest.decode.memory import Birth, Edge, Memory, Metric
from ingest.decode.message import Item, Message, Refusal
from ingest.decode.port import Address
from ingest.decode.sparkplug_payload import Payload, Said, read
from ingest.decode.sparkplug_value import number

MAX_DEVICES = 2_000  # of an edge node
MAX_NAMED = 50_000  # metrics that the births of an edge node name
_EXCERPT = 200
_OWN = ("bdSeq", "Node Control/", "Device Control/", "Properties/", "Node Info/", "Device Info/")
_BD_SEQ = "bdSeq"


class Sparkplug:
    """See `Dialect`. A message's boot is its birth, its number the messages since that one, which is the first."""

    def address(self, topic: str) -> Address | None:
        """See `Dialect.address`."""
        return Address(*parse_topic(topic)) if topic.startswith(ROOT + "/") else None

    def head(self, address: Address, payload: bytes) -> tuple[str, int] | None:  # noqa: ARG002
        """None: Sparkplug has no receipts."""
        return None

    def decode(self, address: Address, payload: bytes, memory: Memory) -> Message:
        """See `Dialect.decode`; what a message says of births is in `memory` afterwards."""
        said = read(payload)
        edge = memory.edge(address.site, address.gateway)
        if address.kind == "NDEATH":
            memory.put(chain.end(edge, _bd_seq(said)))
            return Message("", 0)
        edge, at = _follow(edge, address, said)
        items, lacking = _Reader(edge, address, said, whole=edge.whole and at is not None).items()
        memory.put(chain.lack(edge) if lacking else edge)
        return Message("", 0, items) if at is None else Message(edge.boot, at + 1, items)


def _follow(edge: Edge, address: Address, said: Payload) -> tuple[Edge, int | None]:
    """The edge node after a message, and the message's number since the birth."""
    if said.seq is None:
        raise InputError("bad_message", f"{address.kind} has no seq")
    if address.kind == "NBIRTH":
        if not said.time or said.time >= 2**53:
            raise InputError("bad_message", "NBIRTH has no timestamp")
        return chain.begin(edge, _bd_seq(said), said.seq, said.time, _birth(said)), 0
    edge, at = chain.follow(edge, said.seq, min(said.time or 0, 2**53))
    if address.kind == "DBIRTH" and edge.alive:
        edge = chain.with_birth(edge, address.device, _birth(said))
        named = sum(len(birth.metrics) for birth in edge.births.values())
        if len(edge.births) > MAX_DEVICES or named > MAX_NAMED:
            raise InputError("too_large", f"{len(edge.births)} births with {named} metrics of one edge node")
    elif address.kind == "DDEATH":
        edge = chain.with_birth(edge, address.device, None)
    return edge, at


def _bd_seq(said: Payload) -> int | None:
    for metric in said.metrics:
        if metric.name == _BD_SEQ and metric.field in ("int_value", "long_value"):
            return int(metric.value) if metric.value < 2**53 else None
    return None


def _birth(said: Payload) -> Birth:
    """What a birth names; an alias that it gives twice means neither."""
    given = Counter(metric.alias for metric in said.metrics)
    return Birth(tuple(
        Metric(one.name[:_EXCERPT], one.alias if given[one.alias] == 1 else None, one.kind)
        for one in said.metrics if one.name
    ))  # fmt: skip


class _Reader:
    """Reads the metrics of one message."""

    def __init__(self, edge: Edge, address: Address, said: Payload, *, whole: bool) -> None:
        self._address, self._said, self._whole = address, said, whole
        self._named = edge.births.get(address.device)
        self._birth = address.kind in ("NBIRTH", "DBIRTH")
        self._readings: dict[tuple[str, int, int], dict[str, float]] = {}
        self._refused: list[Refusal] = []
        self._lacking = False

    def items(self) -> tuple[tuple[Item, ...], bool]:
        """The readings, then what is refused; and whether it speaks of what no birth has named."""
        strange = [metric for metric in self._said.metrics if not self._take(metric)]
        if strange and not self._readings and not self._refused and (self._birth or not self._whole):
            self._refuse(strange[0], InputError("bad_reading", "no known quantity in it"))
        taken = [Item(Reading(meter, time, values)) for (meter, time, _), values in self._readings.items()]
        return (*taken, *(Item(None, (refusal,)) for refusal in self._refused)), self._lacking

    def _take(self, said: Said) -> bool:
        """False for a metric that is neither a quantity nor the protocol's own."""
        try:
            name, kind = self._name(said)
            if name.startswith(_OWN):
                return True
            meter, quantity = self._target(name)
            if quantity not in QUANTITIES:
                return False
            if not NAME.fullmatch(meter):
                raise InputError("bad_reading", f"meter {meter[:70]!r} is not a name")
            self._put(meter, quantity, self._time(said), number(said, kind))
        except InputError as error:
            unnamed = error.reason == "unknown_alias" and self._whole  # else what is missing says enough
            self._lacking |= unnamed or (error.reason == "unknown_type" and not self._birth)
            self._refuse(said, error)
        return True

    def _name(self, said: Said) -> tuple[str, int]:
        """A metric's name and data type, as it says them itself or a birth has."""
        if said.name:
            known = self._named.by_name.get(said.name) if self._named and self._whole else None
            return said.name, said.kind or (known.kind if known else 0)
        if said.alias is None:
            raise InputError("bad_reading", "neither a name nor an alias")
        if self._birth:
            raise InputError("bad_reading", "a birth must name its metrics")
        if not self._whole:
            raise InputError("unknown_alias", "its birth, or a message since, has not come")
        metric = self._named.by_alias.get(said.alias) if self._named else None
        if metric is None:
            raise InputError("unknown_alias", "no birth has named it")
        return metric.name, said.kind or metric.kind

    def _target(self, name: str) -> tuple[str, str]:
        """(meter, quantity): a device is a meter; a node's own metrics say theirs."""
        if self._address.device:
            return self._address.device, name
        meter, _, quantity = name.rpartition("/")
        return (meter, quantity) if meter else ("", "")

    def _time(self, said: Said) -> int:
        time = said.time if said.time is not None else self._said.time
        if time is None or time >= 2**53:
            raise InputError("bad_time", "has no timestamp" if time is None else f"timestamp {time} is out of range")
        return time

    def _put(self, meter: str, quantity: str, time: int, value: float) -> None:
        """Metrics of one meter and time are one reading; what it has already begins another."""
        more = 0
        while quantity in self._readings.get((meter, time, more), ()):
            more += 1
        self._readings.setdefault((meter, time, more), {})[quantity] = value

    def _refuse(self, said: Said, error: InputError) -> None:
        what = repr(said.name[:70]) if said.name else f"alias {said.alias}"
        excerpt = f"{self._address.device} {what} {said.value!r}"[:_EXCERPT]
        self._refused.append(Refusal(error.reason, f"{what}: {error.detail}", excerpt, 1))
