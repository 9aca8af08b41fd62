"""The fleet's board: well formed, the same as the committed one, and right in what its queries answer."""

import json
import re
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

import dashboards
from dashboards.board import COLUMNS, DATASOURCE, Json
from dashboards.fleet import fleet
from dashboards.queries import queries
from deploy.commands.boards import to_text
from energy.store.influx import InfluxStore
from energy.store.port import Point, Series
from energy.window import parse_time
from tests import neighbours
from tests.neighbours import ORG

Ask = Callable[..., dict[str, list[dict[str, Any]]]]

DAY = parse_time("2026-03-01", "Asia/Shanghai")
Q = 900_000
HOUR = 4 * Q


def test_the_committed_board_is_the_generated_one() -> None:
    committed = Path(dashboards.__file__).parent / "generated" / "fleet.json"
    assert committed.read_text(encoding="utf-8") == to_text(fleet()), "run: carbonwatch boards"


def test_the_board_has_what_grafana_needs() -> None:
    board = fleet()
    assert {"uid", "title", "schemaVersion", "panels", "templating", "time", "timezone"} <= board.keys()
    assert re.fullmatch(r"[\w-]{1,40}", board["uid"])
    assert board["id"] is None
    for panel in board["panels"]:
        assert {"id", "type", "title", "description", "gridPos", "datasource", "targets"} <= panel.keys()
        assert panel["type"] in {"stat", "timeseries", "table"}
        assert re.search(r"[\u4e00-\u9fff]", panel["title"]), panel["title"]
        assert re.search(r"[A-Za-z]{3}", panel["title"]), panel["title"]
        assert panel["targets"]
        refs = [target["refId"] for target in panel["targets"]]
        assert len(set(refs)) == len(refs)
        for target in panel["targets"]:
            assert target["datasource"] == DATASOURCE
            assert target["rawQuery"] is True
            assert "$timeFilter" in target["query"]
    assert json.loads(to_text(board)) == board


def test_panels_have_ids_and_places_of_their_own() -> None:
    panels = fleet()["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: dict[tuple[int, int], str] = {}
    for panel in panels:
        at = panel["gridPos"]
        assert at["x"] >= 0
        assert at["x"] + at["w"] <= COLUMNS
        for cell in ((x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])):
            assert cell not in taken, f"{panel['title']} lies over {taken[cell]}"
            taken[cell] = panel["title"]


def test_limits_are_drawn_where_the_rows_say() -> None:
    drawn = {panel["title"]: panel["fieldConfig"]["defaults"].get("thresholds") for panel in fleet()["panels"]}
    other = {
        panel["title"]: panel["fieldConfig"]["defaults"].get("thresholds") for panel in fleet(pue_limit=1.25)["panels"]
    }
    assert [step["value"] for step in drawn["PUE（每小时）PUE by hour"]["steps"]] == [None, 1.3]
    assert [step["value"] for step in other["PUE（每小时）PUE by hour"]["steps"]] == [None, 1.25]
    assert [step["value"] for step in drawn["PUE 覆盖率 Coverage of PUE"]["steps"]] == [None, 0.9]


def test_every_macro_is_replaced_and_an_unknown_one_is_an_error() -> None:
    board = fleet()
    asked = list(queries(board, 0, HOUR, "1m", {"site": "(dc-1|steel-1)"}))
    assert len(asked) == sum(len(panel["targets"]) for panel in board["panels"])
    assert not any(re.search(r"\$[\w{]", each.text) for each in asked)
    assert all("time >= 0ms and time <= 3600000ms" in each.text for each in asked)
    assert all('"site" =~ /^(dc-1|steel-1)$/' in each.text for each in asked)
    board["panels"][0]["targets"][0]["query"] += " $unheard"
    with pytest.raises(KeyError, match="unheard"):
        list(queries(board, 0, HOUR))


def written() -> list[Point]:
    """Two hours and a bit of two sites: steel-1 with a missing window, dc-1 with one missing and one estimated."""

    def at(measurement: str, site: str, meter: str, step: int, **fields: float) -> Point:
        return Point(Series(measurement, site, meter), DAY + step * Q, fields)

    points = [at("meter", "steel-1", "m-1", step, p_kw=400.0 + step, e_kwh=100.0 * step) for step in range(8)]
    points += [at("meter", "steel-1", "s-1", 2, steam_th=12.5), at("meter", "dc-1", "it", 7, p_kw=300.0)]
    for step in range(8):
        whole = step != 5
        points.append(at("energy", "steel-1", "m-1", step, quality=0.0 if whole else 2.0, part=0.0, amount=100.0))
        points.append(at("energy", "dc-1", "it", step, quality=1.0 if step in (0, 1) else 0.0, part=0.0, amount=75.0))
        points.append(at("site", "steel-1", "", step, kwh=100.0 if whole else 40.0, meters=2.0 if whole else 1.0,
                         expected=2.0, quality=0.0 if whole else 2.0))  # fmt: skip
    # hour 0: 95 / 75, hour 1: (4 windows, one missing) 120 / 90; a mean of ratios would be another number
    facility, it = (20.0, 20.0, 25.0, 30.0, 40.0, 0.0, 40.0, 40.0), (15.0, 15.0, 20.0, 25.0, 30.0, 0.0, 30.0, 30.0)
    for step, (whole_kwh, it_kwh) in enumerate(zip(facility, it, strict=True)):
        figures = {"facility_kwh": whole_kwh, "it_kwh": it_kwh, "quality": float(step == 1)}
        points.append(at("pue", "dc-1", "", step, **figures if step != 5 else {"quality": 2.0}))
    # an hour in which no IT energy was: its PUE is undefined, not 0
    points += [at("pue", "dc-1", "", step, facility_kwh=5.0, it_kwh=0.0, quality=0.0) for step in range(8, 12)]
    return points


