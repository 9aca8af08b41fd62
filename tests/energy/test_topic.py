"""Topics of wire format 1: exactly the gateways' shapes are taken, and what is formed is taken again."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import InputError
from energy.topic import KINDS, Topic, base_topic, parse_topic


def test_the_kinds_are_those_of_the_wire_format() -> None:
    assert set(KINDS) == {"telemetry", "national", "birth", "death", "event", "receipt"}


@pytest.mark.parametrize("kind", ["telemetry", "national", "birth", "death", "event", "receipt"])
def test_topics_of_our_shape(kind: str) -> None:
    topic = parse_topic(f"ecm/v1/steel-1/网关.2/{kind}")
    assert topic == ("steel-1", "网关.2", kind)
    assert topic.text == f"ecm/v1/steel-1/网关.2/{kind}" == f"{base_topic('steel-1', '网关.2')}/{kind}"


@pytest.mark.parametrize(
    "topic",
    [
        "", "/", "ecm", "ecm/v1/s/g", "ecm/v1/s/g/telemetry/", "/ecm/v1/s/g/telemetry", "ecm/v2/s/g/telemetry",
        "ECM/v1/s/g/telemetry", "ecm/v1/s/g/telemetrie", "ecm/v1//g/telemetry", "ecm/v1/s//telemetry",
        "ecm/v1/s p/g/telemetry", "ecm/v1/s/g\n/telemetry", "ecm/v1/-s/g/telemetry", "ecm/v1/s/+/telemetry",
        "ecm/v1/s/'; DROP TABLE record/telemetry", f"ecm/v1/{'s' * 65}/g/telemetry", "ecm/v1/../../telemetry",
        "$SYS/broker/uptime", "ecm/v1/s/manual/telemetry", "ecm/v1/s/manual/entry", "ecm/v1/s/g/entry",
    ],
)  # fmt: skip
def test_topics_of_another_shape(topic: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_topic(topic)
    assert caught.value.reason == "bad_topic"


@given(st.text(max_size=80) | st.builds(lambda *words: "/".join(["ecm", "v1", *words]), *[st.text(max_size=6)] * 2,
                                        st.sampled_from(KINDS)))  # fmt: skip
def test_any_topic_is_taken_or_refused(topic: str) -> None:
    with suppress(InputError):
        assert parse_topic(topic).text == topic


@pytest.mark.parametrize(("site", "gateway"), [("", "g"), ("s", ""), ("s/t", "g"), ("s", "+"), ("s", "g" * 65)])
def test_no_topic_is_formed_of_what_is_no_name(site: str, gateway: str) -> None:
    with pytest.raises(InputError) as caught:
        base_topic(site, gateway)
    assert caught.value.reason == "bad_name"
    with pytest.raises(InputError):
        parse_topic(Topic(site, gateway, "telemetry").text)
