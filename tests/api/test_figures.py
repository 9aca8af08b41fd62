"""Energy, PUE and readings over HTTP: exact to the last digit, in plant time, with what is missing."""

from decimal import Decimal

import pytest
from sqlalchemy import insert

from energy.books import tables as t
from energy.registry import Meter
from energy.window import QUARTER, floor_quarter, to_text
from tests.api.served import DAY, FIRST, METERS, WINDOWS, Served, count_at

RANGE = {"from": "2018-01-01", "to": "2018-01-04"}


def meter(site: str, name: str) -> Meter:
    return next(one for one in METERS if (one.site, one.id) == (site, name))


def used(one: Meter, first: int = 0, last: int = WINDOWS) -> Decimal:
    return (count_at(one, last) - count_at(one, first)) * one.resolution


@pytest.mark.parametrize("name", ["incomer", "second", "furnace"])
@pytest.mark.parametrize("step", ["15m", "hour", "day", "month", "year"])
def test_a_meters_total_is_exact_at_every_step(known: Served, name: str, step: str) -> None:
    page = known.get("/energy", site="steel-1", meter=name, step=step, limit=10_000, **RANGE)
    total = page["total"]
    assert Decimal(str(total["kwh"])) == used(meter("steel-1", name))
    assert (total["intervals"], total["measured"], total["estimated"], total["missing"]) == (WINDOWS, WINDOWS, 0, 0)
    assert sum(Decimal(str(item["kwh"])) for item in page["items"]) == used(meter("steel-1", name))
    assert sum(item["intervals"] for item in page["items"]) == WINDOWS


def test_a_days_energy_is_that_of_its_own_registers(known: Served) -> None:
    page = known.get("/energy", site="steel-1", meter="incomer", **RANGE)
    one = meter("steel-1", "incomer")
    assert [Decimal(str(item["kwh"])) for item in page["items"]] == [used(one, d * 96, d * 96 + 96) for d in range(3)]
    assert page["items"][1]["start"] == "2018-01-02T00:00:00+08:00"


def test_a_sites_total_is_over_its_roots_of_electricity(known: Served) -> None:
    total = known.get("/energy", site="steel-1", **RANGE)["total"]
    assert Decimal(str(total["kwh"])) == used(meter("steel-1", "incomer")) + used(meter("steel-1", "second"))
    assert (total["intervals"], total["missing"]) == (2 * WINDOWS, 0)


def test_steam_has_an_amount_in_tonnes_and_no_kwh(known: Served) -> None:
    page = known.get("/energy", site="steel-1", meter="steam", **RANGE)
    assert (page["unit"], page["total"]["kwh"]) == ("t", None)
    assert Decimal(str(page["total"]["amount"])) == used(meter("steel-1", "steam"))


def test_what_is_missing_is_counted_and_not_zero(known: Served) -> None:
    page = known.get(
        "/energy", site="steel-1", meter="incomer", **{"from": "2017-12-31T12:00", "to": "2018-01-01T01:00"}
    )
    assert (page["total"]["missing"], page["total"]["intervals"]) == (48, 4)
    nothing = known.get("/energy", site="steel-1", meter="incomer", **{"from": "2017-01-01", "to": "2017-01-02"})
    assert (nothing["total"]["amount"], nothing["total"]["missing"], nothing["total"]["intervals"]) == (None, 96, 0)


def test_a_site_without_meters_has_nothing_missing(known: Served) -> None:
    page = known.get("/energy", site="empty-1", **RANGE)
    assert (page["total"]["intervals"], page["total"]["missing"], page["unit"]) == (0, 0, "kWh")


def test_a_date_is_in_the_sites_zone_and_an_offset_is_kept(known: Served) -> None:
    def first(site: str, text: str) -> str:
        return str(known.get("/energy", site=site, meter="incomer", **{"from": text, "to": "2018-01-04"})["from"])

    assert first("steel-1", "2018-01-01") == "2018-01-01T00:00:00+08:00"
    assert first("berlin-1", "2018-01-01") == "2018-01-01T00:00:00+01:00"
    assert first("berlin-1", "2018-01-01T00:00:00Z") == "2018-01-01T01:00:00+01:00"
    assert first("steel-1", "2018-01-01T08:20") == "2018-01-01T08:15:00+08:00"
    assert first("steel-1", "2018-01-01T00:00+01:00") == "2018-01-01T07:00:00+08:00"


