"""Landing of Sparkplug B: what births name outlives restarts, crashes and outages, and every value is accounted for."""

from collections import Counter

import pytest
from sqlalchemy import select

from energy.books import tables as t
from energy.errors import OutsideError
from energy.store.port import Point, Series, TooOldError
from ingest.decode import memory as module
from tests.ingest.edge import DEVICE, EDGE, EdgeNode, Sent, metric, payload, topic
from tests.ingest.ground import NOW, FaultyStore, Ground, drain

SWAPPED = {"p_kw": 11, "e_kwh": 10}


def receive(ground: Ground, *sent: Sent) -> None:
    for where, body in sent:
        ground.receive(body, topic=where)


def values(number: int) -> dict[str, float]:
    return {"p_kw": 400.0 + number, "e_kwh": 10_000.0 + number}


def gateways(ground: Ground) -> dict[str, list[list[int]]]:
    """What arrived of each birth of the edge node."""
    return {row["boot"]: row["seen"] for row in ground.rows(t.gateway) if row["gateway"] == EDGE}


def test_aliases_are_known_after_each_restart(ground: Ground) -> None:
    edge = EdgeNode(bd_seq=7)
    receive(ground, *edge.births(NOW, values(0)))
    ground.land()
    for number in range(1, 6):
        receive(ground, edge.data(NOW + number, values(number)))
        ground.land()
    assert ground.stored() == {NOW + number: values(number) for number in range(6)}
    assert ground.ledger() == Counter(messages=7, received=12, landed=12)
    assert gateways(ground) == {f"bd7-{NOW}": [[1, 7]]}
    assert {row["device"]: len(row["metrics"]) for row in ground.rows(t.edge_birth)} == {"": 2, DEVICE: 2}


def test_a_gap_is_seen_and_births_are_asked_for_until_they_come(ground: Ground) -> None:
    edge, landing = EdgeNode(), ground.landing()
    receive(ground, *edge.births(NOW, values(0)), edge.data(NOW + 1, values(1)))
    drain(landing)
    assert landing.lacking == set()
    edge.data(NOW + 2, values(2))  # never arrives
    receive(ground, edge.data(NOW + 3, values(3)))
    drain(landing)
    assert landing.lacking == {("steel-1", EDGE, f"bd0-{NOW}")}
    landing.lacking.clear()
    receive(ground, *edge.births(NOW + 4, values(4)), edge.data(NOW + 5, values(5)))
    drain(landing)
    assert landing.lacking == set()
    assert ground.stored() == {NOW + number: values(number) for number in (0, 1, 4, 5)}
    assert ground.ledger() == Counter(messages=7, received=10, landed=8, refused=2)
    assert [(row["reason"], row["count"]) for row in ground.rows(t.quarantine)] == [("unknown_alias", 1)] * 2
    assert gateways(ground) == {f"bd0-{NOW}": [[1, 3], [5, 5]], f"bd0-{NOW + 4}": [[1, 3]]}


def batch(edge: EdgeNode) -> list[Sent]:
    """Data, births that swap the aliases, data, a death and data: read from where it ends, all of it is wrong."""
    before = edge.data(NOW + 1, values(1))
    edge.aliases = dict(SWAPPED)
    return [before, *edge.births(NOW + 2, values(2)), edge.data(NOW + 3, values(3)), edge.death(),
            edge.data(NOW + 4, values(4))]  # fmt: skip


@pytest.mark.parametrize("restart", [False, True])
def test_a_crash_repeats_exactly_what_was_decided(ground: Ground, restart: bool) -> None:
    edge, store = EdgeNode(), FaultyStore(ground.store)
    receive(ground, *edge.births(NOW, values(0)))
    ground.land()
    receive(ground, *batch(edge))
    store.before_write = [OutsideError("away")] * 2
    landing = ground.landing(store)
    for _ in range(2):
        with pytest.raises(OutsideError):
            landing.step()
    with ground.books.begin() as db:
        assert db.execute(select(t.edge.c.boot)).scalar_one() == f"bd0-{NOW}", "the books wait for the store"
    drain(ground.landing(store) if restart else landing)
    assert ground.stored() == {NOW + number: values(number) for number in range(4)}
    assert ground.ledger() == Counter(messages=8, received=10, landed=8, refused=2)
    assert gateways(ground) == {f"bd0-{NOW}": [[1, 3]], f"bd0-{NOW + 2}": [[1, 3]]}


