"""Exports: the rows of the lists in each kind of file, only what is open, every one on record, and nothing half."""

import csv
import io
import json
from typing import Any

import httpx
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest
from sqlalchemy import insert, select

from api.tables_out import Form
from energy.access import Role, Scope
from energy.books import tables as t
from energy.books.open import look
from energy.errors import OutsideError
from tests.api.served import FIRST, SITES, Served
from tests.shape.conftest import AsRole
from tests.shape.sheets import sheets

BASE = "/api/v1/exports"
RANGE: dict[str, Any] = {"from": "2018-01-01", "to": "2018-01-04"}
KINDS: dict[str, dict[str, Any]] = {
    "readings": {"site": "steel-1", "meter": "incomer", **RANGE},
    "energy": {"site": "steel-1", **RANGE},
    "pue": {"site": "dc-1", **RANGE},
    "alerts": {},
    "quarantine": {},
    "audit": {},
}
Rows = list[dict[str, Any]]


def get(one: Served, what: str, client: httpx.Client | None = None, **ask: Any) -> httpx.Response:
    return (client or one.http).get(f"{BASE}/{what}", params=ask)


def rows_of(form: str, data: bytes) -> Rows:
    """A file's rows; every value as a text or a number, what is empty left out."""
    if form == "parquet":
        return [
            {key: value for key, value in row.items() if value not in (None, "")}
            for row in pq.read_table(io.BytesIO(data)).to_pylist()
        ]
    if form == "csv":
        text = data.decode("utf-8-sig")
        return [{k: v for k, v in row.items() if v != ""} for row in csv.DictReader(io.StringIO(text, newline=""))]
    (rows,) = sheets(data).values()
    return [
        {key: value for key, value in zip(rows[0], row, strict=False) if value not in (None, "")} for row in rows[1:]
    ]


def csv_rows(one: Served, what: str, client: httpx.Client | None = None, **ask: Any) -> Rows:
    answer = get(one, f"{what}.csv", client, **ask)
    assert answer.status_code == 200, answer.text
    return rows_of("csv", answer.content)


@pytest.mark.parametrize("form", Form)
@pytest.mark.parametrize("what", KINDS)
def test_every_kind_comes_in_every_form(one: Served, what: str, form: Form) -> None:
    answer = get(one, f"{what}.{form}", **KINDS[what])
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith(
        {"csv": "text/csv; charset=utf-8", "xlsx": "application/vnd.openxml", "parquet": "application/vnd.apache"}[form]
    )
    name = answer.headers["content-disposition"]
    assert name.startswith(f'attachment; filename="carbonwatch-{what}')
    assert name.endswith(f'.{form}"')
    rows = rows_of(form, answer.content)
    expected = csv_rows(one, what, **KINDS[what])
    if what != "audit":  # which has grown by an export
        assert len(rows) == len(expected) > 0
        assert [sorted(row) for row in rows] == [sorted(row) for row in expected]


@pytest.mark.parametrize("form", Form)
def test_readings_are_those_of_the_list(one: Served, form: Form) -> None:
    listed = one.get("/readings", limit=10_000, **KINDS["readings"])["items"]
    rows = rows_of(form, get(one, f"readings.{form}", **KINDS["readings"]).content)
    assert len(rows) == len(listed) == 288
    for row, item in zip(rows, listed, strict=True):
        assert (row["site"], row["meter"], row["quality"]) == ("steel-1", "incomer", item["quality"])
        assert float(row["e_kwh"]) == item["values"]["e_kwh"]
        assert (row["time"].isoformat() if form is Form.PARQUET else row["time"]) == item["time"]
    assert listed[0]["time"] == "2018-01-01T00:00:00+08:00"


def test_without_a_meter_or_a_site_it_is_all_that_is_open(one: Served) -> None:
    rows = csv_rows(one, "readings", site="steel-1", **RANGE)
    assert {(row["site"], row["meter"]) for row in rows} == {
        ("steel-1", meter) for meter in ("incomer", "second", "furnace", "steam")
    }  # fmt: skip
    assert {key for row in rows for key in row} == {"time", "site", "meter", "e_kwh", "steam_t", "quality"}
    everything = csv_rows(one, "readings", **RANGE)
    assert {row["site"] for row in everything} == {"steel-1", "dc-1", "berlin-1"}
    (berlin,) = [row for row in everything if row["site"] == "berlin-1"][:1]
    assert berlin["time"] == "2018-01-01T00:00:00+01:00"  # midnight there, which is later