@pytest.fixture
def ask(influx: tuple[str, str]) -> Iterator[Ask]:
    """Writes the points and asks a board's queries: panel title → the answer's series, of all its queries."""
    url, token = influx
    bucket = f"boards-{uuid.uuid4().hex}"
    store = InfluxStore(url, token, ORG, bucket)
    store.write(written())

    def answer(board: Json, **given: Any) -> dict[str, list[dict[str, Any]]]:
        out: dict[str, list[dict[str, Any]]] = {}
        for each in queries(board, DAY, DAY + 3 * HOUR - 1, **given):
            form = {"db": bucket, "epoch": "ms", "q": each.text}
            done = httpx.post(f"{url}/query", data=form, headers={"Authorization": f"Token {token}"}, timeout=30)
            (result,) = done.raise_for_status().json()["results"]
            assert "error" not in result, (each, result)
            out.setdefault(each.panel, []).extend(result.get("series", []))
        return out

    yield answer
    store.close()
    neighbours.drop_bucket(url, token, bucket)


def values(series: list[dict[str, Any]]) -> dict[str, list[Any]]:
    """Site → the values of its one series."""
    return {each["tags"]["site"]: [row[1] for row in each["values"]] for each in series}


@pytest.mark.needs("influxdb")
def test_what_the_panels_show_is_what_was_written(ask: Ask) -> None:
    shown = ask(fleet())
    assert values(shown["平均功率 Mean power"]) == {"steel-1": [400.0]}
    assert values(shown["PUE（所选时间）PUE over the range"])["dc-1"] == [pytest.approx((95 + 120 + 20) / (75 + 90))]
    assert values(shown["PUE 覆盖率 Coverage of PUE"])["dc-1"] == [pytest.approx(11 / 12, abs=1e-3)]
    assert values(shown["估算占比 Estimated share"]) == {"dc-1": [0.25], "steel-1": [0.0]}
    assert values(shown["电量 Energy by site"]) == {"steel-1": [400.0, 300.0, None]}
    assert values(shown["数据完整率 Completeness by site"]) == {"steel-1": [1.0, 7 / 8, None]}
    assert values(shown["PUE（每小时）PUE by hour"]) == {"dc-1": [95 / 75, 120 / 90]}
    assert values(shown["PUE 覆盖率（每小时）Coverage of PUE by hour"]) == {"dc-1": [1.0, 0.75, 1.0]}
    shares = shown["实测、估算、缺失 Measured, estimated, missing"]
    assert [[row[1] for row in each["values"]] for each in shares] == [[6, 7, 0], [2, 0, 0], [0, 1, 0]]


@pytest.mark.needs("influxdb")
def test_live_meters_are_shown_by_site_and_meter(ask: Ask) -> None:
    shown = ask(fleet())
    live = {(each["tags"]["site"], each["tags"]["meter"]): each["values"] for each in shown["实时功率 Live power"]}
    assert live["steel-1", "m-1"] == [[DAY + step * Q, 400 + step] for step in range(8)]
    assert live["dc-1", "it"] == [[DAY + 7 * Q, 300]]
    newest = {each["tags"]["meter"]: each["values"][0][1:] for each in shown["最新读数 Latest readings"]}
    assert newest == {"m-1": [407, None, None], "s-1": [None, 12.5, None], "it": [300, None, None]}


@pytest.mark.needs("influxdb")
def test_the_variables_choose_sites_and_grain(ask: Ask) -> None:
    shown = ask(fleet(), values={"site": "(dc-1|paper-1)", "grain": "15m"})
    assert shown["电量 Energy by site"] == []
    assert values(shown["PUE（每小时）PUE by hour"]).keys() == {"dc-1"}
    days = ask(fleet(), values={"grain": "1d"})["电量 Energy by site"]
    assert [each["values"] for each in days] == [[[DAY, 700.0]]], "a day is one of the board's zone"
    variable = fleet()["templating"]["list"][0]
    board = fleet()
    board["panels"] = [{"title": "sites", "targets": [{"refId": "A", "query": variable["query"]}]}]
    assert [row[1] for row in ask(board)["sites"][0]["values"]] == ["dc-1", "steel-1"]
