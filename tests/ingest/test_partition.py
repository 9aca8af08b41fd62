"""Landing in parts: killed at every step, and with another number of parts, all is as if one had landed it."""

import traceback
from typing import Any

import pytest

from energy.books import registry
from energy.books import tables as t
from energy.broker.port import Delivery
from energy.journal import Journal, JournalReader, Position
from energy.registry import Meter
from energy.store.port import Series
from ingest import land as module
from ingest.landings import Landings
from ingest.level import level
from ingest.partition import Partition, PartReader
from tests.ingest.ground import DAY, NOW, Ground, message, reading, stored
from tests.ingest.test_plan import Clockwork, Killed, begin_again

SITES = ("steel-1", "paper-1")  # one of each part of two
TOPICS = [f"ecm/v1/{site}/gw-1/telemetry" for site in SITES]


def fill(ground: Ground) -> None:
    """Both sites by turns, with a duplicate, a conflict, an unknown meter, and what is of no site."""
    both = [
        message(reading(p_kw=1.0), seq=1),
        message(reading(p_kw=1.0), reading(ts=NOW + 1, p_kw=2.0), seq=2),
        message(reading(p_kw=3.0), reading("m-9", p_kw=1.0), seq=3),
        b"nothing",
    ]
    ground.deliver(
        *(Delivery(topic, payload, NOW, None) for payload in both for topic in TOPICS),
        Delivery("nobody's", b"", NOW, None),
    )


def register(ground: Ground) -> None:
    ground.register("m-1")
    with ground.books.begin() as db:
        registry.put_meter(db, Meter("paper-1", "m-1", "m-1", "m-1"), "test", NOW)


def die_at(ground: Ground, clock: Clockwork, what: Any) -> None:
    """A new process that does it, and may be killed."""
    registry._seen.pop(ground.books, None)
    try:
        with clock.ticking(ground) as store:
            what(store)
    except Killed as error:
        traceback.clear_frames(error.__traceback__)
        ground.die()
        raise


def parts_land(ground: Ground, of: int, only: int | None = None) -> Any:
    def land(store: Any) -> None:
        for number in range(of) if only is None else (only,):
            landings = Landings(ground.books, store, ground.folder / "journal", ["w1"], Partition(number, of))
            while landings.step():
                pass

    return land


def state(ground: Ground) -> dict[str, Any]:
    """All but the cursors."""
    return {
        "ledger": ground.rows(t.ledger),
        **{table.name: sorted(map(str, ground.rows(table, "id", "at")))
           for table in (t.quarantine, t.held, t.conflict, t.gateway, t.last_heard)},
        "stored": {site: stored(ground.store, Series("meter", site, "m-1")) for site in SITES},
    }  # fmt: skip


def test_killed_at_every_step_parts_make_what_one_makes(ground: Ground, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_MESSAGES", 3)
    register(ground)
    fill(ground)
    die_at(ground, Clockwork(), parts_land(ground, 1))
    whole = state(ground)
    assert ground.ledger()["landed"] == 4
    assert ground.ledger()["conflict"] == 2
    begin_again(ground)
    register(ground)
    clock = Clockwork()
    die_at(ground, clock, parts_land(ground, 2))
    assert state(ground) == whole
    for fatal in range(1, clock.steps + 1, 2):
        begin_again(ground)
        register(ground)
        with pytest.raises(Killed):
            die_at(ground, Clockwork(fatal), parts_land(ground, 2))
        die_at(ground, Clockwork(), parts_land(ground, 2))
        assert state(ground) == whole, f"killed at step {fatal}"


@pytest.mark.parametrize(("before", "after"), [(2, 1), (2, 3), (1, 2)])
def test_another_number_of_parts_goes_on_where_the_others_were_killed(
    ground: Ground, monkeypatch: pytest.MonkeyPatch, before: int, after: int
) -> None:
    monkeypatch.setattr(module, "_MESSAGES", 3)
    register(ground)
    fill(ground)
    die_at(ground, Clockwork(), parts_land(ground, 1))
    whole = state(ground)
    begin_again(ground)
    register(ground)
    steps = Clockwork()
    die_at(ground, steps, parts_land(ground, before))
    assert steps.steps > 40
    for fatal in range(8, steps.steps, 7):
        begin_again(ground)
        register(ground)
        with pytest.raises(Killed):  # one part is far, and the other may not have begun
            die_at(ground, Clockwork(fatal), parts_land(ground, before))

        def change(store: Any) -> None:
            level(ground.books, store, ground.folder / "journal", after)

        try:
            die_at(ground, Clockwork(fatal // 2), change)
        except Killed:
            die_at(ground, Clockwork(), change)
        names = {row["worker"] for row in ground.rows(t.cursor)}
        assert names == {Partition(number, after).cursor("w1") for number in range(after)}
        assert len({(row["day"], row["row"]) for row in ground.rows(t.cursor)}) == 1
        die_at(ground, Clockwork(), parts_land(ground, after))
        assert state(ground) == whole, f"killed at step {fatal}"


def test_held_values_land_with_their_part(ground: Ground) -> None:
    register(ground)
    fill(ground)
    die_at(ground, Clockwork(), parts_land(ground, 2))
    ground.register("m-9")
    with ground.books.begin() as db:
        registry.put_meter(db, Meter("paper-1", "m-9", "m-9", "m-9"), "test", NOW)
    die_at(ground, Clockwork(), parts_land(ground, 2, only=1))
    assert {row["site"]: bool(row["landed_at"]) for row in ground.rows(t.held)} == {"steel-1": False, "paper-1": True}


def test_the_cursor_passes_what_others_land(ground: Ground) -> None:
    register(ground)
    fill(ground)
    die_at(ground, Clockwork(), parts_land(ground, 2, only=1))
    (cursor,) = ground.rows(t.cursor)
    assert (cursor["worker"], cursor["day"], cursor["row"]) == ("w1#1/2", DAY, 9)
    reader = PartReader(JournalReader(ground.folder / "journal", "w1"), "w1", Partition(1, 2))
    assert [record.position.row for record in reader.read(Position(DAY, 0), 4)] == [2, 4]
    reader.until = Position(DAY, 5)
    assert reader.read(Position(DAY, 4), 4) == []


def test_one_boot_in_two_journals_is_one_sequence(ground: Ground) -> None:
    ground.register("m-1")
    folder = ground.folder / "journal"
    landings = Landings(ground.books, ground.store, folder, ["w1", "w2"])
    writers = [Journal(folder, worker) for worker in landings.readers]
    for seq in range(1, 9):  # by turns, each landed before the next comes
        body = message(reading(ts=NOW + seq, p_kw=1.0), seq=seq)
        writers[seq % 2].append([Delivery(TOPICS[0], body, NOW, None)])
        assert landings.step() == 1
    assert [row["seen"] for row in ground.rows(t.gateway)] == [[[1, 8]]]
    for writer in writers:
        writer.close()