@pytest.mark.parametrize("step", ["15m", "hour", "day", "month", "year"])
def test_energy_is_that_of_the_list(one: Served, step: str) -> None:
    asks: tuple[dict[str, Any], ...] = (
        {"site": "steel-1"},
        {"site": "steel-1", "meter": "steam"},
        {"site": "berlin-1", "meter": "incomer"},
    )
    for ask in asks:
        listed = one.get("/energy", step=step, limit=10_000, **ask, **RANGE)
        rows = csv_rows(one, "energy", step=step, **ask, **RANGE)
        assert len(rows) == len(listed["items"]) > 0
        for row, item in zip(rows, listed["items"], strict=True):
            for key, value in item.items():
                assert row.get(key) == (None if value is None else str(value))
            assert (row["site"], row.get("meter"), row["unit"]) == (ask["site"], ask.get("meter"), listed["unit"])


def test_energy_over_years_is_whole(one: Served) -> None:
    ask: dict[str, Any] = {"site": "steel-1", "step": "month", "from": "2016-06-15", "to": "2019-02-10"}
    rows = csv_rows(one, "energy", **ask)
    listed = one.get("/energy", **ask)["items"]
    assert [(row["start"], row["end"], row.get("kwh")) for row in rows] == [
        (item["start"], item["end"], None if item["kwh"] is None else str(item["kwh"])) for item in listed
    ]  # fmt: skip


def test_energy_of_each_meter_and_of_each_site(one: Served) -> None:
    each = csv_rows(one, "energy", site="steel-1", each_meter=True, **RANGE)
    assert {row["meter"] for row in each} == {"incomer", "second", "furnace", "steam"}
    totals = csv_rows(one, "energy", **RANGE)
    assert {row["site"] for row in totals} == {"steel-1", "dc-1", "berlin-1"}
    assert all("meter" not in row for row in totals)


@pytest.mark.parametrize("step", ["hour", "day", "rolling"])
def test_pue_is_that_of_the_list(one: Served, step: str) -> None:
    listed = one.get("/pue", site="dc-1", step=step, limit=1000, **RANGE)
    rows = csv_rows(one, "pue", step=step, **RANGE)
    assert len(rows) == len(listed["items"])
    for row, item in zip(rows, listed["items"], strict=True):
        assert (row["start"], row.get("pue"), row["verdict"]) == (
            item["start"], None if item["pue"] is None else str(item["pue"]), item["verdict"],
        )  # fmt: skip
        assert float(row["limit"]) == listed["limit"]["value"]


def test_alerts_have_evidence_and_steps_and_take_the_lists_filters(one: Served) -> None:
    listed = one.get("/alerts", site="dc-1", kind="pue_over_limit")["items"]
    rows = csv_rows(one, "alerts", site="dc-1", kind="pue_over_limit")
    assert [int(row["id"]) for row in rows] == [item["id"] for item in listed]
    assert json.loads(rows[0]["evidence"]) == listed[0]["evidence"]
    assert json.loads(rows[0]["steps"]) == listed[0]["steps"]
    since: dict[str, Any] = {"site": "dc-1", "from": "2018-01-01T00:00:00.005+08:00"}
    later = csv_rows(one, "alerts", **since)
    assert {row["raised_at"] for row in later} == {f"2018-01-01T00:00:00.00{n}000+08:00" for n in (5, 7, 9)}
    assert csv_rows(one, "quarantine", reason="bad_topic")[0]["reason"] == "bad_topic"


def test_long_tables_of_the_books_come_whole(fresh: Served) -> None:
    row = {"at": FIRST, "reason": "late", "detail": "d", "topic": "t", "excerpt": "e", "size": 1, "count": 1,
           "worker": "w1", "day": "2018-01-02", "item": 0}  # fmt: skip
    with fresh.context.books.begin() as db:
        db.execute(insert(t.quarantine), [{**row, "row": number} for number in range(2500)])
    rows = csv_rows(fresh, "quarantine", reason="late")
    assert [int(row["row"]) for row in rows] == list(range(2499, -1, -1))


def test_every_export_is_on_record(filled: Served) -> None:
    assert get(filled, "readings.xlsx", site="steel-1", meter="incomer", **RANGE).status_code == 200
    with look(filled.context.books) as db:
        row = db.execute(select(t.audit).order_by(t.audit.c.id.desc()).limit(1)).mappings().one()
    assert (row["actor"], row["action"], row["target"], row["site"]) == (
        "admin key", "export.readings", "exports/readings.xlsx", "steel-1",
    )  # fmt: skip
    assert row["after"] == {"site": "steel-1", "meter": "incomer", **RANGE}


