"""`carbonwatch up` as it really runs: it ends cleanly, leaves nobody behind, and comes back with its data."""

import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from tests.neighbours import free_port
from tests.system import COMMAND, System, descendants, plain_environment, running_system, tail

END_S = 20.0


def wait_for(what: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while not what():
        if time.monotonic() > until:
            return False
        time.sleep(0.05)
    return True


def alive(family: set[tuple[int, str]]) -> set[int]:
    """Those of a family of processes that still run; a zombie does not."""
    left = set()
    for pid, started in family:
        try:
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        except (FileNotFoundError, ProcessLookupError):
            continue
        if fields[0] != "Z" and fields[19] == started:
            left.add(pid)
    return left


def put_site(system: System, name: str) -> None:
    system.client.put_site(name, {"name_en": name})


def check_clean_end(up: System, how: signal.Signals) -> None:
    family = descendants(up.process.pid)
    assert len(family) >= 4
    up.process.send_signal(how)
    assert up.process.wait(END_S) == 0, tail(up.log)
    assert not alive(family), f"{how.name} left children behind"
    assert not (up.data / "running.json").exists()
    assert "Traceback" not in up.log.read_text()


def test_asked_to_end_it_ends_cleanly_and_the_data_survive(tmp_path: Path) -> None:
    data, keys = tmp_path / "data", set()
    for number, how in enumerate((signal.SIGTERM, signal.SIGINT)):
        with running_system(data, "--no-demo") as up:
            keys.add((data / "admin.key").read_text())
            put_site(up, f"site-{number}")
            assert [site["id"] for site in up.client.sites()] == [f"site-{n}" for n in range(number + 1)]
            check_clean_end(up, how)
    assert len(keys) == 1


def test_a_killed_system_leaves_nobody_and_starts_again_on_its_ports(tmp_path: Path) -> None:
    data, ports = tmp_path / "data", ("--port", str(free_port()), "--mqtt-port", str(free_port()))
    with running_system(data, "--no-demo", *ports) as up:
        put_site(up, "kept")
        family = descendants(up.process.pid)
        up.process.kill()
        up.process.wait()
        assert wait_for(lambda: not alive(family), 2.0), f"still there: {alive(family)}"
        assert (data / "running.json").exists()
    began = time.monotonic()
    with running_system(data, "--no-demo", *ports) as up:
        assert time.monotonic() - began < 20
        assert up.url.endswith(ports[1])
        assert up.mqtt.endswith(ports[3])
        assert [site["id"] for site in up.client.sites()] == ["kept"]
        check_clean_end(up, signal.SIGHUP)


def children(up: System) -> dict[str, int]:
    """The services and the broker by name."""
    found = {}
    for pid, _ in descendants(up.process.pid):
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode().split("\0")
        if "-m" in words:
            found[words[words.index("-m") + 2]] = pid
        elif any("iotcore" in word for word in words):
            found["broker"] = pid
    return found


def test_a_part_that_dies_is_started_again_and_health_recovers(tmp_path: Path) -> None:
    with running_system(tmp_path / "data", "--no-demo") as up:
        before = children(up)
        assert before.keys() == {"api", "ingest", "analytics", "broker"}
        for pid in before.values():
            os.kill(pid, signal.SIGKILL)
        assert wait_for(lambda: children(up).keys() == before.keys(), 15.0), tail(up.log)
        assert not set(children(up).values()) & set(before.values())

        def well() -> bool:
            try:
                answer = httpx.get(f"{up.url}/api/v1/health")
            except httpx.HTTPError:
                return False
            parts = {part["name"]: part for part in answer.json()["parts"]}
            young = all(part["age_s"] < 3 for part in parts.values())
            return bool(answer.status_code == 200 and young and parts["broker"]["detail"]["restarts"] == 1)

        assert wait_for(well, 30.0), tail(up.log)
        assert "ended with -9: starting it again" in up.log.read_text()


def test_a_second_system_on_the_same_data_is_refused_and_the_first_unharmed(up: System) -> None:
    began = time.monotonic()
    done = refused("--data", str(up.data), "--port", "0", "--mqtt-port", "0")
    assert "already runs" in done
    assert time.monotonic() - began < 5
    assert json.loads((up.data / "running.json").read_text())["pid"] == up.process.pid
    assert httpx.get(f"{up.url}/api/v1/health").status_code == 200


def test_the_key_is_its_owners_alone_and_is_said_nowhere(up: System) -> None:
    path = up.data / "admin.key"
    key = path.read_text().strip()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert len(key) >= 40
    httpx.get(f"{up.url}/api/v1/sites", headers={"Authorization": f"Bearer {key}"})
    httpx.get(f"{up.url}/api/v1/sites?key={'x' * 10}", headers={"Authorization": "Bearer wrong"})
    said = up.log.read_text()
    assert str(path) in said
    assert key not in said
    logs = list((up.data / "logs").iterdir())
    assert len(logs) >= 3
    held = [*logs, up.data / "running.json", *up.data.glob("books.db*")]
    assert not [file for file in held if key.encode() in file.read_bytes()]
    for pid in [up.process.pid, *(pid for pid, _ in descendants(up.process.pid))]:
        assert key.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        assert key.encode() not in Path(f"/proc/{pid}/environ").read_bytes()


def test_the_printed_link_opens_the_console(up: System) -> None:
    link = next(word for word in up.log.read_text().split() if "/enter?token=" in word)
    with httpx.Client(follow_redirects=True) as browser:
        page = browser.get(link)
        assert (page.status_code, str(page.url)) == (200, f"{up.url}/")
        assert [site["id"] for site in browser.get(f"{up.url}/api/v1/sites").json()["items"]] == ["dc-1", "steel-1"]
    assert (up.data / "readings.db").exists()


def test_it_goes_on_without_a_home_and_when_nobody_reads_what_it_prints(tmp_path: Path) -> None:
    data = tmp_path / "data"
    environment = {name: value for name, value in plain_environment().items() if name not in ("HOME", "USER", "LANG")}
    command = [str(COMMAND), "up", "--no-demo", "--port", "0", "--mqtt-port", "0", "--data", str(data)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=environment) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline().startswith(b"carbonwatch runs")
            process.stdout.close()
            url = json.loads((data / "running.json").read_text())["url"]
            assert wait_for(lambda: httpx.get(f"{url}/api/v1/health").status_code == 200, 15)
            time.sleep(2.5)  # until it would have said so
            assert process.poll() is None
            process.terminate()
            assert process.wait(END_S) == 0
        finally:
            process.kill()


def refused(*args: str, **environment: str) -> str:
    """`up` is refused: exit 2, one line on stderr and nothing else; the line."""
    done = subprocess.run(
        [COMMAND, "up", "--no-demo", *args], capture_output=True, text=True, timeout=30, check=False,
        env={**plain_environment(), **environment},
    )  # fmt: skip
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


@pytest.mark.parametrize("option", ["--port", "--mqtt-port"])
def test_a_busy_port_is_one_line(tmp_path: Path, option: str, up: System) -> None:
    taken = (up.url if option == "--port" else up.mqtt).rpartition(":")[2]
    ports = {"--port": "0", "--mqtt-port": "0", option: taken}
    said = refused("--data", str(tmp_path / "data"), *(word for pair in ports.items() for word in pair))
    assert f"port {taken} is in use: choose another by {option}" in said


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["--port", "70000"], "70000"),
        (["--port", "-1"], "-1"),
        (["--port", "0", "--mqtt-port", "70000"], "70000"),
        (["--port", "39999", "--mqtt-port", "39999"], "39999"),
        (["--port", "0", "--mqtt", "http://localhost"], "mqtt://"),
        (["--port", "0", "--mqtt", "mqtt://localhost:99999"], "99999"),
        (["--port", "0", "--mqtt", "localhost"], "mqtt://"),
        (["--port", "0", "--mqtt-port", "0", "--influx", "http://127.0.0.1:9"], "INFLUX_TOKEN"),
    ],
)
def test_an_option_that_cannot_be_is_one_line(tmp_path: Path, args: list[str], word: str) -> None:
    assert word in refused("--data", str(tmp_path / "data"), *args)


@pytest.mark.parametrize("url", ["nonsense", "http://["])
def test_an_address_of_influxdb_that_cannot_be_is_one_line(tmp_path: Path, url: str) -> None:
    args = ("--data", str(tmp_path / "data"), "--port", "0", "--mqtt-port", "0", "--influx", url)
    assert "very-secret" not in refused(*args, INFLUX_TOKEN="very-secret")


def test_a_directory_that_cannot_be_had_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("here already")
    for data in (tmp_path / "file", tmp_path / "file" / "below", tmp_path / ("x" * 300), tmp_path / ("y/" * 3000)):
        assert "cannot be written" in refused("--data", str(data), "--port", "0", "--mqtt-port", "0")


@pytest.mark.parametrize("name", ["books.db", "readings.db", "accounts.db", "admin.key/", "logs", "lock/"])
def test_a_part_of_the_data_that_is_something_else_is_one_line(tmp_path: Path, name: str) -> None:
    """A file that is no database; a folder where a file should be, and the other way round."""
    if name.endswith("/"):
        (tmp_path / name).mkdir()
    else:
        (tmp_path / name).write_text("this is no database, and no folder " * 50)
    refused("--data", str(tmp_path), "--port", "0", "--mqtt-port", "0")
