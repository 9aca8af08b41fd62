"""What every store must keep to when something ends or stands still: durable on return, told in time, repeatable."""

import multiprocessing
import os
import signal
import sqlite3
import threading
import uuid
from collections.abc import Callable, Iterator
from contextlib import closing
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from energy.errors import OutsideError
from energy.store.influx import InfluxStore
from energy.store.port import BusyError, Point, Series, Store
from energy.store.sqlite import SqliteStore
from tests import neighbours
from tests.neighbours import ORG
from tests.proxy import Proxy, proxy

NOW = 1_795_306_500_000
M1 = Series("meter", "steel-1", "m-1")
POINTS = [Point(M1, NOW + place, {"e_kwh": place / 8, "p_kw": float(place)}) for place in range(7_000)]


class Ground:
    """One store that can be opened by any process, and that can be made to stand still."""

    def __init__(self, make: Callable[[], Store], stall: Callable[[], None], resume: Callable[[], None]) -> None:
        self.open, self.stall, self.resume = make, stall, resume

    def write_and_die(self) -> None:
        """Write POINTS and end without another step."""
        self.open().write(POINTS)
        os.kill(os.getpid(), signal.SIGKILL)


def _on_sqlite(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setattr("energy.store.sqlite._BUSY_MS", 300)
    path = folder / "readings.db"
    holder: list[sqlite3.Connection] = []

    def stall() -> None:
        holder.append(sqlite3.connect(path, isolation_level=None))
        holder[0].execute("BEGIN EXCLUSIVE")

    return Ground(lambda: SqliteStore(path), stall, lambda: holder.pop().close())


def _on_influx(address: tuple[str, str], way: Proxy, monkeypatch: pytest.MonkeyPatch) -> Ground:
    monkeypatch.setattr("energy.store.influx_server._TIMEOUT_MS", 500)
    bucket, url = f"faults-{uuid.uuid4().hex}", f"http://127.0.0.1:{way.port}"
    return Ground(lambda: InfluxStore(url, address[1], ORG, bucket), way.stall, way.resume)


@pytest.fixture(params=["sqlite", pytest.param("influx", marks=pytest.mark.needs("influxdb"))])
def ground(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Ground]:
    if request.param == "sqlite":
        yield _on_sqlite(tmp_path, monkeypatch)
        return
    address: tuple[str, str] = request.getfixturevalue("influx")
    with proxy(int(address[0].rpartition(":")[2])) as way:
        yield _on_influx(address, way, monkeypatch)


def values(store: Store, field: str) -> list[float]:
    return [float(value) for value in store.read(M1, [field], NOW, NOW + len(POINTS)).values[field]]


def test_what_a_process_wrote_before_it_was_killed_is_there(ground: Ground) -> None:
    ground.open().close()
    process = multiprocessing.get_context("fork").Process(target=ground.write_and_die)
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    with closing(ground.open()) as store:
        assert values(store, "e_kwh") == [point.fields["e_kwh"] for point in POINTS]
        assert values(store, "p_kw") == [point.fields["p_kw"] for point in POINTS]


def test_a_write_that_stands_still_is_told_and_its_repeat_doubles_nothing(ground: Ground) -> None:
    with closing(ground.open()) as store:
        store.write(POINTS[:10])
        ground.stall()
        with pytest.raises(OutsideError):
            store.write(POINTS)
        ground.resume()
        store.write(POINTS)
        assert values(store, "p_kw") == [point.fields["p_kw"] for point in POINTS]


@pytest.mark.needs("influxdb")
def test_a_read_that_stands_still_is_told(
    influx: tuple[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """SQLite's readers wait for nobody."""
    with proxy(int(influx[0].rpartition(":")[2])) as way:
        ground = _on_influx(influx, way, monkeypatch)
        with closing(ground.open()) as store:
            store.write(POINTS)
            ground.stall()
            for call in (
                lambda: store.read(M1, ["p_kw"], NOW, NOW + 10),
                lambda: store.at([(M1, NOW)]),
                lambda: store.latest("meter", NOW),
                lambda: store.before(M1, "p_kw", NOW + 5),
            ):
                with pytest.raises(OutsideError, match="does not answer"):
                    call()
            ground.resume()
            assert values(store, "p_kw") == [point.fields["p_kw"] for point in POINTS]


@pytest.mark.needs("influxdb")
def test_an_answer_that_is_cut_in_its_midst_is_never_half_of_one(
    influx: tuple[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read so far must not pass for all there is."""
    with proxy(int(influx[0].rpartition(":")[2])) as way:
        ground = _on_influx(influx, way, monkeypatch)
        with closing(ground.open()) as store:
            store.write([Point(M1, NOW + place, {"p_kw": 0.1 * place}) for place in range(60_000)])
            for after in (1, 200_000, 800_000):  # of about a million bytes
                way.cut_after(after)
                with pytest.raises(OutsideError, match="does not answer"):
                    store.read(M1, ["p_kw"], NOW, NOW + 60_000)
            assert len(store.read(M1, ["p_kw"], NOW, NOW + 60_000)) == 60_000


@pytest.mark.parametrize(
    ("status", "wish", "wait_s"), [(429, "7", 7.0), (503, "0", 0.0), (503, None, None), (503, "soon", None)]
)
def test_a_busy_servers_wish_is_passed_on(status: int, wish: str | None, wait_s: float | None) -> None:
    with _answering(status, wish) as url:
        store = InfluxStore(url, "token", ORG, "bucket")
        with pytest.raises(BusyError, match=str(status)) as caught:
            store.write(POINTS[:1])
        assert caught.value.wait_s == wait_s
        store.close()


@pytest.mark.parametrize("status", [500, 502, 504, 413, 400])
def test_any_other_answer_is_tried_again(status: int) -> None:
    with _answering(status, None) as url:
        store = InfluxStore(url, "token", ORG, "bucket")
        for call in (lambda: store.write(POINTS[:1]), lambda: store.latest("meter", 0)):
            with pytest.raises(OutsideError, match=f"answers {status}"):
                call()
        store.close()


class _answering:  # noqa: N801
    """An HTTP server that answers everything so, as a proxy before a database does: InfluxDB cannot be asked to."""

    def __init__(self, status: int, wish: str | None) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.rfile.read(int(self.headers.get("Content-Length", "0")))
                self.send_response(status)
                if wish is not None:
                    self.send_header("Retry-After", wish)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_POST = do_GET  # noqa: N815

            def log_message(self, *_: object) -> None:
                """Say nothing."""

        self._server = ThreadingHTTPServer(("127.0.0.1", neighbours.free_port()), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))

    def __enter__(self) -> str:
        self._thread.start()
        return f"http://127.0.0.1:{self._server.server_port}"

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()
