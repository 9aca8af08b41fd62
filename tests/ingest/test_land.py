"""Landing: every value is accounted for, what is bad is refused alone, what is unknown is held."""

from collections import Counter
from pathlib import Path

import pytest

from energy.books import doors
from energy.books import tables as t
from energy.broker.port import Delivery
from energy.errors import SetupError
from energy.journal import Position
from tests.ingest.ground import DAY, HOUR, NOW, TOPIC, Ground, drain, message, reading


def test_good_values_land_and_are_counted(ground: Ground) -> None:
    ground.receive(message(reading(p_kw=1.0, e_kwh=5.0), seq=1), message(reading(ts=NOW + 1, p_kw=2.0), seq=2))
    landing = ground.landing()
    assert [landing.step(), landing.step()] == [2, 0]
    assert ground.stored() == {NOW: {"p_kw": 1.0, "e_kwh": 5.0}, NOW + 1: {"p_kw": 2.0}}
    assert ground.ledger() == Counter(messages=2, received=3, landed=3)
    assert ground.rows(t.touched, "id") == [{"site": "steel-1", "meter": "m-1", "first": NOW, "last": NOW + 1}]
    assert ground.rows(t.last_heard) == [{"site": "steel-1", "meter": "m-1", "received_at": NOW, "time": NOW + 1}]
    (gateway,) = ground.rows(t.gateway)
    assert (gateway["boot"], gateway["seen"], gateway["last_seq"]) == ("b", [[1, 2]], 2)
    assert landing.position == Position(DAY, 2)


def test_duplicates_and_conflicts(ground: Ground) -> None:
    ground.receive(message(reading(p_kw=1.0, e_kwh=5.0)), message(reading(p_kw=1.0, e_kwh=6.0, pf=0.5)))
    ground.receive(message(reading(p_kw=1.0)), at=NOW + 1)
    ground.land()
    assert ground.stored() == {NOW: {"p_kw": 1.0, "e_kwh": 5.0, "pf": 0.5}}
    assert ground.ledger() == Counter(messages=3, received=6, landed=3, duplicate=2, conflict=1)
    (clash,) = ground.rows(t.conflict, "id", "at")
    assert clash == {
        "site": "steel-1", "meter": "m-1", "quantity": "e_kwh", "time": NOW, "kept": 5.0, "refused": 6.0,
        "worker": "w1", "day": DAY, "row": 2, "item": 0,
    }  # fmt: skip


def test_what_is_bad_is_refused_alone_with_its_reason_and_position(ground: Ground) -> None:
    ground.receive(
        b"not json",
        message(reading(p_kw=1.0), reading(ts=0, p_kw=1.0, pf=0.1), reading(ts=NOW + HOUR, p_kw=1.0), seq=1),
        b'{"boot":"b","seq":2,"readings":[{"meter":"m-1","ts":%d,"p_kw":NaN,"e_kwh":5,"pf":7}]}' % NOW,
        b"x" * (300 * 1024),
    )
    ground.receive(message(reading(p_kw=1.0)), topic="another/shape")
    ground.receive(message(reading(ts=NOW + 1, p_kw=2.0), seq=3))
    ground.land()
    said = [
        (q["reason"], q["day"], q["row"], q["item"], q["count"], q["topic"], q["size"])
        for q in ground.rows(t.quarantine)
    ]
    size = len(message(reading(p_kw=1.0), reading(ts=0, p_kw=1.0, pf=0.1), reading(ts=NOW + HOUR, p_kw=1.0), seq=1))
    assert [entry[:5] for entry in said] == [
        ("not_json", DAY, 1, -1, 0), ("too_old", DAY, 2, 1, 2), ("in_future", DAY, 2, 2, 1),
        ("not_finite", DAY, 3, 0, 1), ("out_of_bounds", DAY, 3, 0, 1), ("too_large", DAY, 4, -1, 0),
        ("bad_topic", DAY, 5, -1, 0),
    ]  # fmt: skip
    assert said[1][5:] == (TOPIC, size)
    assert said[6][5] == "another/shape"
    assert ground.stored() == {NOW: {"p_kw": 1.0, "e_kwh": 5.0}, NOW + 1: {"p_kw": 2.0}}
    assert ground.ledger() == Counter(messages=6, undecodable=3, received=8, landed=3, refused=5)


@pytest.mark.parametrize("kind", ["birth", "death", "event"])
def test_other_kinds_are_counted_and_not_read(ground: Ground, kind: str) -> None:
    ground.receive(b"anything", topic=f"ecm/v1/steel-1/gw-1/{kind}")
    ground.land()
    assert ground.ledger() == Counter(messages=1)
    assert ground.rows(t.quarantine) == []


def test_a_refused_message_counts_as_arrived_wherever_its_number_can_be_read(ground: Ground) -> None:
    """Its receipt was given; a gap here would hold up that gateway's receipts after the next start."""
    wrong = b'{"boot":"b","seq":2,"readings":5}'
    large = message(reading(p_kw=1.0), seq=3) + b" " * 300_000
    ground.receive(message(reading(p_kw=1.0), seq=1), wrong, large, message(reading(p_kw=1.0), seq=4))
    ground.land()
    (gateway,) = ground.rows(t.gateway)
    assert (gateway["seen"], gateway["last_seq"]) == ([[1, 4]], 4)
    assert ground.ledger()["undecodable"] == 2


