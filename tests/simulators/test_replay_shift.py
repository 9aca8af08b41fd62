"""Moved times: exactly those of the readings and the message, and nothing else."""

import gzip
import json

import pytest

from ingest.decode import json_v1
from simulators.message import Message
from simulators.replay_shift import shift

HOUR = 3_600_000
TOPIC = "ecm/v1/s/g/telemetry"


def moved(payload: bytes, topic: str = TOPIC, by: int = HOUR) -> bytes:
    found = shift(Message(5, topic, payload, 1, True), by)
    assert found._replace(payload=b"") == Message(5, topic, b"", 1, True)
    return found.payload


def test_times_move_and_every_other_value_keeps_its_digits() -> None:
    text = (
        b'{"boot":"7f3a","seq":9,"sent":"2026-11-22T08:15:02+08:00","readings":[{"meter":"ts","ts":1795306500000,'
        b'"p_kw":411.50,"e_kwh":1.0e3,"note":{"ts":1}},{"meter":"m","ts":"2026-11-22T00:15:00.250+00:00","q":"x"}],"ts":7}'
    )
    assert moved(text) == (
        b'{"boot":"7f3a","seq":9,"sent":"2026-11-22T09:15:02+08:00","readings":[{"meter":"ts","ts":1795310100000,'
        b'"p_kw":411.50,"e_kwh":1.0e3,"note":{"ts":1}},{"meter":"m","ts":"2026-11-22T01:15:00.250000+00:00","q":"x"}],'
        b'"ts":7}'
    )
    assert moved(moved(text), by=-HOUR) == moved(text.replace(b"00.250+", b"00.250000+"), by=0)


def test_a_compressed_message_stays_one() -> None:
    text = b'{"boot":"b","seq":1,"readings":[{"meter":"m","ts":1000,"p_kw":1}]}'
    packed = moved(gzip.compress(text))
    assert json.loads(gzip.decompress(packed))["readings"][0]["ts"] == 1000 + HOUR
    assert packed == moved(gzip.compress(text))


def test_what_only_loose_readers_take_moves_too() -> None:
    [item] = json_v1.decode(moved(b'{"boot":"b","seq":1,"readings":[{"meter":"m","ts":1000,"p_kw":NaN,"pf":1}]}')).items
    assert item.reading is not None
    assert (item.reading.time, item.reading.values) == (1000 + HOUR, {"pf": 1.0})
    assert [refusal.reason for refusal in item.refusals] == ["not_finite"]


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (TOPIC, b"no json"),
        (TOPIC, b"\xff\x00"),
        (TOPIC, b"[1]"),
        (TOPIC, b'{"readings":5}'),
        (TOPIC, b"\x1f\x8bbroken"),
        (TOPIC, b'{"readings":[{"ts":null},{"ts":true},{"ts":"noon"},{"ts":1.5}],"sent":""}'),
        ("ecm/v1/s/g/birth", b'{"sent":"2026-11-22T08:15:02+08:00"}'),
        ("plant/x", b'{"readings":[{"ts":1}]}'),
    ],
)
def test_what_has_no_times_of_ours_is_not_touched(topic: str, payload: bytes) -> None:
    assert moved(payload, topic) == payload
