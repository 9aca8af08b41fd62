"""Topics of Sparkplug B: exactly the edge nodes' shapes are taken, and who sent what is known in every dialect."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.errors import InputError
from energy.sender import sender
from energy.sparkplug import is_for_edges, parse_topic, rebirth_topic


@pytest.mark.parametrize(
    ("topic", "parts"),
    [
        ("spBv1.0/steel-1/NBIRTH/e", ("steel-1", "e", "NBIRTH", "")),
        ("spBv1.0/steel-1/NDEATH/e", ("steel-1", "e", "NDEATH", "")),
        ("spBv1.0/steel-1/NDATA/网关.2", ("steel-1", "网关.2", "NDATA", "")),
        ("spBv1.0/steel-1/DBIRTH/e/m-1", ("steel-1", "e", "DBIRTH", "m-1")),
        ("spBv1.0/steel-1/DDEATH/e/m-1", ("steel-1", "e", "DDEATH", "m-1")),
        ("spBv1.0/steel-1/DDATA/e/m-1", ("steel-1", "e", "DDATA", "m-1")),
    ],
)
def test_topics_of_edge_nodes(topic: str, parts: tuple[str, ...]) -> None:
    assert parse_topic(topic) == parts
    assert sender(topic) == parts[:2]
    assert not is_for_edges(topic)


@pytest.mark.parametrize(
    "topic",
    [
        "", "spBv1.0", "spBv1.0/", "spBv1.0/s", "spBv1.0/s/NDATA", "spBv1.0/s/NDATA/e/", "spBv1.0/s/NDATA/e/d",
        "spBv1.0/s/DDATA/e", "spBv1.0/s/DDATA/e/d/x", "spBv1.0/s/NCMD/e", "spBv1.0/s/DCMD/e/d", "spBv1.0/STATE/h",
        "spBv1.0/s/ndata/e", "spBv1.0/s p/NDATA/e", "spBv1.0/s/NDATA/manual", "spBv1.0/s/DDATA/e/d\n",
        f"spBv1.0/s/NDATA/{'e' * 65}", "/spBv1.0/s/NDATA/e", "spAv1.0/s/NDATA/e",
    ],
)  # fmt: skip
def test_topics_of_another_shape(topic: str) -> None:
    with pytest.raises(InputError) as caught:
        parse_topic(topic)
    assert caught.value.reason == "bad_topic"


@pytest.mark.parametrize(
    ("topic", "for_edges"),
    [
        ("spBv1.0/s/NCMD/e", True), ("spBv1.0/s/DCMD/e/d", True), ("spBv1.0/STATE/host", True),
        (rebirth_topic("s", "e"), True), ("spBv1.0/s/NDATA/NCMD", False), ("ecm/s/NCMD/e", False), ("spBv1.0", False),
    ],
)  # fmt: skip
def test_what_hosts_say(topic: str, for_edges: bool) -> None:
    assert is_for_edges(topic) is for_edges


@given(st.text(max_size=40) | st.lists(st.sampled_from(["s", "e", "NDATA", "DDATA", "STATE", ""]), max_size=5).map(
    lambda words: "/".join(["spBv1.0", *words])))  # fmt: skip
def test_any_topic_has_a_sender_or_none(topic: str) -> None:
    is_for_edges(topic)
    with suppress(InputError):
        site, gateway = sender(topic)
        assert f"/{site}/" in topic
        assert f"/{gateway}" in topic
