"""Sparkplug B beyond its golden cases: chains of messages, ceilings, and fuzz."""

import random
import zlib
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.registry import NAME
from ingest.decode import sparkplug, sparkplug_chain
from ingest.decode import sparkplug_payload as wire
from ingest.decode.memory import Birth, Edge, Memory, Metric
from ingest.decode.message import Message
from ingest.decode.sparkplug import Sparkplug
from tests.ingest.decode.test_json_v1 import check_message
from tests.ingest.edge import DEVICE, DOUBLE, EDGE, GROUP, EdgeNode, address, metric, payload, text, whole

NOW = 1_795_306_500_000
fuzz = settings(max_examples=200, deadline=None, derandomize=True)


def born() -> Edge:
    """An edge node after its birth."""
    return sparkplug_chain.begin(Edge(GROUP, EDGE), 0, 0, NOW, Birth(()))


def walk(numbers: list[int], time: Callable[[int], int]) -> tuple[Edge, list[int | None]]:
    """Messages by their numbers since the birth, in order of arrival; what each is taken for."""
    edge, found = born(), []
    for number in numbers:
        edge, at = sparkplug_chain.follow(edge, number % 256, time(number))
        found.append(at)
    return edge, found


@fuzz
@given(st.integers(0, 2**32), st.integers(0, 30), st.booleans())
def test_numbers_are_found_again_whatever_is_lost_late_or_doubled(seed: int, reach: int, stamped: bool) -> None:
    rng = random.Random(seed)
    sent = [number for number in range(1, 700) if rng.random() > 0.1]
    arrived = sorted(sent * 2 if stamped else sent, key=lambda number: number + rng.uniform(0, reach))
    edge, found = walk(arrived, lambda number: NOW + number * 1000 if stamped else 0)
    assert found == arrived
    missing = [number for first, last in edge.missing for number in range(first, last + 1)]
    assert missing == sorted(set(range(1, max(arrived))) - set(arrived)) or len(edge.missing) == 100
    assert edge.whole is (edge.missing == ())


def test_many_gaps_are_kept_as_few_and_none_is_forgotten() -> None:
    edge, _ = walk(list(range(1, 1000, 2)), lambda number: NOW + number)
    assert len(edge.missing) == 100
    assert edge.missing[0] == (2, 800)
    assert edge.missing[-1] == (998, 998)


def test_a_gap_longer_than_half_the_numbers_is_one_where_times_go_on() -> None:
    edge, found = walk([1, 2, 202], lambda number: NOW + number * 1000)
    assert (found, edge.missing) == ([1, 2, 202], ((3, 201),))
    edge, found = walk([1, 2, 258], lambda number: NOW + number * 1000)
    assert (found, edge.missing) == ([1, 2, 258], ((3, 257),))


def test_a_message_of_before_the_birth_belongs_to_no_chain() -> None:
    edge, at = sparkplug_chain.follow(born(), 200, NOW - 1)
    assert (at, edge.lacking, edge.last) == (None, True, 0)


def test_a_clock_that_is_set_back_breaks_no_chain() -> None:
    edge, found = walk(list(range(1, 400)), lambda number: NOW + 10_000 - number)
    assert (found, edge.whole) == (list(range(1, 400)), True)


def test_a_second_birth_begins_anew_and_the_same_one_does_not() -> None:
    edge, _ = walk([1, 2, 3], lambda number: NOW + number)
    assert sparkplug_chain.begin(edge, 0, 0, NOW, Birth(())) is edge
    named = Birth((Metric("m-1/p_kw", 1, 10),))
    assert sparkplug_chain.begin(edge, 0, 0, NOW, named).births == {"": named}
    again = sparkplug_chain.begin(edge, 0, 0, NOW + 5, Birth(()))
    assert (again.last, again.boot) == (0, f"bd0-{NOW + 5}")
    assert sparkplug_chain.begin(edge, None, 0, NOW, Birth(())).boot == f"birth-{NOW}"


def test_the_ceilings_hold_exactly(monkeypatch: pytest.MonkeyPatch) -> None:
    node = address("NDATA")
    filler = wire.MAX_BYTES - len(payload([text(2, b"")], 1, NOW))
    pad = text(2, text(15, b"x" * (filler - 8)))
    full = payload([pad], 1, NOW)
    full += text(9, b"x" * (wire.MAX_BYTES - len(full) - 2))
    assert len(full) == wire.MAX_BYTES
    assert Sparkplug().decode(node, full, Memory()).seq == 0
    with pytest.raises(InputError, match=r"^too_large: 262145 bytes"):
        Sparkplug().decode(node, full + b"\x00", Memory())
    many = [text(2, b"")] * wire.MAX_METRICS
    assert wire.read(payload(many, 1, NOW)).metrics[0].name == ""
    with pytest.raises(InputError, match=r"^too_large: 20001 metrics"):
        wire.read(payload([*many, text(2, b"")], 1, NOW))
    with pytest.raises(InputError, match=r"^too_large: unpacks to more than 1048576 bytes"):
        wire.read(packed(bytes(wire.MAX_UNPACKED + 1)))
    with pytest.raises(InputError, match=r"^not_protobuf"):
        wire.read(packed(bytes(wire.MAX_UNPACKED)))
    monkeypatch.setattr(sparkplug, "MAX_DEVICES", 3)
    memory, edge = Memory(), EdgeNode()
    devices = edge.births(NOW, {"p_kw": 1.0})
    Sparkplug().decode(node._replace(kind="NBIRTH"), devices[0][1], memory)
    for device in ("m-1", "m-2"):
        Sparkplug().decode(address("DBIRTH", device), devices[1][1], memory)
    with pytest.raises(InputError, match=r"^too_large: 4 births with 5 metrics"):
        Sparkplug().decode(address("DBIRTH", "m-3"), devices[1][1], memory)
    monkeypatch.setattr(sparkplug, "MAX_NAMED", 3)
    with pytest.raises(InputError, match=r"^too_large: 3 births with 4 metrics"):
        Sparkplug().decode(address("DBIRTH", "m-2"), devices[1][1], memory)