def test_held_values_are_listed_and_land_after_registration(ground: Ground) -> None:
    ground.receive(message(reading("m-9", p_kw=1.0, e_kwh=2.0), reading(p_kw=3.0)))
    ground.receive(message(reading("m-9", p_kw=1.5)), message(reading("m-9", NOW + 1, p_kw=7.0)))
    landing = ground.landing()
    drain(landing)
    assert ground.ledger() == Counter(messages=3, received=5, landed=1, held=4)
    assert [(h["meter"], h["values"], h["row"], h["item"], h["landed_at"]) for h in ground.rows(t.held)] == [
        ("m-9", {"p_kw": 1.0, "e_kwh": 2.0}, 1, 0, None), ("m-9", {"p_kw": 1.5}, 2, 0, None),
        ("m-9", {"p_kw": 7.0}, 3, 0, None),
    ]  # fmt: skip
    assert ground.stored("m-9") == {}
    ground.register("m-8", "m-9")
    assert landing.step() == 0
    assert ground.stored("m-9") == {NOW: {"p_kw": 1.0, "e_kwh": 2.0}, NOW + 1: {"p_kw": 7.0}}
    assert ground.ledger() == Counter(messages=3, received=5, landed=4, conflict=1)
    assert all(h["landed_at"] for h in ground.rows(t.held))
    assert {"site": "steel-1", "meter": "m-9", "first": NOW, "last": NOW + 1} in ground.rows(t.touched, "id")
    (clash,) = ground.rows(t.conflict)
    assert (clash["kept"], clash["refused"], clash["row"]) == (1.0, 1.5, 2)
    before = ground.ledger()
    ground.register("m-7")
    ground.land()
    assert ground.ledger() == before


def test_what_was_held_comes_before_what_comes_later(ground: Ground) -> None:
    ground.receive(message(reading("m-9", p_kw=1.0)))
    landing = ground.landing()
    drain(landing)
    ground.register("m-9")
    ground.receive(message(reading("m-9", p_kw=2.0)))
    drain(landing)
    assert ground.stored("m-9") == {NOW: {"p_kw": 1.0}}


def test_gateways_days_and_sites_have_ledgers_of_their_own(ground: Ground) -> None:
    for gateway, at in (("gw-1", NOW), ("gw-1", NOW + 24 * HOUR), ("gw-2", NOW + 24 * HOUR)):
        ground.receive(message(reading(ts=at, p_kw=1.0)), topic=f"ecm/v1/steel-1/{gateway}/telemetry", at=at)
    ground.land()
    rows = {(row["gateway"], row["day"]): (row["landed"], row["duplicate"]) for row in ground.rows(t.ledger)}
    assert rows == {("gw-1", DAY): (1, 0), ("gw-1", "2026-11-23"): (1, 0), ("gw-2", "2026-11-23"): (0, 1)}


def test_a_hostile_topic_is_text_and_nothing_else(ground: Ground) -> None:
    topics = ["", "/", "a\x00b", "a//b", "'; DROP TABLE ledger; --", "主题/" * 5_000, "ecm/v1/a/b/telemetry/"]
    ground.deliver(*(Delivery(topic, b"\x00\xff", NOW, None) for topic in topics))
    ground.land()
    assert [row["topic"] for row in ground.rows(t.quarantine)] == [topic.replace("\x00", "\ufffd") for topic in topics]
    assert ground.ledger() == Counter(messages=7, undecodable=7)


def test_a_journal_that_is_shorter_than_what_landed_is_said(ground: Ground) -> None:
    """Its rows would begin anew, below the cursor."""
    ground.receive(message(reading(p_kw=1.0)), message(reading(ts=NOW + 1, p_kw=1.0)))
    ground.land()
    ground.land()
    for path in (ground.folder / "journal").glob("*.db*"):
        path.rename(path.with_suffix(".away"))
    with pytest.raises(SetupError, match=f"ends before {DAY} row 2"):
        ground.landing()
    ground.receive(message(reading(ts=NOW + 2, p_kw=1.0)))
    with pytest.raises(SetupError, match="put its files back"):
        ground.landing()
    ground.receive(message(reading(ts=NOW + 3, p_kw=1.0)), at=NOW + 24 * HOUR)
    ground.land()
    assert NOW + 3 in ground.stored()


def test_nothing_is_read_twice_by_a_new_process(ground: Ground, tmp_path: Path) -> None:
    ground.receive(message(reading(p_kw=1.0)))
    ground.land()
    again = Ground(tmp_path)
    assert drain(again.landing()) == 0
    again.receive(message(reading(ts=NOW + 1, p_kw=1.0)))
    assert drain(again.landing()) == 1
    assert again.ledger() == Counter(messages=2, received=2, landed=2)
    again.close()


def test_a_gateway_that_is_not_let_in_is_refused_and_a_person_is_not(ground: Ground) -> None:
    with ground.books.begin() as db:
        doors.put(db, "steel-1", "gw-2", enabled=True, credential="", actor="test", now=NOW)
    ground.receive(message(reading(p_kw=1.0), seq=1))
    ground.receive(message(reading(ts=NOW + 1, p_kw=2.0), seq=1), topic="ecm/v1/steel-1/gw-2/telemetry")
    ground.land()
    assert ground.stored() == {NOW + 1: {"p_kw": 2.0}}
    assert [(q["reason"], q["gateway"], q["item"]) for q in ground.rows(t.quarantine)] == [
        ("gateway_not_let_in", "gw-1", -1)
    ]
    assert ground.ledger() == Counter(messages=2, undecodable=1, received=1, landed=1)
