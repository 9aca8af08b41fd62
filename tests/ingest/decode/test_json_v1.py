"""JSON v1: golden cases (a payload and what is decoded of it, as files), topics, and fuzz."""

import gzip
import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.registry import NAME
from ingest.decode import json_v1
from ingest.decode.message import Entries, Message
from tests.source import ROOT

GOLDEN = ROOT / "tests" / "golden" / "json_v1"
CASES = sorted(path.name for path in GOLDEN.iterdir())
# What is wrong is said in a library's words, which its versions change; the reason is ours.
IN_OTHERS_WORDS = {"not_json", "bad_message", "bad_gzip"}
fuzz = settings(max_examples=200, deadline=None, derandomize=True)


def plain(payload: bytes) -> dict[str, Any]:
    """What is decoded of a payload, as the golden files say it."""
    head = json_v1.head(payload)
    said: dict[str, Any] = {"head": list(head) if head else None}
    try:
        message = json_v1.decode(payload)
    except InputError as error:
        return {**said, "refused": {"reason": error.reason, "detail": error.detail}}
    items = [
        {
            "reading": item.reading
            and {"meter": item.reading.meter, "time": item.reading.time, "values": dict(item.reading.values),
                 "quality": item.reading.quality.name},
            "refusals": [[r.reason, r.detail, r.excerpt, r.count] for r in item.refusals],
        }
        for item in message.items
    ]  # fmt: skip
    return {**said, "boot": message.boot, "seq": message.seq, "items": items}


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    said = plain((GOLDEN / case / "payload").read_bytes())
    expected = json.loads((GOLDEN / case / "expected.json").read_text("utf-8"))
    if "refused" in said and said["refused"]["reason"] in IN_OTHERS_WORDS:
        assert said["refused"].pop("detail")
        expected["refused"].pop("detail")
    assert said == expected


def test_the_golden_cases_are_all_there() -> None:
    assert len(CASES) >= 25
    for case in CASES:
        assert {path.name for path in (GOLDEN / case).iterdir()} == {"payload", "expected.json"}


def test_nesting_at_every_depth_is_answered() -> None:
    """Somewhere near the interpreter's limit a value can be parsed and not shown."""
    for depth in [*range(10, 1100, 7), *range(930, 1010), 5_000, 20_000]:
        nest = b"[" * depth + b"]" * depth
        for payload in (
            b'{"boot":"b","seq":1,"readings":[{"meter":' + nest + b',"ts":1,"p_kw":1}]}',
            b'{"boot":"b","seq":1,"readings":[{"meter":"m","ts":1,"p_kw":' + nest + b"}]}",
            b'{"boot":"b","seq":1,"readings":[{"meter":"m","ts":1,"p_kw":NaN,"x":' + nest + b"}]}",
        ):
            plain(payload)


def test_the_ceilings_hold_exactly() -> None:
    body = b'{"readings":[]}'
    full = body + b" " * (json_v1.MAX_BYTES - len(body))
    assert json_v1.decode(full).items == ()
    with pytest.raises(InputError, match=r"^too_large: 262145 bytes"):
        json_v1.decode(full + b" ")
    many = b'{"readings":[' + b",".join([b"{}"] * json_v1.MAX_READINGS) + b"]}"
    assert len(json_v1.decode(gzip.compress(many)).items) == json_v1.MAX_READINGS
    with pytest.raises(InputError, match=r"^too_large: 20001 readings"):
        json_v1.decode(gzip.compress(many[:-2] + b",{}]}"))


scalars = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["measured", "estimated", "m-1", "7f3a", 1_795_306_500_000, "2026-01-02T03:04:05+08:00"])
)  # fmt: skip
keys = st.sampled_from(["meter", "ts", "q", "boot", "seq", "sent", "readings", *QUANTITIES]) | st.text(max_size=4)
anything = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6), max_leaves=20
)
entries = st.fixed_dictionaries({}, optional=dict.fromkeys(["meter", "ts", "q", "p_kw", "e_kwh", "x"], anything))
objects = st.dictionaries(keys, anything, max_size=6) | st.fixed_dictionaries(
    {"readings": st.lists(entries, max_size=5)}, optional={"boot": scalars, "seq": scalars}
)


def check_promises(payload: bytes) -> None:
    """Nothing but InputError is raised, and what is taken can be used."""
    head = json_v1.head(payload)
    try:
        message = json_v1.decode(payload)
    except InputError as error:
        (error.reason + error.detail + json_v1.excerpt(payload)).encode()
        return
    check_message(message)
    assert head == ((message.boot, message.seq) if message.boot and message.seq else None)


def check_message(message: Message | Entries) -> None:
    for item in message.items:
        assert item.reading or item.refusals
        for refusal in item.refusals:
            assert refusal.count >= 1
            assert len(refusal.excerpt) <= 200
            (refusal.detail + refusal.excerpt).encode()
        if item.reading is not None:
            assert NAME.fullmatch(item.reading.meter)
            assert item.reading.values.keys() <= QUANTITIES.keys()
            assert all(type(value) is float and math.isfinite(value) for value in item.reading.values.values())


@fuzz
@given(st.binary(max_size=400))
def test_any_bytes_are_taken_or_refused(payload: bytes) -> None:
    check_promises(payload)
    check_promises(b"\x1f\x8b\x08" + payload)
    check_promises(gzip.compress(payload))


@fuzz
@given(objects, st.booleans())
def test_any_object_is_taken_or_refused(value: dict[str, Any], ascii_only: bool) -> None:
    check_promises(json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "surrogatepass"))


@fuzz
@given(st.sampled_from(["normal", "gzip", "nan", "rfc3339"]), st.data())
def test_a_good_payload_with_some_bytes_changed(case: str, data: st.DataObject) -> None:
    payload = bytearray((GOLDEN / case / "payload").read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(payload) - 1))
        payload[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
        if not payload:
            break
    check_promises(bytes(payload))


def test_every_value_is_counted_once() -> None:
    payload = Path(GOLDEN / "wrong_types" / "payload").read_bytes()
    for entry, item in zip(json.loads(payload)["readings"], json_v1.decode(payload).items, strict=True):
        known = max(1, len(entry.keys() & QUANTITIES.keys()))
        assert known == len(item.reading.values if item.reading else ()) + sum(r.count for r in item.refusals)
