"""Delimited files by a mapping of their columns."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from energy.errors import InputError, SetupError
from energy.register import to_counts, to_intervals
from energy.registry import check_meter
from energy.window import QUARTER, parse_time
from simulators.readers.recording import Recording
from simulators.readers.table import parse_map, read_table

START = parse_time("2026-01-01", "Asia/Shanghai")


def read(path: Path, text: str, mapping: str, stamp: str = "end", encoding: str = "utf-8") -> Recording:
    file = path / "meter.csv"
    file.write_bytes(text.encode(encoding))
    return read_table(file, "s", "m", parse_map(mapping), "Asia/Shanghai", stamp)


def test_a_register_is_sent_as_it_is(tmp_path: Path) -> None:
    text = "t;kwh;kw;note\n2026-01-01T00:00;10233.250;5;a\n2026-01-01T00:15;10234.5;;b\n2026-01-01T00:30;;;c\n"
    recording = read(tmp_path, text, "time=t,e_kwh=kwh,p_kw=kw")
    meter = check_meter(recording.meters[0])
    assert (meter.register, meter.decimals, meter.digits) == ("e_kwh", 2, 12)
    assert [(r.time - START, dict(r.values)) for r in recording.read()] == [
        (0, {"e_kwh": 10233.25, "p_kw": 5.0}),
        (QUARTER, {"e_kwh": 10234.5}),
    ]


def test_another_register_keeps_its_own_quantity(tmp_path: Path) -> None:
    recording = read(tmp_path, "t,g\n2026-01-01,1\n2026-01-02,2.5\n", "time=t,gas_m3=g")
    assert (recording.meters[0].register, recording.meters[0].unit, recording.meters[0].decimals) == ("gas_m3", "m3", 1)


def test_gauges_alone_make_a_meter_without_a_register(tmp_path: Path) -> None:
    recording = read(tmp_path, "t\tc\n2026-01-01\t21.5\n2026-01-02\t22\n", "time=t,temp_c=c")
    assert check_meter(recording.meters[0]).register is None
    assert recording.count == 2


@pytest.mark.parametrize(("stamp", "first"), [("start", 0), ("end", -QUARTER)])
def test_intervals_add_up_from_their_start(tmp_path: Path, stamp: str, first: int) -> None:
    text = "t,use\n2026/1/1 0:00,0.1\n2026/1/1 0:15,0.2\n2026/1/1 0:30,0.35\n"
    recording = read(tmp_path, text, "time=t,interval_kwh=use", stamp)
    readings = list(recording.read())
    assert [r.time - START - first for r in readings] == [n * QUARTER for n in range(4)]
    assert [r.values["e_kwh"] for r in readings] == [0.0, 0.1, 0.3, 0.65]
    assert [r.values.get("p_kw") for r in readings] == [None, 0.4, 0.8, 1.4]
    assert recording.meters[0].decimals == 2


@pytest.mark.parametrize("hole", ["2026-01-01T00:45,\n", ""])
def test_an_interval_that_is_not_there_is_missing(tmp_path: Path, hole: str) -> None:
    text = f"t,use\n2026-01-01T00:15,1\n2026-01-01T00:30,2\n{hole}2026-01-01T01:00,4\n2026-01-01T01:15,5\n"
    readings = list(read(tmp_path, text, "time=t,interval_kwh=use").read())
    counts = to_counts(np.array([r.values["e_kwh"] for r in readings]), Decimal(1))
    out = to_intervals(np.array([r.time for r in readings]), counts, 10**12)
    assert out.quality.tolist() == [0, 0, 2, 0, 0]
    assert out.counts[out.quality == 0].tolist() == [1, 2, 4, 5]


def test_a_spreadsheet_from_china_is_read(tmp_path: Path) -> None:
    text = "时间,电量\n2026/01/01 00:00:00,1\n2026/01/01 00:15:00,2\n"
    recording = read(tmp_path, text, "time=时间,e_kwh=电量", encoding="gb18030")
    assert (recording.first, recording.last, recording.count) == (START, START + QUARTER, 2)


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("2026-01-01,1\nsoon,2", "row 3: 'soon' is not a date or time"),
        ("2026-01-01,1\n2026-01-01,2", "row 3: time '2026-01-01' is not after"),
        ("2026-01-02,1\n2026-01-01,2", "row 3: .* sort the file by time"),
        ("2026-01-01,1\n2026-01-02,1 000", "row 3: k '1 000' is not a number"),
        ("2026-01-01,1\n2026-01-02,inf", "row 3: k 'inf' is not a finite number"),
        ("2026-01-01,1\n2026-01-02,-2", "row 3: k -2 is below 0"),
        ("2026-01-01,1\n2026-01-02,0.1234567", "row 3: .* more than 6 decimals"),
        ("2026-01-01,1\n2026-01-02", "row 3: it has fewer fields"),
        ("2026-01-01,1", "at least two rows"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: str, said: str) -> None:
    for mapping in ("time=t,e_kwh=k", "time=t,interval_kwh=k"):
        with pytest.raises(InputError, match=said):
            read(tmp_path, f"t,k\n{rows}\n", mapping)


@pytest.mark.parametrize(
    "mapping",
    ["", "e_kwh=k", "time=t", "time=t,watts=k", "time=t,e_kwh", "time=t,time=u", "time=t,interval_kwh=a,e_kwh=b"],
)
def test_a_mapping_that_makes_no_sense_is_refused(mapping: str) -> None:
    with pytest.raises(SetupError, match="--map"):
        parse_map(mapping)


def test_a_column_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column x; there are: t, k"):
        read(tmp_path, "t,k\n2026-01-01,1\n2026-01-02,2\n", "time=t,e_kwh=x")
