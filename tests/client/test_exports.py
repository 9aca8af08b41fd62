"""Exports become files: whole or not at all, in memory that does not grow with them."""

import csv
import subprocess
import sys
from pathlib import Path

import pytest

from energy.client import Client
from energy.errors import InputError, OutsideError, SetupError
from tests.client.scripted import CUT, Answer, scripted

LARGE = 64 << 20
PEAK = """
import resource, sys, threading
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from energy.client import Client
size = Client(sys.argv[1], "k").export_readings(Path(sys.argv[2]))
print(size, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


def test_a_file_is_what_the_api_shows(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "steel.csv"
    file.write_text("what was there before")
    size = client.export_readings(file, "steel-1", "incomer", "2018-01-01", "2018-01-02")
    assert size == file.stat().st_size
    rows = list(csv.DictReader(file.read_text("utf-8-sig").splitlines()))
    shown = list(client.readings("steel-1", "incomer", "2018-01-01", "2018-01-02"))
    assert [(row["time"], float(row["e_kwh"])) for row in rows] == [
        (one["time"], one["values"]["e_kwh"]) for one in shown
    ]
    assert list(tmp_path.glob(".*.part")) == []


@pytest.mark.parametrize("name", ["x.txt", "x", "x.csv.gz"])
def test_another_ending_is_refused_before_anything_is_asked(name: str, tmp_path: Path) -> None:
    with scripted(Answer()) as api, Client(api.url, "k") as client, pytest.raises(SetupError, match=r"\.parquet"):
        client.export_alerts(tmp_path / name)
    assert api.seen == []


def test_what_breaks_leaves_what_was_there(client: Client, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("before")
    half = Answer(200, b"half", whole=False)
    with scripted(half) as api, Client(api.url, "k") as broken, pytest.raises(OutsideError, match="stopped answering"):
        broken.export_alerts(file)
    with scripted(CUT) as api, Client(api.url, "k") as silent, pytest.raises(OutsideError):
        silent.export_alerts(file)
    with pytest.raises(InputError, match="no site 'nobody'"):
        client.export_alerts(file, site="nobody")
    with pytest.raises(SetupError, match="cannot be written"):
        client.export_alerts(tmp_path / "nowhere" / "a.csv")
    assert file.read_text() == "before"
    assert [path.name for path in tmp_path.iterdir() if path.name.endswith(".part")] == []


def test_memory_does_not_grow_with_the_file(tmp_path: Path) -> None:
    with scripted(Answer(200, b"x" * 1000)) as small, scripted(Answer(200, b"x" * LARGE)) as large:
        peaks = []
        for api in (small, large):
            command = [sys.executable, "-c", PEAK, api.url, str(tmp_path / "x.csv")]
            done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
            peaks.append([int(word) for word in done.stdout.split()])
    assert [size for size, _ in peaks] == [1000, LARGE]
    assert peaks[1][1] - peaks[0][1] < 8 << 20
