"""The steps up and down with data in the tables, several processes at once, and books of a newer version."""

import multiprocessing
from collections.abc import Iterator
from multiprocessing.queues import SimpleQueue
from multiprocessing.synchronize import Barrier
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, MetaData, Table, inspect, text
from sqlalchemy.exc import DatabaseError

from energy.books import migrate
from energy.books import tables as t
from energy.books.open import look, open_books
from energy.errors import SetupError
from energy.limits import FIRST_ROWS
from tests.where_books import bare_url, books_url

KEPT = ("meter", "registry_change", "threshold", "cursor", "ledger", "held", "conflict", "touched",
        "last_heard", "due", "alert", "alert_step", "part")  # fmt: skip
FIRST = {
    "site": "INSERT INTO site (id, name_zh, name_en, kind, zone, boundary, created_at) "
            "VALUES ('dc-1', '数据中心', 'Data centre', 'data_centre', 'Asia/Shanghai', '{\"it\": [\"it\"]}', 7)",
    "meter": "INSERT INTO meter VALUES ('dc-1', 'it', '信息', 'IT', 'e_kwh', 8, 2, '0.07', NULL, 60, '', 7)",
    "registry_change": "INSERT INTO registry_change (at, actor, what, after) VALUES (7, 'a', 'site/dc-1', '{}')",
    "threshold": "INSERT INTO threshold (key, value, valid_from, source, verified) VALUES ('k', 1.3, 0, 's', '1')",
    "cursor": "INSERT INTO cursor VALUES ('w1', '2026-11-22', 9, NULL)",
    "gateway": "INSERT INTO gateway VALUES ('dc-1', 'g', 'b', '[[1, 9]]', 9, 1, 2)",
    "ledger": "INSERT INTO ledger VALUES ('dc-1', 'g', '2026-11-22', 1, 0, 5, 5, 0, 0, 0, 0)",
    "quarantine": "INSERT INTO quarantine (at, reason, detail, topic, excerpt, size, worker, day, row, item, count) "
                  "VALUES (1, 'not_json', 'no', 'x', '{', 1, 'w1', '2026-11-22', 3, -1, 0)",
    "held": "INSERT INTO held (at, site, gateway, meter, time, \"values\", quality, worker, day, row, item) "
            "VALUES (1, 'dc-1', 'g', 'new', 4611686018427387903, '{\"p_kw\": 1.5}', 0, 'w1', '2026-11-22', 4, 0)",
    "conflict": "INSERT INTO conflict (at, site, meter, quantity, time, kept, refused, worker, day, row, item) "
                "VALUES (1, 'dc-1', 'it', 'e_kwh', 5, 0.1, 0.2, 'w1', '2026-11-22', 5, 0)",
    "touched": "INSERT INTO touched (site, meter, first, last) VALUES ('dc-1', 'it', 0, 4611686018427387904)",
    "last_heard": "INSERT INTO last_heard VALUES ('dc-1', 'it', 1, 2)",
    "due": "INSERT INTO due (site, meter, first) VALUES ('dc-1', 'it', 3)",
    "alert": "INSERT INTO alert (kind, site, meter, state, since, late, value, what_zh, what_en, evidence) "
             "VALUES ('pue_over_limit', 'dc-1', '', 'active', 3, '0', 1.4, '高', 'high', '{\"curve\": [[1, 1.4]]}')",
    "alert_step": "INSERT INTO alert_step (alert, at, actor, action, note) VALUES (1, 3, 'carbonwatch', 'raise', '')",
    "part": "INSERT INTO part VALUES ('ingest', 1, '1', '{}')",
}  # fmt: skip


@pytest.fixture
def empty(tmp_path: Path) -> Iterator[Engine]:
    """A database with nothing in it, as an engine of ours."""
    engine = open_books(bare_url(tmp_path))
    migrate.move(engine, "base")
    yield engine
    engine.dispose()


def rows(engine: Engine, name: str) -> list[dict[str, object]]:
    """A table as it stands in the database, whatever version it is of."""
    with look(engine) as db:
        table = Table(name, MetaData(), autoload_with=db)
        return [dict(row) for row in db.execute(table.select().order_by(*table.primary_key.columns)).mappings()]


def names(engine: Engine) -> set[str]:
    """The tables that are there, without the one that keeps the version."""
    return set(inspect(engine).get_table_names()) - {"alembic_version"}


def differences(engine: Engine) -> list[object]:
    """What is other in the database than in `tables`."""

    with engine.begin() as db:
        # Of SQLite's empty texts Alembic says that they are none.
        options = {"compare_type": True, "compare_server_default": db.dialect.name != "sqlite"}
        return list(compare_metadata(MigrationContext.configure(db, opts=options), t.META))


def revisions() -> list[str]:
    """Every step's name, the first first."""
    steps = ScriptDirectory(str(Path(migrate.__file__).parent / "migrations"))
    return [step.revision for step in reversed(list(steps.walk_revisions()))]


def test_the_newest_step_is_the_one_that_the_program_wants() -> None:
    assert revisions()[-1] == migrate.HEAD
    assert revisions() == sorted(revisions()), "versions are compared as texts"


