"""The steel file's traps, on the file itself where it is there and on small ones of our own."""

from decimal import Decimal
from pathlib import Path

import numpy as np
import pytest

from energy.errors import InputError
from energy.quantity import QUANTITIES
from energy.register import to_amount, to_counts, to_intervals
from energy.registry import check_meter
from energy.window import QUARTER, parse_time
from simulators.readers.uci_steel import read_uci_steel

STEEL = Path(__file__).parents[4] / "shared" / "data" / "steel" / "steel_2018_jan_sep.csv"
HEADER = (
    "date_raw,usage_kwh,lagging_kvarh,leading_kvarh,co2_t,lagging_pf,leading_pf,nsm,week_status,day_of_week,load_type"
)
START = parse_time("2018-01-01", "Asia/Shanghai")


def row(date: str, nsm: int, kwh: str, kvarh: str = "1.5") -> str:
    return f"{date},{kwh},{kvarh},0.0,0.0,73.21,100.0,{nsm},Weekday,Monday,Light_Load"


def write(path: Path, *rows: str) -> Path:
    file = path / "steel.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


@pytest.mark.skipif(not STEEL.exists(), reason=f"the public steel file is not there: {STEEL}")
def test_the_whole_file_keeps_its_last_digit() -> None:
    recording = read_uci_steel(STEEL, "steel", "incomer")
    readings = list(recording.read())
    assert recording.count == len(readings) == 26_209
    assert (recording.first, recording.last) == (START, parse_time("2018-10-01", "Asia/Shanghai"))
    meter = check_meter(recording.meters[0])
    assert (meter.decimals, meter.digits, meter.reports_every) == (2, 10, None)
    times = np.array([reading.time for reading in readings])
    counts = to_counts(np.array([reading.values["e_kwh"] for reading in readings]), meter.resolution)
    out = to_intervals(times, counts, meter.modulus)
    assert (len(out.start), int((out.quality != 0).sum())) == (26_208, 0)
    assert to_amount(int(out.counts.sum()), meter.resolution) == Decimal("729316.67")
    assert readings[-1].values["er_kvarh"] == 339_512.43


def test_the_last_row_of_a_day_is_the_next_midnight(tmp_path: Path) -> None:
    file = write(tmp_path, row("1/1/2018 23:45", 85_500, "3.17"), row("1/1/2018 00:00", 0, "4.0"),
                 row("02/01/2018 00:15", 900, "0.05"))  # fmt: skip
    readings = list(read_uci_steel(file, "s", "m").read())
    assert [reading.time - START for reading in readings] == [n * QUARTER for n in (94, 95, 96, 97)]
    assert [reading.values["e_kwh"] for reading in readings] == [0.0, 3.17, 7.17, 7.22]
    assert readings[1].values == {"e_kwh": 3.17, "er_kvarh": 1.5, "p_kw": 12.68, "pf": 0.7321}
    assert set(readings[1].values) <= set(QUANTITIES)


def test_a_hole_is_missing_and_not_zero(tmp_path: Path) -> None:
    file = write(tmp_path, row("1/1/2018 0:15", 900, "3"), row("1/1/2018 1:00", 3_600, "4"))
    readings = list(read_uci_steel(file, "s", "m").read())
    counts = to_counts(np.array([reading.values["e_kwh"] for reading in readings]), Decimal("0.01"))
    out = to_intervals(np.array([reading.time for reading in readings]), counts, 10**12)
    assert out.quality.tolist() == [0, 2, 2, 0]
    assert out.counts[out.quality == 0].tolist() == [300, 400]


@pytest.mark.parametrize(
    ("bad", "said"),
    [
        (row("1/1/2018 0:15", 900, "4"), "row 3: it is not after"),
        (row("1/1/2018 0:45", 1_800, "x"), "row 3: usage_kwh 'x' is not a number"),
        (row("1/1/2018 0:45", 1_800, "NaN"), "row 3: usage_kwh 'NaN' is not a finite number"),
        (row("1/1/2018 0:45", 1_800, ""), "row 3: usage_kwh '' is not an amount"),
        (row("1/1/2018 0:45", 1_800, "-1"), "row 3: usage_kwh '-1' is not an amount"),
        (row("1/1/2018 0:45", 1_800, "1.234"), "row 3: usage_kwh '1.234' is not an amount"),
        (row("2018-01-01 0:45", 1_800, "1"), "row 3: date"),
        (row("1/1/2018 0:45", 1_801, "1"), "row 3: nsm 1801"),
        ("1/1/2018 0:45,3", "row 3: it has fewer fields"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, bad: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_uci_steel(write(tmp_path, row("1/1/2018 0:15", 900, "3"), bad), "s", "m")


def test_another_file_is_refused_by_its_columns(tmp_path: Path) -> None:
    file = tmp_path / "other.csv"
    file.write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="no column date_raw, usage_kwh"):
        read_uci_steel(file, "s", "m")


def test_an_empty_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there is no reading in it"):
        read_uci_steel(write(tmp_path), "s", "m")
