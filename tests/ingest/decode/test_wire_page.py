"""The page for who writes a gateway: its examples are taken whole, its limits are the program's."""

import re

import pytest

from energy.quantity import QUANTITIES
from ingest.decode import dialects, json_v1, national, sparkplug, sparkplug_payload
from ingest.decode.memory import Memory
from tests.source import ROOT

PAGE = (ROOT / "docs" / "wire.md").read_text("utf-8")
EXAMPLES = re.findall(r"```\n(ecm/[^\n]+)\n(.*?)```", PAGE, re.DOTALL)


@pytest.mark.parametrize(("topic", "payload"), EXAMPLES, ids=[topic for topic, _ in EXAMPLES])
def test_the_examples_are_taken_whole(topic: str, payload: str) -> None:
    dialect, address = dialects.of(topic)
    message = dialect.decode(address, payload.encode(), Memory())
    assert message is not None
    assert message.items
    assert all(item.reading is not None and not item.refusals for item in message.items)


def test_there_is_an_example_of_each_dialect_in_json() -> None:
    assert {topic.rpartition("/")[2] for topic, _ in EXAMPLES} == {"telemetry", "national"}


def test_the_limits_are_the_programs() -> None:
    rows = {cells[1].strip(): [cell.strip() for cell in cells[2:-1]] for cells in
            (line.split("|") for line in PAGE.splitlines() if line.startswith("|")) if len(cells) == 6}  # fmt: skip
    of = (json_v1, sparkplug_payload, national)
    assert _first(rows["payload, as it comes"]) == [one.MAX_BYTES for one in of]
    assert _first(rows["unpacked"]) == [one.MAX_UNPACKED for one in of]
    in_one = [json_v1.MAX_READINGS, sparkplug_payload.MAX_METRICS, national.MAX_ENTRIES]
    assert _first(rows["in one message"]) == in_one
    assert re.findall(r"\d+", rows["of one edge node"][1]) == [str(sparkplug.MAX_DEVICES), str(sparkplug.MAX_NAMED)]


def _first(cells: list[str]) -> list[int]:
    return [int(cell.split()[0]) for cell in cells]


def test_every_quantity_is_named() -> None:
    assert {key for key in QUANTITIES if f"`{key}`" not in PAGE} == set()


REASON = re.compile(r'InputError\(\s*"(\w+)"|refused\["(\w+)"\]')


def test_every_reason_of_a_decoder_is_named() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "ingest" / "decode").glob("*.py"))
    reasons = {one or other for one, other in REASON.findall(code)}
    assert len(reasons) > 10
    assert {reason for reason in reasons if f"`{reason}`" not in PAGE} == set()