def test_all_steps_make_the_tables_that_the_program_uses(empty: Engine) -> None:
    assert names(empty) == set()
    migrate.move(empty)
    assert names(empty) == set(t.META.tables)
    assert differences(empty) == []


def test_each_step_goes_up_and_down_and_up_again(empty: Engine) -> None:
    for revision in revisions():
        migrate.move(empty, revision)
        before = {name: inspect(empty).get_columns(name) for name in sorted(names(empty))}
        for _ in range(2):
            migrate.move(empty, "base")
            assert names(empty) == set()
            migrate.move(empty, revision)
        after = {name: inspect(empty).get_columns(name) for name in sorted(names(empty))}
        assert str(after) == str(before)
    assert differences(empty) == []


def test_what_a_step_does_not_take_away_is_kept_up_and_down(empty: Engine) -> None:
    migrate.move(empty, "0001")
    with empty.begin() as db:
        for statement in FIRST.values():
            db.execute(text(statement.replace(":", r"\:")))
    before = {name: rows(empty, name) for name in FIRST}
    assert all(len(found) == 1 for found in before.values())
    migrate.move(empty)
    assert differences(empty) == []
    assert {name: rows(empty, name) for name in KEPT} == {name: before[name] for name in KEPT}
    (site,), (refused,), (gateway,) = rows(empty, "site"), rows(empty, "quarantine"), rows(empty, "gateway")
    assert gateway == {**before["gateway"][0], "base": 1}
    assert site.items() >= {**before["site"][0], "unit": "default"}.items()
    assert refused.items() >= {**before["quarantine"][0], "site": "", "gateway": ""}.items()
    migrate.move(empty, "0001")
    assert {name: rows(empty, name) for name in FIRST} == before


def test_ids_go_on_where_they_were_after_a_step(empty: Engine) -> None:
    migrate.move(empty, "0001")
    with empty.begin() as db:
        db.execute(text(FIRST["quarantine"]))
    migrate.move(empty)
    with empty.begin() as db:
        db.execute(text(FIRST["quarantine"].replace("3, -1", "4, -1")))
    assert [row["id"] for row in rows(empty, "quarantine")] == [1, 2]


@pytest.mark.parametrize("change", ["UPDATE audit SET actor = 'x'", "DELETE FROM audit"])
def test_the_audit_record_is_only_added_to(empty: Engine, change: str) -> None:
    migrate.move(empty)
    added = "INSERT INTO audit (at, actor, role, address, action, target, site) VALUES (1, 'a', 'r', '', 'x', 'y', '')"
    with empty.begin() as db:
        db.execute(text(added))
    with pytest.raises(DatabaseError, match="audit is append-only"), empty.begin() as db:
        db.execute(text(change))
    assert [row["actor"] for row in rows(empty, "audit")] == ["a"]


def test_books_of_a_newer_version_are_refused_and_left_alone(empty: Engine, tmp_path: Path) -> None:
    migrate.move(empty)
    with empty.begin() as db:
        db.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(SetupError, match=r"newer version \(9999\) than this program"):
        open_books(bare_url(tmp_path))
    with look(empty) as db:
        assert migrate.current(db) == "9999"
    assert names(empty) == set(t.META.tables)


def _open(url: str, start: Barrier, answers: "SimpleQueue[str]") -> None:
    """In a process of its own: open when all are ready, and say how it went."""
    start.wait(60)
    try:
        open_books(url).dispose()
    except Exception as error:  # noqa: BLE001
        answers.put(repr(error))
    else:
        answers.put("")


@pytest.mark.parametrize("before", ["base", "0001"])
def test_several_processes_may_open_at_once(empty: Engine, tmp_path: Path, before: str) -> None:
    migrate.move(empty, before)
    empty.dispose()
    spawn = multiprocessing.get_context("spawn")
    start, answers = spawn.Barrier(5), spawn.SimpleQueue()
    processes = [spawn.Process(target=_open, args=(bare_url(tmp_path), start, answers)) for _ in range(5)]
    for process in processes:
        process.start()
    said = [answers.get() for _ in processes]
    for process in processes:
        process.join()
    answers.close()
    assert said == [""] * len(processes)
    assert differences(empty) == []
    assert {name: len(rows(empty, name)) for name in ("threshold", "region", "unit")} == {
        "threshold": len(FIRST_ROWS), "region": 1, "unit": 1
    }  # fmt: skip


def test_the_first_rows_are_there_once_and_stay_as_they_were_changed(tmp_path: Path) -> None:
    first = open_books(books_url(tmp_path))
    with first.begin() as db:
        db.execute(text("UPDATE region SET name_en = 'Binhai'"))
    migrate.move(first, "0001")
    first.dispose()
    again = open_books(books_url(tmp_path))
    assert [row["name_en"] for row in rows(again, "region")] == ["not assigned"], "0001 has no regions"
    with again.begin() as db:
        db.execute(text("UPDATE region SET name_en = 'Binhai'"))
    again.dispose()
    again = open_books(books_url(tmp_path))
    assert [row["name_en"] for row in rows(again, "region")] == ["Binhai"]
    again.dispose()
