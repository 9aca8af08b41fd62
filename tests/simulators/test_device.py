"""A gateway's script: the same for the same seed, and each fault does what it says and nothing else."""

import gzip
import json
from collections import Counter
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import pytest

from simulators.device import Act
from simulators.scenario import Scenario, read_scenario
from simulators.script import Script

EVERYTHING = Path(__file__).parents[2] / "scenarios" / "everything.toml"
HOUR = 3_600_000
SITE = {"id": "s", "kind": "paper_mill"}
METERS = 6


def script(*faults: dict[str, Any], site: dict[str, Any] | None = None, **more: Any) -> Script:
    raw = {"name": "x", "start": date(2026, 3, 2), "days": 1, "site": [{**SITE, **(site or {})}], "fault": list(faults)}
    return Script(msgspec.convert({**raw, **more}, Scenario))


def fault(kind: str, at: str = "s", begin: str = "day 1 06:00", **more: Any) -> dict[str, Any]:
    return {"kind": kind, "at": at, "from": begin, **more}


def telemetry(one: Script) -> list[Act]:
    return [act for act in one.acts() if act.kind == "telemetry"]


def carried(one: Script) -> list[tuple[int, str, int, dict[str, float]]]:
    return [
        (act.due, each.reading.meter, each.reading.time, dict(each.reading.values))
        for act in telemetry(one)
        for each in act.carried
    ]


def test_the_same_seed_gives_the_same_bytes_and_another_one_others() -> None:
    scenario = read_scenario(EVERYTHING)
    one, again = list(Script(scenario, 77).acts()), list(Script(scenario, 77).acts())
    assert [act.payload for act in one] == [act.payload for act in again]
    assert [act.payload for act in one] != [act.payload for act in Script(scenario, 78).acts()]
    boots = {act.boot for act in one}
    assert boots.isdisjoint(act.boot for act in Script(scenario, 77, date(2026, 3, 9)).acts())


def test_acts_come_in_order_and_numbers_are_contiguous_in_each_boot() -> None:
    acts = list(Script(read_scenario(EVERYTHING), 77).acts())
    assert all(before.due <= after.due for before, after in pairwise(acts))
    numbers: dict[tuple[str, str, str], list[int]] = {}
    for act in acts:
        if act.seq:
            numbers.setdefault((act.site, act.gateway, act.boot), []).append(act.seq)
    assert len(numbers) == 16  # of 14 gateways, two started anew
    assert all(seqs == list(range(1, len(seqs) + 1)) for seqs in numbers.values())


def test_what_is_carried_is_what_the_payload_says() -> None:
    for act in telemetry(script(site={"gateway": [{"gzip": True, "batch": 4}]})):
        body = json.loads(gzip.decompress(act.payload))
        assert (body["boot"], body["seq"]) == (act.boot, act.seq)
        assert len(body["readings"]) <= 4
        for row, one in zip(body["readings"], act.carried, strict=True):
            assert row == {"meter": one.reading.meter, "ts": one.reading.time, **one.reading.values}


def test_without_faults_each_meter_is_read_once_a_quarter_hour() -> None:
    one = script()
    seen = Counter((meter, time) for _, meter, time, _ in carried(one))
    assert len(seen) == METERS * 97
    assert set(seen.values()) == {1}
    assert [act.kind for act in one.acts()][:2] == ["connect", "birth"]


def test_a_gap_is_not_read_and_is_counted() -> None:
    one = script(fault("gap", "s/steam", **{"for": "3 h"}))
    times = {time for _, meter, time, _ in carried(one) if meter == "steam"}
    assert len(times) == 97 - 12
    assert len(carried(one)) == METERS * 97 - 12
    [(_, device)] = one.sites[0].devices
    assert device.missed["f01"] == 12


def test_late_readings_keep_their_time_and_come_later() -> None:
    rows = carried(script(fault("late", "s/steam", delay="5 h", **{"for": "2 h"})))
    late = [(due, time) for due, meter, time, _ in rows if due - time > HOUR]
    assert len(late) == 8
    assert all(due - time == 5 * HOUR + 2000 for due, time in late)
    assert len(rows) == METERS * 97


def test_duplicates_are_the_same_and_contradictions_are_not() -> None:
    plain = Counter((meter, time) for _, meter, time, _ in carried(script()))
    twice = carried(script(fault("duplicate", "s/gas", **{"for": "2 h"})))
    assert Counter((meter, time) for _, meter, time, _ in twice) - plain == Counter(
        (meter, time) for _, meter, time, _ in carried(script()) if meter == "gas" and 0 <= time - FROM < 2 * HOUR
    )
    by_key: dict[tuple[str, int], list[dict[str, float]]] = {}
    for _, meter, time, values in twice:
        by_key.setdefault((meter, time), []).append(values)
    assert all(values == every[0] for every in by_key.values() for values in every)
    other = carried(script(fault("contradiction", "s/gas", by=0.5, **{"for": "15 min"})))
    first, second = [values for _, meter, time, values in other if meter == "gas" and time == FROM]
    assert second == {name: round(value * 1.5, 2) for name, value in first.items()}


FROM = script().start + 6 * HOUR


def test_a_block_is_sent_in_another_order_and_whole() -> None:
    rows = carried(script(fault("reorder", block="1 h", **{"for": "3 h"})))
    times = [time for _, meter, time, _ in rows if meter == "incomer"]
    assert times != sorted(times)
    assert sorted(times) == [time for _, meter, time, _ in carried(script()) if meter == "incomer"]


