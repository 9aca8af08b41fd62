"""The PUE detector: a drifting cooling plant is found once and named, steady ones never, gaps neither raise nor end."""

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from analytics.detectors import pue_over_limit
from energy.alert import Finding, Kind
from energy.registry import Boundary, Site
from energy.window import QUARTER, parse_time

HOUR = 4 * QUARTER
DAY = 24 * HOUR
START = parse_time("2026-03-02", "Asia/Shanghai")
Floats = npt.NDArray[np.float64]
DC = Site("dc-1", "数据中心", "Data centre", kind="data_centre", boundary=Boundary(("incomer",), ("it",)))
NAMES = {"chiller": ("冷机", "Chiller"), "ups": ("UPS 损耗", "UPS losses")}


def data_centre(days: int, drift_from: float, drift_to: float, share: float = 0.16, seed: int = 2) -> dict[str, Floats]:
    """15-min kWh; cooling rises steadily by `share` of the IT energy between two days, and stays there."""
    rng = np.random.default_rng(seed)
    day = np.arange(96 * days) / 96
    it = 500 * (1 + 0.03 * np.sin(2 * np.pi * day)) * rng.normal(1, 0.02, len(day))
    grown = np.clip((day - drift_from) / max(drift_to - drift_from, 1e-9), 0, 1)
    chiller = it * (0.14 + share * grown) * rng.normal(1, 0.03, len(day))
    ups = 0.06 * it * rng.normal(1, 0.02, len(day))
    return {"it": it, "chiller": chiller, "ups": ups, "facility": it + chiller + ups}


def fixed(finding: Finding) -> tuple[object, ...]:
    """What later data may not change."""
    return finding.kind, finding.site, finding.meter, finding.since, finding.confirmed


def look_pue(dc: dict[str, Floats], limit: float = 1.3) -> list[Finding]:
    size = len(dc["it"])
    start = START + QUARTER * np.arange(size, dtype=np.int64)
    parts = {name: dc[name] for name in NAMES}
    return pue_over_limit.find(
        DC, start, dc["facility"], dc["it"], np.zeros(size, dtype=np.bool_), parts, NAMES, limit, limit - 0.02, 0.9
    )


def cut_to(dc: dict[str, Floats], size: int) -> dict[str, Floats]:
    return {name: series[:size] for name, series in dc.items()}


def test_a_drifting_cooling_plant_is_one_pue_finding_that_names_it() -> None:
    [found] = look_pue(data_centre(35, 24, 30))
    assert (found.kind, found.meter, found.until) == (Kind.PUE_OVER_LIMIT, None, None)
    # 1.20 + 0.16 passes 1.30 at 5/8 of the drift, half a day later in the mean over 24 h.
    assert found.since == pytest.approx(START + (24 + 6 * 5 / 8 + 0.5) * DAY, abs=6 * HOUR)
    assert found.confirmed == found.since + 2 * HOUR
    assert found.value == pytest.approx(1.36, abs=0.005)
    assert found.evidence["facility_kwh"] / found.evidence["it_kwh"] == pytest.approx(found.value)
    cause = found.evidence["cause"]
    assert cause["meter"] == "chiller"
    assert cause["now_kwh"] / cause["usual_kwh"] == pytest.approx(0.30 / 0.14, rel=0.02)
    assert cause["share"] > 0.9
    assert "主因：冷机用电比往常多 11" in found.what["zh"]
    assert "占增量的 " in found.what["zh"]
    assert "Main cause: Chiller uses 11" in found.what["en"]


def test_the_excess_is_the_energy_beyond_the_limit_since_then() -> None:
    dc = data_centre(35, 25, 25)
    [found] = look_pue(dc)
    beyond = (dc["facility"] - 1.3 * dc["it"])[(found.since - START) // QUARTER :].sum()
    assert found.excess == pytest.approx(beyond, rel=0.05)


def test_a_steady_data_centre_raises_nothing_even_just_under_its_limit() -> None:
    for seed in range(20):
        assert look_pue(data_centre(35, 20, 21, share=0.095, seed=seed)) == []


def test_two_hours_over_are_not_enough_and_three_confirm() -> None:
    dc = data_centre(35, 24, 30)
    [found] = look_pue(dc)
    size = (found.confirmed - START) // QUARTER
    assert look_pue(cut_to(dc, size - 1)) == []
    [just] = look_pue(cut_to(dc, size))
    assert fixed(just) == fixed(found)


def test_it_ends_under_the_lower_line_only() -> None:
    dc = data_centre(35, 20, 22)
    mended = dc["chiller"].copy()
    mended[96 * 30 :] = 0.235 * dc["it"][96 * 30 :]  # PUE 1.295: under the limit, over the lower line
    between = {**dc, "chiller": mended, "facility": dc["it"] + dc["ups"] + mended}
    [found] = look_pue(between)
    assert found.until is None
    mended = np.where(np.arange(len(mended)) >= 96 * 32, 0.14 * dc["it"], mended)
    [found] = look_pue({**dc, "chiller": mended, "facility": dc["it"] + dc["ups"] + mended})
    assert found.until is not None
    assert START + 32 * DAY < found.until < START + 33 * DAY
    assert found.value > found.limit


def test_missing_windows_neither_raise_nor_end() -> None:
    dc = data_centre(35, 20, 22)
    dc["facility"][96 * 26 :] = np.nan
    [found] = look_pue(dc)
    assert found.until is None
    assert found.evidence["coverage"] >= 0.9
    assert found.evidence["curve"][-1][1] is None
    dc["facility"][: 96 * 26] = np.nan
    assert look_pue(dc) == []


def test_under_the_coverage_floor_there_is_no_verdict() -> None:
    dc = data_centre(10, 3, 3)
    dc["it"][::8] = np.nan  # 87.5 % known
    assert look_pue(dc) == []


def test_an_it_meter_that_reads_nothing_is_a_data_fault_and_no_pue() -> None:
    dc = data_centre(10, 3, 3)
    dc["it"][:] = 0
    assert look_pue(dc) == []


def test_no_windows_no_finding() -> None:
    assert look_pue(cut_to(data_centre(2, 1, 1), 0)) == []


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 2**31), share=st.floats(0.08, 0.2), cut=st.integers(5 * 96, 30 * 96))
def test_later_windows_change_no_earlier_pue_verdict(seed: int, share: float, cut: int) -> None:
    dc = data_centre(30, 8, 12, share, seed)
    rng = np.random.default_rng(seed)
    for hole in rng.integers(0, 30 * 96 - 40, 6):
        dc["facility"][hole : hole + 40] = np.nan
    dc["facility"][96 * 18 : 96 * 20] -= share * dc["it"][96 * 18 : 96 * 20]
    end = START + cut * QUARTER
    whole, prefix = look_pue(dc), look_pue(cut_to(dc, cut))
    assert [fixed(f) for f in prefix] == [fixed(f) for f in whole if f.confirmed <= end]
    for early, late in zip(prefix, whole, strict=False):
        if early.until is not None:
            assert early == late


def test_a_pue_that_rises_because_the_it_load_falls_blames_no_part() -> None:
    dc = data_centre(35, 40, 41)
    overhead = dc["chiller"] + dc["ups"]
    dc["it"][96 * 28 :] *= 0.6
    [found] = look_pue({**dc, "facility": dc["it"] + overhead})
    assert found.evidence["cause"] is None
    assert "主因" not in found.what["zh"]
    assert "cause" not in found.what["en"]
