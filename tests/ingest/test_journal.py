"""The journal: durable, in order, by days, readable while it is written, its leaves unambiguous."""

import hashlib
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy import journal as module
from energy.broker.port import Delivery
from energy.errors import OutsideError, SetupError
from energy.journal import START, Journal, JournalReader, Position, leaf_hash

DAY_MS = 86_400_000
NOW = 1_795_306_500_000  # on 2026-11-22
D1, D2, D3 = "2026-11-22", "2026-11-23", "2026-11-24"


def delivery(text: str, at: int = NOW, topic: str = "ecm/v1/s/g/telemetry") -> Delivery:
    return Delivery(topic, text.encode(), at, None)


@pytest.fixture
def writer(tmp_path: Path) -> Iterator[Journal]:
    journal = Journal(tmp_path, "w1")
    yield journal
    journal.close()


def texts(folder: Path, after: Position = START) -> list[str]:
    return [record.payload.decode() for record in JournalReader(folder, "w1").all_after(after)]


def test_an_absent_journal_reads_as_empty(tmp_path: Path) -> None:
    reader = JournalReader(tmp_path / "none", "w1")
    assert reader.read(START, 10) == []
    assert reader.count_after(START) == 0
    assert reader.size() == 0


def test_what_was_appended_is_there_after_a_reopen_and_goes_on(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a", topic="any/主题"), delivery("")])
    writer.close()
    again = Journal(tmp_path, "w1")
    again.append([delivery("c")])
    again.close()
    records = JournalReader(tmp_path, "w1").read(START, 10)
    assert [(r.position, r.received_at, r.topic, r.payload) for r in records] == [
        (Position(D1, 1), NOW, "any/主题", b"a"),
        (Position(D1, 2), NOW, "ecm/v1/s/g/telemetry", b""),
        (Position(D1, 3), NOW, "ecm/v1/s/g/telemetry", b"c"),
    ]
    assert (tmp_path / f"w1-{D1}.db").exists()


def test_it_is_durable_by_its_own_settings(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a")])
    assert writer._file is not None
    assert writer._file.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert writer._file.execute("PRAGMA synchronous").fetchone() == (2,)


def test_days_have_files_of_their_own_and_are_read_in_order(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a"), delivery("b", NOW + DAY_MS), delivery("c", NOW + DAY_MS), delivery("d")])
    writer.append([delivery("e", NOW + 2 * DAY_MS)])
    assert sorted(path.stem for path in tmp_path.glob("*.db")) == [f"w1-{day}" for day in (D1, D2, D3)]
    reader = JournalReader(tmp_path, "w1")
    assert texts(tmp_path) == ["a", "b", "c", "d", "e"]
    assert [record.position for record in reader.all_after(Position(D1, 1))] == [
        Position(D2, 1), Position(D2, 2), Position(D2, 3), Position(D3, 1),
    ]  # fmt: skip
    assert [reader.count_after(at) for at in (START, Position(D1, 1), Position(D2, 2), Position(D3, 1))] == [5, 4, 2, 0]


@pytest.mark.parametrize("restarted", [False, True])
def test_a_clock_set_back_never_hides_a_message(tmp_path: Path, restarted: bool) -> None:
    """A reader that has gone on to a day never looks at an earlier one again."""
    journal = Journal(tmp_path, "w1")
    journal.append([delivery("a"), delivery("b", NOW + DAY_MS)])
    reader = JournalReader(tmp_path, "w1")
    read = reader.read(reader.read(START, 10)[-1].position, 10)
    assert [record.payload for record in read] == [b"b"]
    if restarted:
        journal.close()
        journal = Journal(tmp_path, "w1")
    journal.append([delivery("c", NOW), delivery("d", NOW - 40 * DAY_MS)])
    journal.close()
    assert [record.payload for record in reader.read(read[-1].position, 10)] == [b"c", b"d"]
    assert [record.received_at for record in reader.read(read[-1].position, 10)] == [NOW, NOW - 40 * DAY_MS]


def test_pages_pass_over_days(tmp_path: Path, writer: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PAGE", 3)
    names = [f"{n:02}" for n in range(20)]
    writer.append([delivery(name, NOW + int(name) // 7 * DAY_MS) for name in names])
    assert texts(tmp_path) == names
    assert texts(tmp_path, Position(D1, 5)) == names[5:]
    reader = JournalReader(tmp_path, "w1")
    assert len(reader.read(START, 5)) == 5
    assert len(reader.read(Position(D1, 5), 5)) == 2


def test_large_records_make_a_short_page(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("x" * 1_000_000) for _ in range(40)])
    reader = JournalReader(tmp_path, "w1")
    page = reader.read(START, 500)
    assert 16 <= len(page) <= 18
    assert len(list(reader.all_after(START))) == 40


def test_a_reader_beside_the_writer_sees_all_in_order(tmp_path: Path, writer: Journal) -> None:
    batches = 150

    def write() -> None:
        for n in range(batches):
            writer.append([delivery(f"{n}.{k}", NOW + n // 50 * DAY_MS) for k in range(5)])

    thread = threading.Thread(target=write)
    thread.start()
    reader, seen, at = JournalReader(tmp_path, "w1"), list[str](), START
    while len(seen) < 5 * batches:
        for record in reader.read(at, 7):
            seen.append(record.payload.decode())
            at = record.position
        assert thread.is_alive() or reader.count_after(at) or len(seen) == 5 * batches
        reader.size()
    thread.join()
    assert seen == [f"{n}.{k}" for n in range(batches) for k in range(5)]


def test_what_is_not_durable_is_said_and_nothing_of_it_stays(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a")])
    assert writer._file is not None
    writer._file.execute("CREATE TRIGGER full BEFORE INSERT ON record WHEN new.payload = CAST('bad' AS BLOB) "
                         "BEGIN SELECT raise(ABORT, 'disk full'); END")  # fmt: skip
    with pytest.raises(OutsideError, match="disk full"):
        writer.append([delivery("b"), delivery("bad"), delivery("c")])
    assert texts(tmp_path) == ["a"]
    writer.append([delivery("d")])
    assert texts(tmp_path) == ["a", "d"]


def test_a_folder_that_cannot_be_made_is_outside(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(OutsideError, match="journal"):
        Journal(tmp_path / "file" / "journal", "w1")


def test_a_broken_file_is_outside_and_a_copy_is_no_day(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a")])
    writer.close()
    (tmp_path / f"w1-{D1} (copy).db").write_bytes((tmp_path / f"w1-{D1}.db").read_bytes())
    assert texts(tmp_path) == ["a"]
    (tmp_path / f"w1-{D2}.db").write_bytes(b"this is not a database, and long enough to be told from one" * 20)
    with pytest.raises(OutsideError, match=f"w1-{D2}"):
        JournalReader(tmp_path, "w1").read(Position(D1, 1), 10)


def test_a_file_being_made_is_empty(tmp_path: Path, writer: Journal) -> None:
    writer.append([delivery("a")])
    sqlite3.connect(tmp_path / f"w1-{D2}.db").close()
    (tmp_path / f"w1-{D2}.db").touch()
    reader = JournalReader(tmp_path, "w1")
    assert reader.read(Position(D1, 1), 10) == []
    assert reader.count_after(Position(D1, 1)) == 0


def test_one_journal_has_one_writer(tmp_path: Path, writer: Journal, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_PREDECESSOR_S", 0.2)
    with pytest.raises(SetupError, match="another process writes the journal w1"):
        Journal(tmp_path, "w1")
    Journal(tmp_path, "w2").close()
    writer.close()
    Journal(tmp_path, "w1").close()


def test_leaf_is_the_rfc_6962_hash_of_a_stated_encoding(tmp_path: Path, writer: Journal) -> None:
    one = delivery("payload")
    expected = hashlib.sha256(b"\x00" + b"1795306500000 20 7 " + b"ecm/v1/s/g/telemetry" + b"payload").digest()
    assert leaf_hash(one) == expected
    writer.append([one])
    with sqlite3.connect(tmp_path / f"w1-{D1}.db") as file:
        assert file.execute("SELECT leaf FROM record").fetchone() == (expected,)
    file.close()


@given(st.text(max_size=12), st.integers(0, 12), st.integers(0, 12), st.integers(0, 2**50), st.integers(0, 9))
def test_a_boundary_that_shifts_changes_the_leaf(text: str, cut: int, other: int, at: int, more: int) -> None:
    def leaf(where: int, received: int) -> bytes:
        return leaf_hash(Delivery(text[:where], text[where:].encode(), received, None))

    differs = text[:cut] != text[:other]
    assert (leaf(cut, at) != leaf(other, at)) == differs
    assert (leaf(cut, at) != leaf(cut, at + more)) == bool(more)


def test_digits_do_not_wander_between_time_topic_and_payload() -> None:
    leaves = {
        leaf_hash(Delivery(topic, payload, at, None))
        for at, topic, payload in [
            (1, "1", b"11"),
            (11, "1", b"1"),
            (1, "11", b"1"),
            (1, "1 1 1 ", b""),
            (1, "", b"111"),
        ]
    }
    assert len(leaves) == 5