def test_what_the_store_will_never_take_is_found_again_by_its_alias(ground: Ground) -> None:
    edge, store = EdgeNode(), FaultyStore(ground.store)
    receive(ground, *edge.births(NOW, values(0)))
    ground.land()
    receive(ground, *batch(edge))
    store.before_write = [TooOldError("bucket", [Point(Series("meter", "steel-1", "m-1"), NOW + 1, {"p_kw": 0.0})])]
    drain(ground.landing(store))
    assert ground.ledger() == Counter(messages=8, received=10, landed=6, refused=4)
    assert [(row["reason"], row["row"], row["count"]) for row in ground.rows(t.quarantine)] == [
        ("unknown_alias", 8, 1), ("unknown_alias", 8, 1), ("too_old", 3, 2)
    ]  # fmt: skip


def test_what_was_read_and_not_decided_is_forgotten_also_when_held_values_land_meanwhile(ground: Ground) -> None:
    edge = EdgeNode()
    ground.receive(b'{"readings":[{"meter":"m-9","ts":%d,"p_kw":1}]}' % NOW)
    receive(ground, *edge.births(NOW, values(0)))
    landing = ground.landing()
    drain(landing)
    receive(ground, edge.data(NOW, {"p_kw": 400.0, "e_kwh": 10_000.0}), edge.data(NOW + 1, values(1)), edge.death())
    real, ground.store.at = ground.store.at, _away  # type: ignore[method-assign, assignment]
    with pytest.raises(OutsideError):
        landing.step()
    ground.store.at = real  # type: ignore[method-assign]
    ground.register("m-9")
    drain(landing)
    assert ground.stored() == {NOW: values(0), NOW + 1: values(1)}
    assert ground.ledger() == Counter(messages=6, received=7, landed=5, duplicate=2)


def _away(*_: object) -> object:
    raise OutsideError("away")


def test_a_device_that_is_no_meter_yet_is_held(ground: Ground) -> None:
    edge = EdgeNode()
    receive(ground, *((where.replace(DEVICE, "m-9"), body) for where, body in edge.births(NOW, values(0))))
    ground.land()
    assert ground.ledger() == Counter(messages=2, received=2, held=2)
    ground.register("m-9")
    ground.land()
    assert ground.stored("m-9") == {NOW: values(0)}


def test_history_lands_like_any_late_reading(ground: Ground) -> None:
    late = text_of(NOW - 60_000)
    edge = EdgeNode()
    receive(ground, *edge.births(NOW, values(0)), late, late)
    ground.land()
    assert ground.stored() == {NOW: values(0), NOW - 60_000: {"p_kw": 1.0}}
    assert ground.ledger() == Counter(messages=4, received=4, landed=3, duplicate=1)


def text_of(time: int) -> Sent:
    return topic("DDATA", DEVICE), payload([metric("p_kw", value=1.0, time=time)], 2, NOW + 1)


def test_what_is_no_message_changes_nothing_and_is_a_gap(ground: Ground) -> None:
    edge = EdgeNode()
    receive(ground, *edge.births(NOW, values(0)))
    lost = edge.data(NOW + 1, values(1))
    receive(ground, (lost[0], lost[1][:-3]), edge.data(NOW + 2, values(2)))
    ground.land()
    assert ground.ledger() == Counter(messages=4, undecodable=1, received=4, landed=2, refused=2)
    assert gateways(ground) == {f"bd0-{NOW}": [[1, 2], [4, 4]]}


def test_more_edge_nodes_than_are_kept_in_memory(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_EDGES", 3)
    landing = ground.landing()
    edges = [EdgeNode(bd_seq=number) for number in range(8)]
    for turn in range(3):
        for number, edge in enumerate(edges):
            stamp = NOW + 100 * number + turn
            sent = edge.births(stamp, values(turn)) if turn == 0 else [edge.data(stamp, values(turn))]
            receive(ground, *((where.replace(EDGE, f"e-{number}"), body) for where, body in sent))
            drain(landing)
    assert ground.ledger() == Counter(messages=32, received=48, landed=48)
    assert landing.lacking == set()
    assert len(ground.rows(t.edge)) == 8


def test_a_birth_forgets_the_devices_of_the_one_before(ground: Ground) -> None:
    edge = EdgeNode()
    receive(ground, *edge.births(NOW, values(0)))
    ground.land()
    node, _ = edge.births(NOW + 1, values(1))
    edge.seq = 1
    receive(ground, node, edge.data(NOW + 2, values(2)))
    ground.land()
    assert [row["device"] for row in ground.rows(t.edge_birth)] == [""]
    assert ground.ledger() == Counter(messages=4, received=4, landed=2, refused=2)
