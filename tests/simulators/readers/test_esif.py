"""A data centre's power series becomes five registers and a PUE boundary."""

from decimal import Decimal
from pathlib import Path

import pytest

from energy.errors import InputError
from energy.registry import check_meter
from energy.window import parse_time
from simulators.readers.esif import HeldRegister, read_esif

HEADER = "ts,it_power_kw,cooling_kw,hvac_kw,pump_kw,plug_and_light_kw"
START = parse_time("2026-01-01", "Asia/Shanghai")


def write(path: Path, *rows: str) -> Path:
    file = path / "esif.csv"
    file.write_text("\n".join([HEADER, *rows]) + "\n")
    return file


def minutes(count: int, values: str = "900.5,30,4,5,2") -> list[str]:
    return [f"2026-01-01T{n // 60:02}:{n % 60:02}:00,{values}" for n in range(count)]


def test_an_hour_of_samples_is_an_hour_of_energy(tmp_path: Path) -> None:
    recording = read_esif(write(tmp_path, *minutes(61)), "esif")
    readings = list(recording.read())
    assert recording.count == 5 * 61
    assert recording.site.kind == "data_centre"
    assert recording.site.boundary is not None
    assert recording.site.boundary.facility == ("it", "cooling", "hvac", "pump", "plug_light")
    assert recording.site.boundary.it == ("it",)
    assert [check_meter(meter).decimals for meter in recording.meters] == [3] * 5
    last = {reading.meter: reading for reading in readings[-5:]}
    assert {meter: reading.values["e_kwh"] for meter, reading in last.items()} == {
        "it": 900.5,
        "cooling": 30.0,
        "hvac": 4.0,
        "pump": 5.0,
        "plug_light": 2.0,
    }
    assert last["it"].values["p_kw"] == 900.5
    assert last["it"].time == START + 3_600_000


def test_after_a_hole_the_register_starts_again(tmp_path: Path) -> None:
    rows = minutes(11) + [f"2026-01-01T03:{n:02}:00,600,30,4,5,2" for n in range(2)]
    recording = read_esif(write(tmp_path, *rows), "esif")
    it = [reading.values["e_kwh"] for reading in recording.read() if reading.meter == "it"]
    assert it[10:] == [150.083, 0.0, 10.0]
    assert "after a hole of more than 240 s" in recording.meters[0].source


def test_a_sample_that_is_not_there_is_not_held(tmp_path: Path) -> None:
    rows = ["2026-01-01T00:00,60,1,1,1,1", "2026-01-01T00:01,,1,1,1,1", "2026-01-01T00:02,60,1,1,1,1"]
    it = [r for r in read_esif(write(tmp_path, *rows), "esif").read() if r.meter == "it"]
    assert [(r.time - START, dict(r.values)) for r in it] == [
        (0, {"e_kwh": 0.0, "p_kw": 60.0}),
        (60_000, {"e_kwh": 1.0}),
        (120_000, {"e_kwh": 0.0, "p_kw": 60.0}),
    ]


def test_no_count_is_lost_to_rounding() -> None:
    register = HeldRegister(60_000)
    at = [register.at(n * 1_000, Decimal("0.7")) for n in range(36_001)]
    assert at[-1] == 7_000
    assert at == sorted(at)


def test_negative_power_takes_nothing_back() -> None:
    register = HeldRegister(3_600_000)
    assert [register.at(0, Decimal(-5)), register.at(3_600_000, Decimal(5)), register.at(7_200_000, None)] == [
        0,
        0,
        5000,
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        (["2026-01-01T00:00,1,1,1,1,1", "2026-01-01T00:00,1,1,1,1,1"], "row 3: time .* is not after"),
        (["2026-01-01T00:00,1,1,1,1,1", "2026-01-01T00:01,1,1,1,1,x"], "row 3: plug_and_light_kw 'x'"),
        (["2026-01-01T00:00,1,1,1,1,1", "2026-01-01T00:01,1,1"], "row 3: it has fewer fields"),
        (["2026-01-01T00:00,1,1,1,1,1"], "at least two samples"),
    ],
)
def test_a_bad_row_is_named(tmp_path: Path, rows: list[str], said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_esif(write(tmp_path, *rows), "esif")
