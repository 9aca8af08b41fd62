"""Every dialect by golden cases: topics and payloads in, readings, refusals and requests for births out."""

import json
from typing import Any

import pytest

from energy.errors import InputError
from ingest.decode import dialects
from ingest.decode.memory import Memory
from tests.source import ROOT

GOLDEN = ROOT / "tests" / "golden" / "dialects"
CASES = sorted(path.name for path in GOLDEN.iterdir())


def messages(case: str) -> list[tuple[str, bytes]]:
    """The input of a case: after each `> topic` its payload, as text or, of Sparkplug, as bytes with their meaning."""
    found: list[tuple[str, list[str]]] = []
    for line in (GOLDEN / case / "input.txt").read_text("utf-8").splitlines():
        if line.startswith("> "):
            found.append((line[2:], []))
        elif found:
            found[-1][1].append(line)
    return [(topic, _bytes(lines) if topic.startswith("spBv1.0/") else "\n".join(lines).encode())
            for topic, lines in found]  # fmt: skip


def _bytes(lines: list[str]) -> bytes:
    return bytes.fromhex(" ".join(line.split("#")[0] for line in lines))


def said(topic: str, payload: bytes, memory: Memory) -> dict[str, Any] | None:
    """What is decoded of a message, as the golden files say it; memory goes on as after a landed batch."""
    memory.begin()
    try:
        dialect, address = dialects.of(topic)
        message = dialect.decode(address, payload, memory)
    except InputError as error:
        assert memory.changes() == [], "what is refused changes nothing"
        return {"refused": error.reason}
    if message is None:
        return None
    items = message.items
    out: dict[str, Any] = {
        "boot": message.boot, "seq": message.seq,
        "readings": [
            {"meter": one.meter, "time": one.time, "values": dict(one.values), "quality": one.quality.name}
            for one in (item.reading for item in items) if one is not None
        ],
        "refused": [[refusal.reason, refusal.detail] for item in items for refusal in item.refusals],
    }  # fmt: skip
    assert all(refusal.count == 1 for item in items for refusal in item.refusals)
    asks = memory.settle()
    return {**out, "asks": True} if asks else out


@pytest.mark.parametrize("case", CASES)
def test_golden(case: str) -> None:
    expected = json.loads((GOLDEN / case / "expected.json").read_text("utf-8"))
    memory = Memory()
    found = [said(*message, memory) for message in messages(case)]
    assert len(found) == len(expected)
    for at, (one, wanted) in enumerate(zip(found, expected, strict=True)):
        assert _as_far_as_said(one, wanted) == wanted, f"message {at}"


def _as_far_as_said(found: dict[str, Any] | None, wanted: dict[str, Any] | None) -> dict[str, Any] | None:
    """Of the details of refusals a golden file says the beginning."""
    if not found or not wanted or "readings" not in found or len(found["refused"]) != len(wanted["refused"]):
        return found
    pairs = zip(found["refused"], wanted["refused"], strict=True)
    return {**found, "refused": [[reason, detail[: len(start)]] for (reason, detail), (_, start) in pairs]}


@pytest.mark.parametrize("dialect", ["json_v1", "national", "sparkplug"])
def test_every_dialect_has_golden_cases(dialect: str) -> None:
    assert sum(case.startswith(dialect) for case in CASES) >= 5
    for case in CASES:
        assert {path.name for path in (GOLDEN / case).iterdir()} == {"input.txt", "expected.json"}