@pytest.mark.parametrize(("path", "site"), [("/energy", "steel-1"), ("/pue", "dc-1")])
def test_a_window_that_is_not_over_is_not_missing(known: Served, path: str, site: str) -> None:
    now = known.context.now()
    edge = to_text(floor_quarter(now), "Asia/Shanghai")
    page = known.get(path, site=site, **{"from": to_text(now - DAY), "to": to_text(now + 2 * DAY)})
    assert page["to"] in (edge, to_text(floor_quarter(now) + QUARTER, "Asia/Shanghai"))
    later = known.get(path, site=site, **{"from": to_text(now + DAY), "to": to_text(now + 2 * DAY)})
    assert (later["items"], later.get("total", {}).get("missing", 0)) == ([], 0)


def test_pue_is_a_ratio_of_sums_on_every_step(known: Served) -> None:
    for step, size in (("hour", 72), ("day", 3), ("month", 1)):
        page = known.get("/pue", site="dc-1", step=step, **RANGE)
        assert len(page["items"]) == size
        for item in page["items"]:
            assert (item["pue"], item["verdict"], item["coverage"], item["reason"]) == (1.3, "meets", 1.0, "")
            assert item["interim"] is True
        facility = sum(Decimal(str(item["facility_kwh"])) for item in page["items"])
        assert facility == used(meter("dc-1", "facility"))
    assert page["limit"]["value"] == 1.3
    assert page["limit"]["source"]


def test_rolling_pue_is_over_the_24_hours_that_end_at_each_hour(known: Served) -> None:
    items = known.get("/pue", site="dc-1", step="rolling", **RANGE)["items"]
    assert (items[0]["start"], items[0]["end"]) == ("2017-12-31T00:00:00+08:00", "2018-01-01T00:00:00+08:00")
    assert (items[0]["pue"], items[0]["verdict"]) == (None, "no_verdict")
    assert (items[12]["coverage"], items[12]["verdict"], items[12]["pue"]) == (0.5, "no_verdict", 1.3)
    assert "coverage 50%" in items[12]["reason"]
    assert (items[-1]["end"], items[-1]["verdict"]) == ("2018-01-04T00:00:00+08:00", "meets")


def test_a_lower_limit_that_is_in_force_is_the_one_that_counts(fresh: Served) -> None:
    row = {"key": "pue.limit", "value": 1.25, "valid_from": FIRST + DAY, "source": "a newer decree", "verified": False}
    with fresh.context.books.begin() as db:
        db.execute(insert(t.threshold).values(row))
    page = fresh.get("/pue", site="dc-1", **RANGE)
    assert (page["limit"]["value"], page["limit"]["source"]) == (1.25, "a newer decree")
    assert {item["verdict"] for item in page["items"]} == {"exceeds"}
    assert fresh.get("/pue", site="dc-1", **{"from": "2018-01-01", "to": "2018-01-02"})["limit"]["value"] == 1.25
    before = fresh.get("/pue", site="dc-1", **{"from": "2018-01-01", "to": "2018-01-01T23:45"})
    assert before["limit"]["value"] == 1.3


def test_readings_are_as_they_landed(known: Served) -> None:
    page = known.get("/readings", site="steel-1", meter="incomer", **{"from": "2018-01-01", "to": "2018-01-01T01:00"})
    one = meter("steel-1", "incomer")
    assert [item["values"]["e_kwh"] for item in page["items"]] == [
        float(count_at(one, n) * one.resolution) for n in range(4)
    ]
    assert page["items"][0] == {"time": "2018-01-01T00:00:00+08:00", "ms": FIRST, "values": {"e_kwh": 0.0},
                                "quality": "measured"}  # fmt: skip


def test_a_long_silence_between_readings_is_stepped_over(known: Served) -> None:
    page = known.get(
        "/readings", site="steel-1", meter="incomer", limit=1, **{"from": "1970-01-01", "to": "2100-01-01"}
    )
    assert page["items"][0]["ms"] == FIRST
    beyond = known.get("/readings", site="steel-1", meter="incomer", **{"from": "2019-01-01", "to": "2100-01-01"})
    assert (beyond["items"], beyond["next"]) == ([], None)
