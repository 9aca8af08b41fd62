"""What the books promise on SQLite and on PostgreSQL alike, with several at work at once."""

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from threading import Barrier
from typing import TypeVar

import pytest
from sqlalchemy import Engine, func, insert, select, text

from energy.access import EVERYTHING, Role
from energy.alert import Action, State
from energy.books import home, parts, people, registry, worklist
from energy.books import tables as t
from energy.books.open import look, open_books, parse
from energy.errors import OutsideError, SetupError
from energy.registry import Meter, Site
from tests.api.served import Served, fill, served
from tests.neighbours import free_port
from tests.where_books import books_url

T = TypeVar("T")
NOW = 1_795_306_500_000
AT_ONCE = 6


@pytest.fixture
def books(tmp_path: Path) -> Iterator[Engine]:
    engine = open_books(books_url(tmp_path))
    yield engine
    engine.dispose()


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Served]:
    with served(tmp_path) as one:
        fill(one)
        yield one


def at_once(*calls: Callable[[], T]) -> list[T]:
    """What the calls answer, all of them begun at the same moment."""
    ready = Barrier(len(calls))

    def begin(call: Callable[[], T]) -> T:
        ready.wait(20)
        return call()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(begin, calls))


def count(books: Engine, table: object) -> int:
    with look(books) as db:
        return int(db.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_the_same_site_by_several_at_once_is_new_to_one_of_them(books: Engine) -> None:
    def put() -> bool:
        with books.begin() as db:
            return registry.put_site(db, Site("steel-1", "钢厂", "Steel works"), "tests", NOW)

    for n in range(5):
        assert sorted(at_once(*[put] * AT_ONCE)) == [False] * (AT_ONCE - 1) + [True], f"round {n}"
        with books.begin() as db:
            assert registry.version(db) == n + 1
            db.execute(t.site.delete())


def test_a_change_of_the_registry_is_counted_for_each_that_changed_it(books: Engine) -> None:
    def put(name: str) -> Callable[[], bool]:
        def call() -> bool:
            with books.begin() as db:
                return registry.put_meter(db, Meter("steel-1", "m", name, name), "tests", NOW)

        return call

    assert sum(at_once(*[put(f"name {n}") for n in range(AT_ONCE)])) == 1
    with look(books) as db:
        assert registry.version(db) == AT_ONCE
        last = db.execute(select(t.registry_change.c.after).order_by(t.registry_change.c.id.desc())).scalars().first()
        assert last is not None
        assert registry.meters(db)["steel-1", "m"].name_en == last["name_en"]
    assert count(books, t.touched) == AT_ONCE - 1


def test_a_part_has_one_last_word_however_many_say_it(books: Engine) -> None:
    def say(n: int) -> Callable[[], None]:
        def call() -> None:
            with books.begin() as db:
                parts.say(db, "ingest", ok=True, detail={"n": n}, now=NOW + n)

        return call

    for _ in range(5):
        at_once(*[say(n) for n in range(AT_ONCE)])
        with look(books) as db:
            (word,) = parts.heard(db, NOW).values()
        assert word["ok"] is True
        with look(books) as db:
            assert db.execute(select(t.part.c.at)).scalar_one() == NOW + word["detail"]["n"]


def test_a_link_opens_once(books: Engine) -> None:
    with books.begin() as db:
        secret = people.add_login(db, people.LINK, people.BOOTSTRAP, 1000, "", NOW)

    def spend() -> str | None:
        with books.begin() as db:
            return people.spend_link(db, secret, NOW)

    assert sorted(at_once(*[spend] * AT_ONCE), key=str) == [None] * (AT_ONCE - 1) + [people.BOOTSTRAP]


def test_a_look_sees_one_state(books: Engine) -> None:
    with look(books) as db:
        before = registry.version(db)
        with books.begin() as other:
            registry.put_site(other, Site("late", "晚", "Late"), "tests", NOW)
        assert registry.version(db) == before
        assert "late" not in registry.sites(db)
    with look(books) as db:
        assert registry.version(db) == before + 1
        assert "late" in registry.sites(db)


def test_a_transaction_that_fails_leaves_nothing(books: Engine) -> None:
    with suppress(ZeroDivisionError), books.begin() as db:
        registry.put_site(db, Site("half", "半", "Half"), "tests", NOW)
        _ = 1 / 0
    with look(books) as db:
        assert registry.sites(db) == {}
        assert registry.version(db) == 0


def test_what_is_taken_from_a_worklist_is_what_is_struck_off(books: Engine) -> None:
    row = {"site": "s", "meter": "m", "first": 5, "last": 9}
    with books.begin() as db:
        db.execute(insert(t.touched), [row] * 3)
    with look(books) as db:
        ids, spans = worklist.take(db, t.touched)
    with books.begin() as db:
        db.execute(insert(t.touched), [{**row, "first": 1}])
        worklist.done(db, t.touched, ids)
    assert spans == {("s", "m"): (5, 9)}
    with look(books) as db:
        assert worklist.take(db, t.touched)[1] == {("s", "m"): (1, 9)}


def test_texts_and_numbers_come_back_as_they_were(books: Engine) -> None:
    names = ["数据中心 𠀀", "a'b\"c\\d%s:x", "", "e\u0301", "x" * 200, "line\nbreak\ttab"]
    meters = [Meter("s", f"m-{n}", name, name, source=name) for n, name in enumerate(names)]
    with books.begin() as db:
        for meter in meters:
            registry.put_meter(db, meter, "tests", 2**62)
    with look(books) as db:
        assert list(registry.meters(db).values()) == meters


def test_books_go_with_one_data_directory(books: Engine, tmp_path: Path) -> None:
    here, other = tmp_path / "here", tmp_path / "other"
    for folder in (here, other):
        folder.mkdir()
    marks = [home.mark_of(here), home.mark_of(here), home.mark_of(other)]
    assert marks[0] == marks[1] != marks[2]
    for _ in range(2):
        with books.begin() as db:
            home.claim(db, marks[0])
    with pytest.raises(SetupError, match="another data directory"), books.begin() as db:
        home.claim(db, marks[2])
    (here / "journal.id").write_text("nonsense")
    with pytest.raises(SetupError, match=r"journal\.id cannot be read"):
        home.mark_of(here)


def test_an_alert_that_two_move_at_once_is_moved_by_one(api: Served) -> None:
    for ident in range(1, 7):
        answers = at_once(*[lambda n=ident: api.http.post(f"/api/v1/alerts/{n}/acknowledge", json={})] * 2)
        assert sorted(answer.status_code for answer in answers) == [200, 409]
        steps = api.get(f"/alerts/{ident}")["steps"]
        assert [step["action"] for step in steps] == ["raise", Action.ACKNOWLEDGE]
        assert api.get(f"/alerts/{ident}")["state"] == State.ACKNOWLEDGED


def test_meters_cannot_become_each_others_parents_at_once(api: Served) -> None:
    def put(meter: str, parent: str | None) -> int:
        return api.http.put(f"/api/v1/sites/empty-1/meters/{meter}", json={"parent": parent}).status_code

    for _ in range(6):
        assert {put("a", None), put("b", None)} <= {200, 201}
        assert sorted(at_once(lambda: put("a", "b"), lambda: put("b", "a"))) == [200, 422]


def test_an_account_that_two_make_at_once_is_made_by_one(api: Served) -> None:
    body = {"password": "a long sentence is best", "role": "auditor", "scope": {"everything": True}}
    for n in range(3):
        codes = at_once(*[lambda n=n: api.http.post(f"/api/v1/accounts/wang-{n}", json=body).status_code] * 3)
        assert codes.count(201) == 1
        assert set(codes) <= {201, 409, 422}
    with look(api.context.books) as db:
        assert db.execute(select(func.count()).select_from(t.account)).scalar_one() == 3
        assert people.resolve(db, "account:wang-0", NOW) == people.Holder("account wang-0", Role.AUDITOR, EVERYTHING)


@pytest.mark.parametrize(
    "path", ["/alerts?kind=%00", "/audit?actor=%00", "/quarantine?reason=a%00b", "/sites?unit=%00"]
)
def test_what_no_book_can_hold_is_the_senders_fault(api: Served, path: str) -> None:
    assert api.http.get(f"/api/v1{path}").status_code in (200, 422)


def test_a_text_that_no_book_can_hold_is_the_senders_fault(api: Served) -> None:
    for body in ({"name_en": "a\x00b"}, {"name_en": "\ud800"}, {"source": "\x00"}):
        answer = api.http.put("/api/v1/sites/empty-1/meters/m", content=json.dumps(body))
        assert answer.status_code in (200, 201, 422), answer.text
    assert api.http.post("/api/v1/alerts/1/acknowledge", json={"note": "a\x00b"}).status_code in (200, 422)


def test_a_wrong_address_is_said_in_one_line_without_its_password() -> None:
    for url in (
        "nonsense",
        "postgresql://u:secret-word@h:port/x",
        "mysql://u:secret-word@h/x",
        "oracle+x://secret-word",
    ):
        with pytest.raises(SetupError) as said:
            open_books(url)
        assert "secret-word" not in str(said.value)
        assert "\n" not in str(said.value)
    with pytest.raises(OutsideError) as refused:
        open_books(f"postgresql://u:secret-word@127.0.0.1:{free_port()}/x")
    assert "secret-word" not in str(refused.value)
    assert parse("postgresql://u@h/x").drivername == "postgresql+psycopg"


def test_an_error_of_the_books_does_not_tell_what_was_in_it(books: Engine) -> None:
    with pytest.raises(Exception, match="missing_table") as said, books.begin() as db:
        db.execute(text("SELECT * FROM missing_table WHERE x = :secret"), {"secret": "secret-word"})
    assert "secret-word" not in str(said.value)
