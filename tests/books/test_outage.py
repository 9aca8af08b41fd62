"""`carbonwatch up` on PostgreSQL that is absent, says no, or goes away and comes back while a recording is replayed."""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from benchmarks.load import Streamed, stream
from tests.neighbours import free_port
from tests.postgres import Cluster, postgresql
from tests.system import COMMAND, System, descendants, plain_environment, running_system, tail

pytestmark = pytest.mark.needs("postgresql")
PASSWORD = "a-secret-word-of-the-books"
ROWS = 12_000
MAPPED = ("--format", "csv", "--map", "time=t,e_kwh=k", "--site", "s", "--meter", "m")


@pytest.fixture(scope="module")
def cluster() -> Iterator[Cluster]:
    with postgresql() as one:
        one.query(f"ALTER ROLE carbonwatch PASSWORD '{PASSWORD}'")
        one.want_password()
        yield one


@pytest.fixture
def url(cluster: Cluster) -> str:
    """A new database's address, with the password without which it cannot be had."""
    return cluster.url(cluster.create(), password=PASSWORD)


def up(*args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """`up` that is expected not to start."""
    command = [str(COMMAND), "up", "--no-demo", "--port", "0", "--mqtt-port", "0", *args]
    env = {**plain_environment(), **environment}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=env)


def refusal(done: subprocess.CompletedProcess[str]) -> str:
    """The one line that a command says which ends with 2."""
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert PASSWORD not in done.stderr
    return done.stderr


def wait_for(what: Callable[[], bool], seconds: float, why: Callable[[], object]) -> None:
    until = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < until, why()
        time.sleep(0.1)


def health(system: System) -> tuple[int, dict[str, dict[str, Any]]]:
    """The status and the parts by name, as anybody may see them."""
    answer = httpx.get(f"{system.url}/api/v1/health", timeout=20)
    return answer.status_code, {part["name"]: part for part in answer.json()["parts"]}


def listen(system: System, pool: ThreadPoolExecutor) -> Streamed:
    """What two clients of the stream hear until the system ends."""
    heard, port = Streamed(), int(system.url.rpartition(":")[2])
    key = (system.data / "admin.key").read_text().strip()
    pool.submit(asyncio.run, stream(port, "/api/v1/stream", 2, 200.0, key, heard))
    wait_for(lambda: heard.events["health"] >= 2, 20, lambda: heard)
    return heard


def test_a_database_that_cannot_be_had_is_one_line(cluster: Cluster, url: str, tmp_path: Path) -> None:
    data = ("--data", str(tmp_path / "data"))
    away = f"postgresql://carbonwatch@127.0.0.1:{free_port()}/books"
    assert "cannot start: the books cannot be opened" in refusal(up(*data, "--books", away))
    for wrong in (url.replace(PASSWORD, "wrong"), f"{url}_of_nobody"):
        assert "cannot start: the books cannot be opened" in refusal(up(*data, CARBONWATCH_BOOKS=wrong))
    for nonsense in ("nonsense", "mysql://h/x", "postgresql://h:port/x"):
        assert "the books" in refusal(up(*data, "--books", nonsense))


def test_a_password_among_the_arguments_is_refused(url: str, tmp_path: Path) -> None:
    for said in (url, url.replace(f":{PASSWORD}@", "@") + f"?password={PASSWORD}"):
        assert "CARBONWATCH_BOOKS" in refusal(up("--data", str(tmp_path / "data"), "--books", said))


def test_books_of_another_data_directory_are_refused(url: str, tmp_path: Path) -> None:
    with running_system(tmp_path / "one", "--no-demo", CARBONWATCH_BOOKS=url):
        pass
    assert "another data directory" in refusal(up("--data", str(tmp_path / "two"), CARBONWATCH_BOOKS=url))
    with running_system(tmp_path / "one", "--no-demo", CARBONWATCH_BOOKS=url):
        pass


def test_the_password_stands_nowhere(url: str, tmp_path: Path) -> None:
    data = tmp_path / "data"
    with running_system(data, "--no-demo", CARBONWATCH_BOOKS=url) as system:
        system.client.put_site("s", {})
        text = httpx.get(f"{system.url}/api/v1/health").text + system.log.read_text()
        assert PASSWORD not in text
        assert "127.0.0.1" in system.log.read_text()
        for pid in [system.process.pid, *(pid for pid, _ in descendants(system.process.pid))]:
            assert PASSWORD.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert not (data / "books.db").exists()
        files = [path for path in data.rglob("*") if path.is_file()]
        assert not [path for path in files if PASSWORD.encode() in path.read_bytes()]


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_nothing_is_lost_while_the_books_are_away(cluster: Cluster, url: str, tmp_path: Path, how: str) -> None:
    """Stopped in order, and crashed, while a recording is replayed into the system."""
    file = tmp_path / "register.csv"
    times = (time.strftime("%Y-%m-%dT%H:%M", time.gmtime(1_735_689_600 + 900 * n)) for n in range(ROWS))
    file.write_text("t,k\n" + "".join(f"{stamp},{n * 0.25}\n" for n, stamp in enumerate(times)))
    with (
        ThreadPoolExecutor() as pool,
        running_system(tmp_path / "data", "--no-demo", CARBONWATCH_BOOKS=url) as system,
    ):
        heard = listen(system, pool)
        command = [str(COMMAND), "replay", str(file), *MAPPED, "--speed", "1000000", "--data", str(system.data),
                   "--output", "json"]  # fmt: skip
        pipe = subprocess.PIPE
        player = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=plain_environment())
        try:
            wait_for(lambda: bool(system.client.get("/gateways")["items"]), 20, lambda: tail(system.log))
            cluster.stop(how)
            wait_for(lambda: health(system)[1]["books"]["ok"] is False, 20, lambda: health(system))
            status, parts = health(system)
            assert status == 503
            assert "do not answer" in parts["books"]["detail"]["reason"]
            assert PASSWORD not in json.dumps(parts)
            time.sleep(2)
            answer = httpx.get(f"{system.url}/api/v1/sites", headers={"Authorization": "Bearer x"}, timeout=20)
            assert (answer.status_code, answer.json()["status"]) == (503, 503)
        finally:
            cluster.start()
        out, log = player.communicate(timeout=120)
        assert player.returncode == 0, log
        said = json.loads(out.splitlines()[-1])
        assert (said["landed"], said["duplicate"], said["refused"], said["held"]) == (ROWS, 0, 0, 0)
        span = {"from": "2025-01-01T00:00", "to": "2025-06-01T00:00"}
        total = system.client.get("/energy", site="s", meter="m", step="month", **span)["total"]
        assert (total["kwh"], total["intervals"]) == ((ROWS - 1) * 0.25, ROWS - 1)
        wait_for(lambda: health(system)[0] == 200, 60, lambda: health(system))
        wait_for(lambda: heard.events["health"] >= 2 * 3, 20, lambda: heard)
        assert heard.ended == 0, "the streams did not stay open"
        for path in (system.data / "logs").iterdir():
            assert PASSWORD not in path.read_text()
