"""A million readings in each kind of file: every value, and memory that does not grow with them."""

import os
import re
import sqlite3
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from contextlib import closing
from itertools import count
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pyarrow.csv as pc  # type: ignore[import-untyped]
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from energy.window import to_text
from tests.api.served import FIRST, KEY
from tests.source import ROOT

MANY = 1_000_000
FEW = 1_000
GROWTH = 150 * 1024  # KiB
ZONE = "Asia/Shanghai"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, int]]:
    """Address and process id of an API that has a million readings of `fast`, one a second, and a few of `slow`."""
    folder = tmp_path_factory.mktemp("million")
    command = [sys.executable, str(ROOT / "tests/shape/exporting.py"), str(folder)]
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        with closing(sqlite3.connect(folder / "readings.db")) as db:
            _fill(db, "fast", MANY)
            _fill(db, "slow", FEW)
        yield url, process.pid
        assert process.stdin is not None
        process.stdin.close()
        assert process.wait(30) == 0


def _fill(db: sqlite3.Connection, meter: str, number: int) -> None:
    """The n-th value is the double nearest to n ÷ 7, which takes all its digits to tell; every second is estimated."""
    numbers = f"WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {number - 1})"
    for field, value in (("e_kwh", "i / 7.0"), ("quality", "i % 2")):
        db.execute(
            "INSERT INTO series (measurement, site, meter, field) VALUES ('meter', 'steel-1', ?, ?)", (meter, field)
        )
        ident = db.execute("SELECT max(id) FROM series").fetchone()[0]
        db.execute(f"{numbers} INSERT INTO point SELECT {ident}, {FIRST} + 1000 * i, {value} FROM n")
    db.commit()


def memory(pid: int, what: str) -> int:
    found = re.search(rf"{what}:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found is not None
    return int(found[1])


def fetch(url: str, form: str, meter: str, to: Path) -> Path:
    ask = {"site": "steel-1", "meter": meter, "from": "2018-01-01", "to": "2018-01-31"}
    headers = {"Authorization": f"Bearer {KEY}"}
    with httpx.stream(
        "GET", f"{url}/api/v1/exports/readings.{form}", params=ask, headers=headers, timeout=60
    ) as answer:
        assert answer.status_code == 200, answer.read()
        assert "content-length" not in answer.headers
        with to.open("wb") as file:
            for piece in answer.iter_raw():
                file.write(piece)
    return to


@pytest.mark.parametrize("form", ["csv", "parquet", "xlsx"])
def test_a_million_readings_pass_through_a_bounded_memory(server: tuple[str, int], form: str, tmp_path: Path) -> None:
    url, pid = server
    fetch(url, form, "slow", tmp_path / "slow")  # loads what is loaded once
    base = memory(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # the peak begins anew
    file = fetch(url, form, "fast", tmp_path / "fast")
    growth = memory(pid, "VmHWM") - base
    print(f"{form}: {file.stat().st_size / 2**20:.0f} MiB file, memory {base // 1024} MiB + {growth // 1024} MiB")  # noqa: T201
    assert growth < GROWTH
    times, values, qualities = {"csv": csv_columns, "parquet": parquet_columns, "xlsx": xlsx_columns}[form](file)
    assert values.shape == (MANY,)
    assert np.array_equal(values, np.arange(MANY) / 7.0)
    assert times == [FIRST, FIRST + 1000 * (MANY - 1)] or times == [
        to_text(FIRST, ZONE), to_text(FIRST + 1000 * (MANY - 1), ZONE),
    ]  # fmt: skip
    assert qualities == {"measured": MANY // 2, "estimated": MANY // 2}


Columns = tuple[list[str] | list[int], Any, dict[str, int]]


def csv_columns(path: Path) -> Columns:
    table = pc.read_csv(path, convert_options=pc.ConvertOptions(column_types={"time": "string"}))
    with path.open("rb") as file:
        assert next(file) == "\ufefftime,site,meter,e_kwh,quality\r\n".encode()
    assert table.column_names == ["time", "site", "meter", "e_kwh", "quality"]
    assert [table[name].unique().to_pylist() for name in ("site", "meter")] == [["steel-1"], ["fast"]]
    times = table["time"]
    return [times[0].as_py(), times[-1].as_py()], table["e_kwh"].to_numpy(), counted(table)


def counted(table: Any) -> dict[str, int]:
    return {one["values"]: one["counts"] for one in table["quality"].value_counts().to_pylist()}


def parquet_columns(path: Path) -> Columns:
    file = pq.ParquetFile(path)
    assert file.num_row_groups > 10
    assert str(file.schema_arrow.field("time").type) == f"timestamp[ms, tz={ZONE}]"
    table = file.read()
    times = table["time"].cast("int64").to_numpy()
    assert np.array_equal(times, FIRST + 1000 * np.arange(MANY))
    return [int(times[0]), int(times[-1])], table["e_kwh"].to_numpy(), counted(table)


def xlsx_columns(path: Path) -> Columns:
    with zipfile.ZipFile(path) as book:
        text = book.read("xl/worksheets/sheet1.xml").decode()
    found = re.findall(r'<c r="D(\d+)"><v>([^<]+)</v></c>', text)
    assert [int(row) for row, _ in (found[0], found[-1])] == [2, MANY + 1]
    times = re.findall(r'<c r="A\d+" t="inlineStr"><is><t xml:space="preserve">([^<]+)<', text)
    qualities = {name: text.count(f">{name}<") for name in ("measured", "estimated")}
    return [times[1], times[-1]], np.array([float(value) for _, value in found]), qualities


def test_a_client_that_goes_away_leaves_nothing_behind(server: tuple[str, int], tmp_path: Path) -> None:
    url, pid = server
    headers = {"Authorization": f"Bearer {KEY}"}
    ask = {"site": "steel-1", "meter": "fast", "from": "2018-01-01", "to": "2018-01-31"}
    before = descriptors(pid)
    for form in ("csv", "xlsx", "parquet"):
        with httpx.stream("GET", f"{url}/api/v1/exports/readings.{form}", params=ask, headers=headers) as answer:
            assert next(answer.iter_raw())
    for _ in count():
        busy = busy_ms(pid)
        if descriptors(pid) <= before + 2 and busy_ms(pid, 0.3) - busy <= 100:
            break  # it does not go on making what nobody takes
    assert httpx.get(f"{url}/api/v1/sites", headers=headers).status_code == 200


def descriptors(pid: int) -> int:
    return len(list(Path(f"/proc/{pid}/fd").iterdir()))


def busy_ms(pid: int, wait: float = 0.0) -> float:
    import time

    time.sleep(wait)
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")