@pytest.mark.parametrize("what", KINDS)
def test_only_what_is_open_is_taken_away(one: Served, as_role: AsRole, what: str) -> None:
    with one.context.books.begin() as db:
        db.execute(t.site.update().where(t.site.c.id == "berlin-1").values(unit="other"))
        if db.execute(select(t.unit).where(t.unit.c.id == "other")).first() is None:
            db.execute(insert(t.unit).values(id="other", region="default", name_zh="", name_en="", created_at=0))
    officer = as_role(Role.OFFICER, Scope(regions=frozenset({"default"})))
    manager = as_role(Role.ENERGY_MANAGER, Scope(units=frozenset({"other"})))
    operator = as_role(Role.PLANT_OPERATOR, Scope(sites=frozenset({"steel-1"})))
    auditor = as_role(Role.AUDITOR, Scope(everything=True))
    assert get(one, f"{what}.csv", operator).status_code == 403
    assert get(one, f"{what}.csv", one.bare).status_code == 401
    if what == "audit":
        assert get(one, "audit.csv", officer).status_code == 403
        assert get(one, "audit.csv", auditor).status_code == 200
        return
    wide = {} if what in ("alerts", "quarantine") else RANGE
    mine = {row.get("site") for row in csv_rows(one, what, manager, **wide)}
    assert mine <= {"berlin-1"}
    assert {row.get("site") for row in csv_rows(one, what, officer, **wide)} >= mine
    for site in ("steel-1", "dc-1", "nowhere"):
        answer = get(one, f"{what}.csv", manager, site=site)
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert not {site.id for site in SITES if site.id != "berlin-1"} & mine


@pytest.mark.parametrize(
    ("what", "ask", "status"),
    [
        ("readings.csv", {"site": "steel-1", "meter": "nowhere"}, 404),
        ("readings.csv", {"meter": "incomer"}, 422),
        ("readings.csv", {"site": "steel-1", "from": "2018-01-02", "to": "2018-01-01"}, 422),
        ("readings.pdf", {}, 422),
        ("energy.csv", {"site": "steel-1", "meter": "gauge"}, 422),
        ("energy.csv", {"site": "steel-1", "from": "1990-01-01", "to": "2018-01-01"}, 422),
        ("pue.csv", {"site": "steel-1"}, 422),
        ("pue.csv", {"site": "dc-1", "from": "2016-01-01", "to": "2018-01-01"}, 422),
        ("nothing.csv", {}, 404),
    ],
)
def test_what_makes_no_sense_is_a_problem_and_not_on_record(one: Served, what: str, ask: Any, status: int) -> None:
    with look(one.context.books) as db:
        before = db.execute(select(t.audit.c.id).order_by(t.audit.c.id.desc()).limit(1)).scalar()
    answer = get(one, what, **ask)
    assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
    with look(one.context.books) as db:
        assert db.execute(select(t.audit.c.id).order_by(t.audit.c.id.desc()).limit(1)).scalar() == before


@pytest.mark.parametrize("form", Form)
def test_a_store_that_does_not_answer_is_a_problem(filled: Served, form: Form, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(*_: Any) -> Any:
        raise OutsideError("away")

    monkeypatch.setattr(filled.context.readings, "read", away)
    answer = get(filled, f"readings.{form}", **KINDS["readings"])
    assert (answer.status_code, answer.headers["content-type"]) == (503, "application/problem+json")


@pytest.mark.parametrize("form", ["csv", "xlsx", "parquet"])
def test_an_export_that_breaks_off_is_seen_to(filled: Served, form: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real, calls = filled.context.readings.read, 0

    def sometimes(*asked: Any) -> Any:
        nonlocal calls
        calls += 1
        if calls > 1:
            raise OutsideError("away")
        return real(*asked)

    monkeypatch.setattr(filled.context.readings, "read", sometimes)
    monkeypatch.setattr("api.export_rows._ENOUGH", 1)
    with pytest.raises(httpx.RemoteProtocolError):
        get(filled, f"readings.{form}", **KINDS["readings"])


def test_a_name_in_chinese_is_told_in_both_ways(fresh: Served) -> None:
    assert fresh.http.put("/api/v1/sites/钢厂-1", json={}).status_code == 201
    said = get(fresh, "readings.csv", site="钢厂-1").headers["content-disposition"]
    assert 'filename="carbonwatch-readings-__-1.csv"' in said
    assert "filename*=UTF-8''carbonwatch-readings-%E9%92%A2%E5%8E%82-1.csv" in said