def test_impossible_values_are_named() -> None:
    one = script(fault("impossible", "s/pumps", how="nan", **{"for": "1 h"}))
    bad = [each for act in telemetry(one) for each in act.carried if each.refused]
    assert len(bad) == 4
    assert all(each.refused == {"p_kw"} and each.labels == ("f01",) for each in bad)
    assert all(each.reading.values["p_kw"] != each.reading.values["p_kw"] for each in bad)


def test_mangled_messages_have_no_number_and_take_their_values_with_them() -> None:
    one = telemetry(script(fault("malformed", share=0.3)))
    bad = [act for act in one if act.fault]
    assert 10 < len(bad) < 40
    assert all(act.seq == 0 for act in bad)
    assert len({act.fault for act in bad}) >= 5
    assert sum(len(act.carried) for act in one) == METERS * 97
    assert one[-1].seq > 0


def test_what_is_last_and_has_no_number_is_followed_by_a_message_that_has_one() -> None:
    one = telemetry(script(fault("malformed", begin="day 1 23:30")))
    assert one[-2].fault
    assert (one[-1].fault, one[-1].carried) == ("", ())


def test_an_outage_keeps_everything_for_a_backlog() -> None:
    one = script(fault("outage", "s/gw-1", **{"for": "6 h"}), site={"gateway": [{"batch": 10}]})
    kinds = [(act.kind, act.due) for act in one.acts() if act.kind in ("cut", "connect")]
    assert kinds == [("connect", one.start), ("cut", FROM), ("connect", FROM + 6 * HOUR)]
    rows = carried(one)
    assert not [due for due, *_ in rows if FROM <= due < FROM + 6 * HOUR]
    assert len(rows) == METERS * 97
    assert len({act.boot for act in telemetry(one)}) == 1


def test_a_dead_gateway_reads_nothing_and_comes_back_with_a_new_boot() -> None:
    one = script(fault("gateway_dead", **{"for": "2 h"}))
    rows = carried(one)
    assert len(rows) == METERS * (97 - 8)
    boots = list(dict.fromkeys(act.boot for act in telemetry(one)))
    assert len(boots) == 2
    assert next(act.seq for act in telemetry(one) if act.boot == boots[1]) == 1


def test_a_reboot_loses_nothing() -> None:
    one = script(fault("reboot"))
    assert len(carried(one)) == METERS * 97
    assert len({act.boot for act in telemetry(one)}) == 2
    assert [act.kind for act in one.acts() if act.due == FROM][:3] == ["cut", "connect", "birth"]


def test_a_wrong_clock_moves_the_stamps_and_drift_ends_with_a_boot() -> None:
    rows = carried(script(fault("clock_skew", by="-7 min", **{"for": "2 h"})))
    off = [time % 900_000 for _, _, time, _ in rows if time % 900_000]
    assert off == [8 * 60_000] * (8 * METERS)
    drifting = script(fault("reboot", begin="day 1 12:00"), site={"gateway": [{"drift": "24 s"}]})
    stamps = [time for _, meter, time, _ in carried(drifting) if meter == "incomer"]
    ahead = [stamp - drifting.start - n * 900_000 for n, stamp in enumerate(stamps)]
    assert (ahead[0], ahead[4], ahead[47]) == (0, 1000, 11_750)
    assert (ahead[48], ahead[52]) == (0, 1000)


@pytest.mark.parametrize("seconds", [60, 300, 3600])
def test_any_period_reads_the_same_register(seconds: int) -> None:
    quarter = {(m, t): v["e_kwh"] for _, m, t, v in carried(script()) if "e_kwh" in v}
    other = {(m, t): v["e_kwh"] for _, m, t, v in carried(script(every=f"{seconds} s")) if "e_kwh" in v}
    shared = quarter.keys() & other.keys()
    assert len(shared) >= 25
    # the first value depends on the names alone
    assert all(quarter[key] == other[key] for key in shared)


def test_the_event_of_a_swap_says_what_both_registers_showed() -> None:
    one = script(fault("meter_swap", "s/pumps", shows=7.25))
    [event] = [json.loads(act.payload) for act in one.acts() if act.kind == "event"]
    assert (event["event"], event["meter"], event["first"], event["ts"]) == ("meter_swap", "pumps", 7.25, FROM)
    values = {time: v["e_kwh"] for _, meter, time, v in carried(one) if meter == "pumps"}
    assert values[FROM] == 7.25
    assert values[FROM - 900_000] < event["last"]


def test_an_unregistered_meter_is_sent_and_not_registered() -> None:
    one = script(fault("unregistered", "s/pumps", begin="day 1 00:00"))
    [site] = one.sites
    assert "pumps" not in {meter.id for meter in site.registered}
    assert {each.labels for act in telemetry(one) for each in act.carried if each.reading.meter == "pumps"} == {
        ("f01",)
    }


def test_a_changed_load_shows_in_the_meter_above() -> None:
    leak = fault("leak", "s/pumps", level=100.0)
    above = [v["e_kwh"] for _, meter, _, v in carried(script(leak)) if meter == "incomer"]
    plain = [v["e_kwh"] for _, meter, _, v in carried(script()) if meter == "incomer"]
    assert above[-1] - above[0] - (plain[-1] - plain[0]) == pytest.approx(1800 * 1.01, rel=0.01)