def packed(body: bytes) -> bytes:
    """A payload whose body is compressed."""
    return text(4, wire.COMPRESSED.encode()) + text(5, zlib.compress(body))


def test_deflate_is_unpacked_too() -> None:
    found = wire.read(packed(payload([metric("p_kw", value=1.5)], 3, NOW)))
    assert (found.seq, found.time, found.metrics[0].value) == (3, NOW, 1.5)


def test_nesting_costs_nothing() -> None:
    """What can nest is not read: a template within a template is one field that is passed over."""
    body = b""
    for _ in range(40_000):
        body = text(2, text(18, body)) if len(body) < 200_000 else body
    found = wire.read(payload([metric("p_kw", value=1.0), text(2, text(1, b"t") + text(18, body))], 0, NOW))
    assert [one.field for one in found.metrics] == ["double_value", ""]


def test_the_request_for_births_is_what_the_protocol_says() -> None:
    found = wire.read(wire.rebirth(NOW))
    assert (found.time, found.seq) == (NOW, None)
    (asked,) = found.metrics
    assert (asked.name, asked.kind, asked.value) == ("Node Control/Rebirth", 11, True)


def check_promises(payload: bytes, memory: Memory, kind: str) -> None:
    """Nothing but InputError is raised, what is refused changes nothing, and what is taken can be used."""
    memory.begin()
    try:
        message = Sparkplug().decode(address(kind, DEVICE if kind.startswith("D") else ""), payload, memory)
    except InputError as error:
        (error.reason + error.detail).encode()
        assert memory.changes() == []
        return
    assert isinstance(message, Message)
    check_message(message)
    assert (message.boot == "") is (message.seq == 0)
    assert message.boot == "" or NAME.fullmatch(message.boot)
    memory.changes()
    memory.settle()


kinds = st.sampled_from(["NBIRTH", "NDEATH", "NDATA", "DBIRTH", "DDEATH", "DDATA"])
numbers = st.sampled_from([0, 1, 10, 255, 256, 2**31, 2**32 - 1, 2**53, 2**63, 2**64 - 1]) | st.integers(0, 2**64 - 1)
names = st.sampled_from(
    ["bdSeq", "p_kw", "e_kwh", "m-9/p_kw", "a b/p_kw", "/p_kw", "\x00", "Node Control/x", *QUANTITIES]
)
fields = st.one_of(
    st.builds(whole, st.integers(1, 20), numbers),
    st.builds(text, st.integers(1, 20), st.binary(max_size=6) | names.map(str.encode)),
)
metrics = st.lists(fields, max_size=6).map(lambda parts: text(2, b"".join(parts)))
payloads = st.lists(
    metrics
    | st.builds(metric, names, st.none() | numbers, st.none() | st.floats(), st.just(DOUBLE), st.none() | numbers)
    | st.builds(whole, st.sampled_from([1, 3]), numbers | st.integers(0, 255))
    | st.just(b""),
    max_size=8,
).map(b"".join)


@fuzz
@given(st.lists(st.tuples(kinds, st.binary(max_size=60) | payloads), max_size=6))
def test_any_messages_are_taken_or_refused(said: list[tuple[str, bytes]]) -> None:
    memory = Memory()
    for kind, body in said:
        check_promises(body, memory, kind)
        check_promises(packed(body), memory, kind)


@fuzz
@given(st.data())
def test_good_messages_with_some_bytes_changed(data: st.DataObject) -> None:
    edge, memory = EdgeNode(), Memory()
    good = [*edge.births(NOW, {"p_kw": 1.0, "e_kwh": 5.0}), edge.data(NOW + 1, {"p_kw": 2.0}), edge.death()]
    for topic, body in good:
        changed = bytearray(body)
        for _ in range(data.draw(st.integers(0, 3))):
            at = data.draw(st.integers(0, len(changed) - 1))
            changed[at : at + data.draw(st.integers(0, 2))] = data.draw(st.binary(max_size=2))
            if not changed:
                break
        check_promises(bytes(changed), memory, topic.split("/")[2])


def test_an_alias_in_64_bits_is_one() -> None:
    memory, alias = Memory(), 2**64 - 1
    edge = EdgeNode(aliases={"p_kw": alias})
    for topic, body in [*edge.births(NOW, {"p_kw": 1.0}), edge.data(NOW + 1, {"p_kw": 2.0})]:
        message = Sparkplug().decode(address(topic.split("/")[2], DEVICE if "/m-1" in topic else ""), body, memory)
    assert message.items[0].reading is not None
    assert message.items[0].reading.values == {"p_kw": 2.0}
