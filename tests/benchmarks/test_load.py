"""The load of the benchmarks sees what is there: every answer, every failure, every event; and reports it."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from benchmarks import bare, load, report
from benchmarks.load import Seen, Streamed
from benchmarks.watch import Watch, api_process, resident
from tests.neighbours import free_port, listens, stop
from tests.source import ROOT
from tests.system import System


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    """The bare route, served."""
    one = free_port()
    process = subprocess.Popen([sys.executable, "-m", bare.__name__, str(one)], cwd=ROOT)
    try:
        until = time.monotonic() + 20
        while not listens(one):
            assert time.monotonic() < until
            time.sleep(0.05)
        yield one
    finally:
        stop(process)


def test_every_answer_is_counted_by_path_and_status(port: int) -> None:
    seen = asyncio.run(load.read(port, ["/bare", "/absent"], 7, 1.0))
    assert seen.status.keys() == {200, 404}
    assert seen.broken == 0
    assert seen.answers == sum(seen.status.values()) == sum(len(one) for one in seen.seconds.values()) > 14
    assert len(seen.seconds["/bare"]) == seen.status[200]
    assert 0 < seen.percentile(0.5) <= seen.percentile(0.99) <= seen.percentile(1.0)


def test_readers_that_rest_ask_once_in_a_pause(port: int) -> None:
    seen = asyncio.run(load.read(port, ["/bare"], 10, 2.0, pause=0.5))
    assert 10 <= seen.answers <= 50


def test_a_server_that_is_not_there_is_a_broken_connection() -> None:
    seen = asyncio.run(load.read(free_port(), ["/bare"], 2, 0.3))
    assert seen.answers == 0
    assert seen.broken >= 2


def test_percentiles_are_those_of_what_was_seen() -> None:
    seen = Seen({"/a": [0.001 * n for n in range(1, 100)], "/b": [5.0]})
    assert seen.percentile(0.5) == pytest.approx(50)
    assert seen.percentile(0.99) == pytest.approx(99)
    assert seen.percentile(1.0) == pytest.approx(5000)
    assert seen.percentile(0.99, "/b") == pytest.approx(5000)


def test_stream_clients_count_their_events(system: System) -> None:
    key = (system.data / "admin.key").read_text().strip()
    where = int(system.url.rpartition(":")[2])
    got = asyncio.run(load.stream(where, "/api/v1/stream", 3, 4.0, key))
    assert (got.clients, got.ended) == (3, 0)
    assert got.events["health"] >= 3
    refused = asyncio.run(load.stream(where, "/api/v1/stream", 2, 4.0, "wrong"))
    assert (refused.clients, sum(refused.events.values())) == (0, 0)
    assert resident(api_process(system)) > 20


def test_the_tables_go_where_the_page_has_their_marks(system: System, tmp_path: Path) -> None:
    seen = Seen({"/api/v1/sites": [0.25, 0.5]})
    seen.status[200], seen.took = 2, 1.0
    watch = Watch(system, [90.0, 95.0, 93.0], [0, 4, 1], [10, 20, 30])
    runs = {"fast": (seen, seen), "calm": (seen, seen)}
    text = report.text(runs, ["/api/v1/sites"], Streamed(clients=3), watch, "it", 200, 50)
    for said in ("2 ", "500", "20", "4 at most", "95 at most", "`/sites`"):
        assert said in text
    page = tmp_path / "page.md"
    page.write_text("before\n<!-- api: made by python -m benchmarks.api --write -->\nold\n<!-- end of api -->\nafter\n")
    report.write(page, "api", text)
    report.write(page, "api", text)
    assert "old" not in page.read_text()
    assert page.read_text().startswith("before\n")
    assert page.read_text().endswith("<!-- end of api -->\nafter\n")
    assert page.read_text().count(text) == 1
