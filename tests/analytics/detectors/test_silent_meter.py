"""The silent meter: found after three periods, never for the system's own absence."""

from dataclasses import replace

from analytics.detectors import silent_meter
from energy.registry import Meter
from energy.window import parse_time

START = parse_time("2026-03-02", "Asia/Shanghai")
DAY = 86_400_000
METER = Meter("dc-1", "it", "IT 总表", "IT total", reports_every=900)
MINUTE = 60_000


def test_a_meter_is_silent_after_three_periods_and_not_before() -> None:
    heard = START
    assert silent_meter.find(METER, heard, heard, 0, heard + 45 * MINUTE) == []
    [found] = silent_meter.find(METER, heard - MINUTE, heard, 0, heard + 45 * MINUTE + 1)
    assert (found.since, found.confirmed, found.until) == (heard, heard + 45 * MINUTE, None)
    assert found.evidence["reports_every"] == 900
    assert found.evidence["last_received"] == "2026-03-01T16:00:00+00:00"
    assert "IT 总表已 45 分钟没有上传数据" in found.what["zh"]
    assert "Nothing has come from IT total for 45 minutes" in found.what["en"]


def test_a_quick_meter_is_borne_a_quarter_of_an_hour() -> None:
    quick = replace(METER, reports_every=5)
    assert silent_meter.find(quick, START, START, 0, START + 15 * MINUTE) == []
    assert len(silent_meter.find(quick, START, START, 0, START + 16 * MINUTE)) == 1


def test_the_systems_own_absence_is_nobodys_silence() -> None:
    back = START + 3 * DAY
    assert silent_meter.find(METER, START, START, back, back + 45 * MINUTE) == []
    [found] = silent_meter.find(METER, START, START, back, back + 46 * MINUTE)
    assert (found.since, found.confirmed) == (START, back + 45 * MINUTE)
    [never] = silent_meter.find(METER, None, None, back, back + 46 * MINUTE)
    assert never.since == back
    assert never.evidence["last_reading"] is None


def test_a_meter_without_a_live_feed_is_never_silent() -> None:
    assert silent_meter.find(replace(METER, reports_every=None), None, None, 0, START) == []
