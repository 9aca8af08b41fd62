"""Text that somebody else will read as a language: SQL, line protocol, InfluxQL, a spreadsheet's formulas."""

import ast
import csv
import io
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
from sqlalchemy import insert, select

from deploy.show import show
from energy.books import tables as t
from energy.errors import InputError
from energy.store.influx import InfluxStore
from energy.store.line import to_line
from energy.store.port import Point, Series
from energy.store.sqlite import SqliteStore
from tests.api.served import FIRST, Served
from tests.neighbours import ORG, influxd
from tests.source import ROOT, kept_files

SQL = (
    "' OR '1'='1", "' OR 1=1 --", "'; DROP TABLE alert; --", "x' UNION SELECT password_hash FROM account --", "\\'; --",
    '" OR ""="', "%", "1; SELECT pg_sleep(10)", "$1", ":site", "%(site)s", "{0}", "\u02bc OR 1=1 --",
)  # fmt: skip
FILTERS = (
    "/alerts?site={}", "/alerts?meter={}", "/sites?unit={}", "/units?region={}", "/meters?site={}", "/gateways?site={}",
    "/quarantine?reason={}", "/quarantine?site={}", "/audit?actor={}", "/audit?action={}", "/audit?site={}",
    "/readings?site={}&meter=incomer", "/readings?site=steel-1&meter={}", "/energy?site={}", "/pue?site={}",
)  # fmt: skip


@pytest.mark.parametrize("path", FILTERS)
def test_a_filter_is_a_value_and_never_sql(known: Served, path: str) -> None:
    counts = count(known)
    for said in SQL:
        address, _, query = path.partition("?")
        params = {name: value.replace("{}", said) for name, value in (one.split("=") for one in query.split("&"))}
        answer = known.http.get(f"/api/v1{address}", params=params)
        assert answer.status_code in (200, 404, 422), answer.text
        assert answer.elapsed.total_seconds() < 5
        if answer.status_code == 200:
            assert answer.json()["items"] == [], said
        assert "$argon2" not in answer.text
    assert count(known) == counts


@pytest.mark.parametrize("method", ["GET", "PUT", "POST", "PATCH", "DELETE"])
def test_a_path_is_a_value_and_never_sql(known: Served, method: str) -> None:
    counts = count(known)
    for said in SQL:
        for path in ("sites/{}", "sites/steel-1/meters/{}", "alerts/{}/resolve", "alerts/{}", "keys/{}", "accounts/{}",
                     "sessions/{}", "units/{}", "regions/{}"):  # fmt: skip
            address = "/api/v1/" + path.replace("{}", httpx_quoted(said))
            body: dict[str, Any] = {}
            if path.startswith("accounts"):
                body = {"password": "x" * 12, "role": "auditor", "scope": {"everything": True}}
            answer = known.http.request(method, address, json=None if method in ("GET", "DELETE") else body)
            assert answer.status_code in (404, 405, 422), f"{address}: {answer.text}"
    assert count(known) == counts


def test_what_is_written_is_kept_as_it_was_said(fresh: Served) -> None:
    for n, said in enumerate(SQL):
        name = f"evil-{n}"
        fresh.http.put(f"/api/v1/sites/{name}", json={"name_zh": said, "name_en": said, "kind": said[:32]})
        site = next(one for one in fresh.get("/sites")["items"] if one["id"] == name)
        assert (site["name_zh"], site["kind"]) == (said, said[:32])
    noted = fresh.http.post("/api/v1/alerts/1/acknowledge", json={"note": "\n".join(SQL)}).json()
    assert noted["steps"][-1]["note"] == "\n".join(SQL)
    assert len(fresh.get("/alerts", limit=1000)["items"]) == 11


def httpx_quoted(said: str) -> str:
    return "".join(f"%{byte:02x}" for byte in said.encode())


def count(one: Served) -> dict[str, int]:
    with one.context.books.begin() as db:
        return {table.name: len(db.execute(select(*table.primary_key.columns)).all())
                for table in t.META.sorted_tables if table.name not in ("part", "audit")}  # fmt: skip


def test_no_sql_is_put_together_from_texts() -> None:
    """Whatever hands a text of SQL to the books hands one that stands in the source whole."""
    found = []
    for path in kept_files():
        if path.suffix != ".py" or path.relative_to(ROOT).parts[0] in ("tests", "benchmarks"):
            continue
        tree = ast.parse(path.read_text("utf-8"))
        imported = {name.asname or name.name for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)
                    and node.module == "sqlalchemy" for name in node.names} & {"text", "literal_column"}  # fmt: skip
        for node in ast.walk(tree):
            if isinstance(node, ast.Call):
                name = getattr(node.func, "attr", getattr(node.func, "id", ""))
                risky = name in ("exec_driver_sql", "literal_column") or (name in imported)
                found += [f"{path.name}:{node.lineno}"] if risky and not all(map(_whole, node.args[:1])) else []
    assert not found


def _whole(node: ast.expr) -> bool:
    if isinstance(node, ast.IfExp):
        return _whole(node.body) and _whole(node.orelse)
    return isinstance(node, ast.Constant)


