"""What anybody can be told of a journal: each message with its leaf, and what somebody changed or took away."""

import hashlib
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from energy import journal_scan as module
from energy.broker.port import Delivery
from energy.journal import START, Journal, JournalReader, Position, leaf_hash, workers
from energy.journal_scan import Hole, Scan, scan

DAY_MS = 86_400_000
NOW = 1_795_306_500_000  # on 2026-11-22
D1, D2, D3 = "2026-11-22", "2026-11-23", "2026-11-24"


def delivery(n: int) -> Delivery:
    """The n-th message: seven a day, of three topics in turn."""
    return Delivery(f"t/{n % 3}", b"payload %d" % n, NOW + n // 7 * DAY_MS, None)


@pytest.fixture
def reader(tmp_path: Path) -> JournalReader:
    """Of a journal of 21 messages on three days."""
    with closing(Journal(tmp_path, "w1")) as journal:
        journal.append([delivery(n) for n in range(21)])
    return JournalReader(tmp_path, "w1")


def change(folder: Path, day: str, statement: str) -> None:
    """What somebody does to a day's file."""
    with closing(sqlite3.connect(folder / f"w1-{day}.db")) as file, file:
        file.execute(statement)


def every(_topic: str) -> bool:
    return True


def walk(reader: JournalReader, topic: str | None = None, *, keep: int = 100, look_at: int = 100) -> Iterator[Scan]:
    """Scans until the end."""
    after: Position | None = START
    while after is not None:
        found = scan(reader, after, lambda one: topic in (None, one), keep=keep, look_at=look_at)
        yield found
        after = found.after


def test_every_message_is_given_with_its_leaf(reader: JournalReader) -> None:
    [found] = walk(reader)
    assert [(k.position, k.received_at, k.topic, k.payload, k.leaf, k.intact) for k in found.kept] == [
        (Position((D1, D2, D3)[n // 7], n % 7 + 1), d.received_at, d.topic, d.payload, leaf_hash(d), True)
        for n, d in ((n, delivery(n)) for n in range(21))
    ]
    assert (found.holes, found.after) == ([], None)


@pytest.mark.parametrize("keep", [1, 2, 3, 7, 20])
@pytest.mark.parametrize("look_at", [1, 3, 7, 8, 100])
@pytest.mark.parametrize("topic", [None, "t/1", "t/9"])
def test_pages_of_any_size_give_the_same(
    tmp_path: Path, reader: JournalReader, keep: int, look_at: int, topic: str | None
) -> None:
    change(tmp_path, D1, "DELETE FROM record WHERE row IN (1, 2, 5)")
    change(tmp_path, D2, "DELETE FROM record WHERE row = 4")
    [whole] = walk(reader, topic)
    scans = list(walk(reader, topic, keep=keep, look_at=look_at))
    assert [kept for found in scans for kept in found.kept] == whole.kept
    assert [hole for found in scans for hole in found.holes] == whole.holes
    assert whole.holes == [Hole(D1, 1, 2), Hole(D1, 5, 5), Hole(D2, 4, 4)]
    assert max(len(found.kept) for found in scans) <= min(keep, look_at)
    assert len(scans) >= -(-17 // look_at)


def test_the_last_page_is_known_to_be_the_last(reader: JournalReader) -> None:
    assert len(list(walk(reader, keep=7))) == 3
    assert len(list(walk(reader, look_at=7))) == 3
    assert len(list(walk(reader, "t/1", keep=7))) == 1
    assert scan(reader, START, every, keep=0, look_at=5) == Scan([], [], Position(D1, 0))
    assert scan(reader, Position(D3, 7), every, keep=0, look_at=0) == Scan([], [], None)


def test_one_day_alone(reader: JournalReader) -> None:
    found = scan(reader, START, every, keep=100, look_at=100, day=D2)
    assert ([kept.position.row for kept in found.kept], found.after) == (list(range(1, 8)), None)
    assert {kept.position.day for kept in found.kept} == {D2}
    assert scan(reader, Position(D2, 5), every, keep=1, look_at=9, day=D2).after == Position(D2, 6)
    assert scan(reader, START, every, keep=9, look_at=9, day="2026-11-25") == Scan([], [], None)


def test_large_messages_make_a_short_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BYTES", 1000)
    with closing(Journal(tmp_path, "w1")) as journal:
        journal.append([Delivery("t", b"x" * 400, NOW, None)] * 7)
    assert [len(found.kept) for found in walk(JournalReader(tmp_path, "w1"))] == [3, 3, 1]


@pytest.mark.parametrize(
    "what",
    [
        "payload = CAST('payload 8' AS BLOB)", "payload = x'ff00'", "payload = 'text'", "topic = 't/2'",
        "topic = CAST(x'ff' AS TEXT)", "topic = 7", "received_at = received_at + 1", "received_at = 'never'",
        "received_at = 9223372036854775807", "received_at = -1", "leaf = x''", "leaf = 'leaf'",
        "leaf = (SELECT leaf FROM record WHERE row = 2)",
    ],
)  # fmt: skip
def test_whatever_is_changed_is_not_intact(tmp_path: Path, reader: JournalReader, what: str) -> None:
    change(tmp_path, D1, f"UPDATE record SET {what} WHERE row = 1")
    [found] = walk(reader)
    assert [kept.position for kept in found.kept if not kept.intact] == [Position(D1, 1)]
    assert len(found.kept) == 21


def test_a_new_leaf_hides_a_change_only_from_who_does_not_know_the_old_one(
    tmp_path: Path, reader: JournalReader
) -> None:
    """The leaf is told, so that whoever kept it sees the change."""
    forged = Delivery("t/0", b"forged", NOW, None)
    leaf = hashlib.sha256(b"\x00%d 3 6 t/0forged" % NOW).hexdigest()
    change(tmp_path, D1, f"UPDATE record SET payload = CAST('forged' AS BLOB), leaf = x'{leaf}' WHERE row = 1")
    [found] = walk(reader)
    assert found.kept[0].intact
    assert found.kept[0].leaf == leaf_hash(forged) != leaf_hash(delivery(0))


def test_a_moved_message_leaves_a_hole(tmp_path: Path, reader: JournalReader) -> None:
    change(tmp_path, D2, "UPDATE record SET row = 12 WHERE row = 3")
    [found] = walk(reader)
    assert found.holes == [Hole(D2, 3, 3), Hole(D2, 8, 11)]


@pytest.mark.parametrize("day", [D1, D3])
@pytest.mark.parametrize("look_at", [1, 5, 100])
def test_what_is_gone_from_the_end_of_any_day_is_a_hole(
    tmp_path: Path, reader: JournalReader, day: str, look_at: int
) -> None:
    change(tmp_path, day, "DELETE FROM record WHERE row > 5")
    assert [hole for found in walk(reader, look_at=look_at) for hole in found.holes] == [Hole(day, 6, 7)]
    change(tmp_path, day, "DELETE FROM record")
    assert [hole for found in walk(reader, look_at=look_at) for hole in found.holes] == [Hole(day, 1, 7)]


def test_a_row_that_was_taken_away_is_never_given_again(tmp_path: Path, reader: JournalReader) -> None:
    """A new message in its place would lie before the cursor, and never land."""
    change(tmp_path, D3, "DELETE FROM record WHERE row > 5")
    with closing(Journal(tmp_path, "w1")) as journal:
        assert journal.append([delivery(20)]) == Position(D3, 8)
    [found] = walk(reader)
    assert found.holes == [Hole(D3, 6, 7)]
    assert [record.position for record in reader.read(Position(D3, 7), 9)] == [Position(D3, 8)]


def test_a_file_that_does_not_count_its_rows_is_read_as_well(tmp_path: Path, reader: JournalReader) -> None:
    there, plain = tmp_path / f"w1-{D2}.db", tmp_path / "plain"
    with closing(sqlite3.connect(plain)) as file, file:
        file.execute("ATTACH ? AS there", (str(there),))
        file.execute("CREATE TABLE record (row INTEGER PRIMARY KEY, received_at, topic, payload, leaf)")
        file.execute("INSERT INTO record SELECT * FROM there.record")
    plain.replace(there)
    [found] = walk(reader)
    assert (len(found.kept), found.holes) == (21, [])


def test_the_last_row_tells_where_a_day_ends(tmp_path: Path, reader: JournalReader) -> None:
    assert [reader.last(day) for day in (D1, D3)] == [7, 7]
    change(tmp_path, D1, "DELETE FROM record WHERE row > 5")
    change(tmp_path, D2, "DELETE FROM record")
    assert [reader.last(day) for day in (D1, D2, "2026-11-25", "../x")] == [5, 0, 0, 0]
    assert len(list(tmp_path.glob("*.db"))) == 3


def test_whose_journals_are_there(tmp_path: Path, reader: JournalReader) -> None:
    Journal(tmp_path, "w-2.b").close()
    for name in ("manual-2026-11-22.db", f"w1-{D1} (copy).db", "-2026-11-22.db", "[w]-2026-11-22.db", "w3-2026.db"):
        (tmp_path / name).touch()
    assert workers(tmp_path) == ["manual", "w1"]
    assert workers(tmp_path / "none") == []
