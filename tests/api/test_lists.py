"""Lists: a walk over pages of any size gives every item once, in the order of one large page."""

import pytest

from tests.api.served import FIRST, KINDS, METERS, SITES, WINDOWS, Served

RANGE = {"from": "2018-01-01", "to": "2018-01-04"}
LISTS: list[tuple[str, dict[str, str], int]] = [
    ("/sites", {}, len(SITES)),
    ("/meters", {}, len(METERS)),
    ("/meters", {"site": "steel-1"}, 5),
    ("/registered-gateways", {}, 2),
    ("/registered-gateways", {"site": "steel-1"}, 2),
    ("/registered-gateways", {"site": "dc-1"}, 0),
    ("/alerts", {}, 11),
    ("/alerts", {"site": "dc-1"}, 5),
    ("/alerts", {"kind": "off_profile", "state": "active"}, 4),
    ("/alerts", {"meter": "incomer"}, 6),
    ("/alerts", {"state": "resolved"}, 0),
    ("/quarantine", {}, 9),
    ("/quarantine", {"reason": "bad_topic"}, 4),
    ("/gateways", {}, 5),
    ("/gateways", {"site": "dc-1"}, 0),
    ("/ledger", {}, 8),
    ("/ledger", {"gateway": "g-1", "from": "2018-01-02", "to": "2018-01-04"}, 2),
    ("/ledger", {"site": "dc-1"}, 0),
    ("/held", {}, 3),
    ("/held", {"site": "steel-1", "gateway": "g", "state": "waiting"}, 3),
    ("/held", {"state": "landed"}, 0),
    ("/conflicts", {}, 5),
    ("/conflicts", {"site": "steel-1", "meter": "second"}, 2),
    ("/journal", {}, 6),
    ("/journal", {"site": "steel-1", "gateway": "g-1"}, 2),
    ("/journal", {"worker": "w0", "day": "2017-12-31"}, 6),
    ("/journal", {"worker": "w1"}, 0),
    ("/readings", {"site": "steel-1", "meter": "incomer", **RANGE}, WINDOWS),
    ("/energy", {"site": "steel-1", "step": "15m", **RANGE}, WINDOWS),
    ("/energy", {"site": "steel-1", "step": "day", **RANGE}, 3),
    ("/pue", {"site": "dc-1", "step": "hour", **RANGE}, WINDOWS // 4),
    ("/pue", {"site": "dc-1", "step": "rolling", **RANGE}, WINDOWS // 4 + 1),
]


@pytest.mark.parametrize(("path", "params", "size"), LISTS)
@pytest.mark.parametrize("limit", [1, 2, 3, 7])
def test_a_walk_gives_every_item_once(known: Served, path: str, params: dict[str, str], size: int, limit: int) -> None:
    whole = known.get(path, **params, limit=10_000)
    assert (len(whole["items"]), whole["next"]) == (size, None)
    limit = limit if size < 50 else limit * 40 - 1
    items, cursor, pages = [], None, 0
    while True:
        page = known.get(path, **params, limit=limit, **({} if cursor is None else {"cursor": cursor}))
        assert len(page["items"]) <= limit
        items += page["items"]
        cursor, pages = page["next"], pages + 1
        if cursor is None:
            break
    assert items == whole["items"]
    assert pages == max(1, -(-size // limit))


def test_a_cursor_beyond_the_end_is_an_empty_page(known: Served) -> None:
    ends = {"/alerts": 0, "/quarantine": 0, "/journal": f"w0/2018-01-01/{2**59}"}
    for path, params, _ in LISTS:
        page = known.get(path, **params, cursor=ends.get(path, 2**62))
        assert (page["items"], page["next"]) == ([], None)


def test_what_comes_in_while_walking_does_not_repeat_an_alert(fresh: Served) -> None:
    from sqlalchemy import insert, select

    from energy.books import tables as t

    first = fresh.get("/alerts", limit=5)
    with fresh.context.books.begin() as db:
        row = dict(db.execute(select(t.alert).where(t.alert.c.id == 1)).mappings().one())
        db.execute(insert(t.alert).values({name: value for name, value in row.items() if name != "id"}))
    rest = fresh.get("/alerts", limit=100, cursor=first["next"])
    assert [item["id"] for item in first["items"] + rest["items"]] == list(range(11, 0, -1))


def test_alerts_say_what_the_books_know(known: Served) -> None:
    alert = known.get("/alerts/11")
    assert alert == known.get("/alerts", limit=1)["items"][0]
    assert (alert["kind"], alert["site"], alert["state"], alert["until"]) == (KINDS[1], "steel-1", "active", None)
    assert alert["what"] == {"zh": "高", "en": "high"}
    assert alert["raised_at"] == "2018-01-01T00:00:00.010000+08:00"
    assert alert["evidence"] == {"curve": [[FIRST, 1.5]]}
    assert [step["action"] for step in alert["steps"]] == ["raise"]


def test_a_note_keeps_who_and_when(fresh: Served) -> None:
    done = fresh.http.post("/api/v1/alerts/3/acknowledge", json={"note": "冷机 2 清洗"}).json()
    assert (done["state"], done["steps"][-1]["note"], done["steps"][-1]["actor"]) == (
        "acknowledged", "冷机 2 清洗", "admin key"
    )  # fmt: skip
    assert fresh.http.post("/api/v1/alerts/3/resolve", json={}).json()["state"] == "resolved"
    assert [one["id"] for one in fresh.get("/alerts", state="resolved")["items"]] == [3]


def test_quarantine_counts_what_is_held(known: Served) -> None:
    page = known.get("/quarantine", limit=1)
    assert page["reasons"] == {"bad_topic": 4, "not_json": 5}
    assert page["held"]["count"] == 3
    assert page["held"]["meters"][0]["meter"] == "new-0"
    assert page["items"][0]["journal"] == {"worker": "w1", "day": "2018-01-01", "row": 8, "item": -1}


def test_a_gateway_is_listed_once_with_its_newest_boot(known: Served) -> None:
    found = known.get("/gateways")["items"][0]
    assert (found["gateway"], found["boot"], found["seq"], found["last_seq"]) == ("g-0", "new", 5, 9)
    assert found["gaps"] == [[6, 7]]
    assert [boot["boot"] for boot in found["boots"]] == ["new", "old"]


def test_registering_says_new_changed_or_the_same(fresh: Served) -> None:
    def put(path: str, body: dict[str, object]) -> int:
        return fresh.http.put(f"/api/v1{path}", json=body).status_code

    assert [put("/sites/高炉-1", {"name_en": "Furnace"}) for _ in range(2)] == [201, 200]
    assert [put("/sites/高炉-1/meters/m", {"multiplier": "0.5"}) for _ in range(2)] == [201, 200]
    assert put("/sites/高炉-1/meters/m", {"multiplier": "0.25"}) == 200
    [meter] = fresh.get("/meters", site="高炉-1")["items"]
    assert (meter["multiplier"], meter["unit"], meter["latest"], meter["pending"]) == ("0.25", "kWh", None, 1)