NAMES = (
    "a b", "a,b=c", 'a"b', "a'b", "a' OR 'x'='x", '"; DROP MEASUREMENT meter; --', "meter,site=x y=1", "钢厂 一", "a=b",
    "' OR site =~ /.*/ --", "x\u2028y", "$site", "../..", "%27", "a;b", "*", "::field",
)  # fmt: skip
UNWRITABLE = ("a\nmeter,site=evil v=1 1", "a\\", "a\\ b", "a\x00b", "a\rb", "#a")


@pytest.fixture(scope="module")
def influx() -> Iterator[InfluxStore]:
    with influxd() as (url, token):
        store = InfluxStore(url, token, ORG, f"injection-{uuid.uuid4().hex[:8]}")
        yield store
        store.close()


def check_names(store: InfluxStore | SqliteStore) -> None:
    """Each name is its own series, and nobody reads or writes another's by it."""
    every = [Series("meter", site, meter) for site in NAMES for meter in (NAMES[0], NAMES[4], NAMES[9])]
    store.write([Point(series, FIRST, {"p_kw": float(n)}) for n, series in enumerate(every)])
    for n, series in enumerate(every):
        assert store.read(series, ["p_kw"], FIRST, FIRST + 1).values["p_kw"].tolist() == [float(n)], series
        assert store.at([(series, FIRST)]) == {(series, FIRST): {"p_kw": float(n)}}
        assert store.before(series, "p_kw", FIRST + 1) == FIRST
    assert sorted(point.series for point in store.latest("meter", FIRST)) == sorted(every)
    for field in ('p_kw" FROM meter; --', "p_kw::field, *", "1=1"):
        assert len(store.read(every[0], [field], FIRST, FIRST + 1)) == 0
    nobody = Series("meter", "nobody", "' OR '1'='1")
    assert len(store.read(nobody, ["p_kw"], FIRST, FIRST + 1)) == 0


@pytest.mark.needs("influxdb")
def test_names_are_names_to_influxdb(influx: InfluxStore) -> None:
    check_names(influx)


def test_names_are_names_to_the_embedded_store(known: Served, tmp_path_factory: pytest.TempPathFactory) -> None:
    store = SqliteStore(tmp_path_factory.mktemp("store") / "readings.db")
    check_names(store)
    store.close()


@pytest.mark.parametrize("name", UNWRITABLE)
def test_a_name_that_would_begin_another_line_is_refused(name: str) -> None:
    for series in (Series("meter", name, "m"), Series("meter", "s", name)):
        with pytest.raises(InputError, match="cannot be the name"):
            to_line(Point(series, FIRST, {"p_kw": 1.0}))
    with pytest.raises(InputError, match="cannot be the name"):
        to_line(Point(Series("meter", "s", "m"), FIRST, {name: 1.0}))


FORMULAS = ("=1+1", "=cmd|'/c calc'!A0", "+1", "-1+cmd", "@SUM(A1)", "\t=1", "\r=1", '=HYPERLINK("http://evil")')


def test_a_table_for_a_spreadsheet_has_no_formulas(fresh: Served, capsys: pytest.CaptureFixture[str]) -> None:
    """`carbonwatch quarantine --format csv`: topics and excerpts are what anybody sent."""
    row = {"at": FIRST, "reason": "bad_topic", "detail": "no", "size": 1, "row": 500, "count": 0, "worker": "w9",
           "day": "2018-01-01", "item": -1}  # fmt: skip
    with fresh.context.books.begin() as db:
        rows = [{**row, "row": 500 + n, "topic": said, "excerpt": said} for n, said in enumerate(FORMULAS)]
        db.execute(insert(t.quarantine), rows)
    items = fresh.get("/quarantine", reason="bad_topic")["items"]
    show("csv", items, items, ["id", "topic", "excerpt", "size"])
    table = list(csv.reader(io.StringIO(capsys.readouterr().out)))
    assert len(table) > len(FORMULAS)
    for cells in table:
        assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {f"'{said}".replace("\r", "\n") for said in FORMULAS} <= {cells[1] for cells in table}


def test_an_export_for_a_spreadsheet_has_no_formulas(fresh: Served) -> None:
    row = {"at": FIRST, "reason": "evil", "size": 1, "count": 0, "worker": "w9", "day": "2018-01-01", "item": -1}
    with fresh.context.books.begin() as db:
        rows = [{**row, "row": 500 + n, "topic": said, "excerpt": said, "detail": said}
                for n, said in enumerate(FORMULAS)]  # fmt: skip
        db.execute(insert(t.quarantine), rows)
    answer = fresh.http.get("/api/v1/exports/quarantine.csv", params={"reason": "evil"})
    assert answer.status_code == 200
    table = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"), newline="")))
    assert len(table) == 1 + len(FORMULAS)
    cells = [cell for line in table[1:] for cell in line]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "@", "\t", "\r"))]
    assert sum(cell.startswith("'") for cell in cells) == 3 * len(FORMULAS)


def test_numbers_stay_numbers_in_a_table(capsys: pytest.CaptureFixture[str]) -> None:
    show("csv", None, [{"a": -1.5, "b": "-1.5", "c": None}], ["a", "b", "c"])
    assert capsys.readouterr().out.splitlines()[1] == "-1.5,'-1.5,"
