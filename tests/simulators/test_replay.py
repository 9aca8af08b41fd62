"""`carbonwatch replay` into a really running system: all of it is queryable, once, whatever happens in between."""

import json
import subprocess
from pathlib import Path
from typing import Any

import pytest

from energy.broker.paho import PahoBroker
from energy.reading import Reading
from energy.registry import Meter, Site
from simulators.gateway import Gateway
from simulators.ledger import Ledger
from simulators.readers.recording import checked
from simulators.replay import Progress, ledger_of, send, wait_queryable
from simulators.replay_control import Control
from tests.system import COMMAND, plain_environment, running_system

STEEL = Path(__file__).parents[3] / "shared" / "data" / "steel" / "steel_2018_jan_sep.csv"
needs_steel = pytest.mark.skipif(not STEEL.exists(), reason=f"the public steel file is not there: {STEEL}")
WHOLE = {"kwh": 729_316.67, "intervals": 26_208, "missing": 0}
QUARTER = 900_000
START = 1_767_225_600_000


def command(*args: object) -> list[str]:
    return [str(COMMAND), *(str(arg) for arg in args)]


def replay(*args: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command("replay", *args), capture_output=True, text=True, timeout=200, env=plain_environment(), check=False
    )


def total(system: Any, site: str, start: str, end: str) -> dict[str, Any]:
    answer = system.client.get("/energy", site=site, step="month", **{"from": start, "to": end})
    found: dict[str, Any] = answer["total"]
    return {key: found[key] for key in WHOLE}


@needs_steel
def test_the_steel_file_is_exact_and_a_second_time_changes_nothing(system: Any) -> None:
    args = [STEEL, "--format", "uci-steel", "--site", "replay-steel", "--meter", "incomer", "--data", system.data]
    first = replay(*args, "--output", "json")
    assert first.returncode == 0, first.stderr
    said = json.loads(first.stdout.splitlines()[-1])
    assert (said["readings"], said["landed"], said["duplicate"]) == (26_209, said["received"], 0)
    assert total(system, "replay-steel", "2018-01-01", "2018-10-01") == WHOLE
    second = replay(*args, "--output", "json")
    assert second.returncode == 0, second.stderr
    assert json.loads(second.stdout.splitlines()[-1])["landed"] == 0
    assert total(system, "replay-steel", "2018-01-01", "2018-10-01") == WHOLE


@needs_steel
def test_a_killed_system_that_comes_back_elsewhere_has_it_all(tmp_path: Path) -> None:
    data = tmp_path / "data"
    args = [STEEL, "--format", "uci-steel", "--site", "s", "--meter", "m", "--speed", "2000000", "--data", data]
    with running_system(data, "--no-demo") as up:
        player = subprocess.Popen(
            command("replay", *args), stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=plain_environment()
        )
        with pytest.raises(subprocess.TimeoutExpired):
            player.wait(6)
        up.process.kill()
        up.process.wait()
    with running_system(data, "--no-demo") as up:
        _, log = player.communicate(timeout=120)
        assert player.returncode == 0, log
        assert total(up, "s", "2018-01-01", "2018-10-01") == WHOLE


def test_a_mapped_file_with_a_hole_is_all_there_and_the_hole_is_missing(system: Any, tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    file.write_text("Time,Use\n2026-01-01T00:15,0.10\n2026-01-01T00:30,0.25\n2026-01-01T01:00,1.00\n")
    args = [file, "--format", "csv", "--map", "time=Time,interval_kwh=Use", "--site", "replay-csv", "--meter", "m"]
    done = replay(*args, "--data", system.data, "--output", "csv")
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[0].startswith("site,meters,gateway,boot,readings,messages")
    found = total(system, "replay-csv", "2026-01-01T00:00", "2026-01-01T01:00")
    assert found == {"kwh": 1.35, "intervals": 3, "missing": 1}


def test_an_esif_file_brings_its_meters_and_its_boundary(system: Any, tmp_path: Path) -> None:
    file = tmp_path / "esif.csv"
    head = "ts,it_power_kw,cooling_kw,hvac_kw,pump_kw,plug_and_light_kw\n"
    file.write_text(head + "".join(f"2026-01-01T0{m // 60}:{m % 60:02},1000,20,8,6,2\n" for m in range(0, 125, 5)))
    done = replay(file, "--format", "esif", "--site", "replay-dc", "--data", system.data)
    assert done.returncode == 0, done.stderr
    assert {meter["id"] for meter in system.client.meters("replay-dc")} == {
        "it",
        "cooling",
        "hvac",
        "pump",
        "plug_light",
    }
    hours = {"from": "2026-01-01T00:00", "to": "2026-01-01T02:00"}
    values = [item["pue"] for item in system.client.get("/pue", site="replay-dc", step="hour", **hours)["items"]]
    assert values == [pytest.approx(1.036), pytest.approx(1.036)]


def test_what_differs_from_what_is_stored_is_said_with_exit_1(system: Any, tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    args = [file, "--format", "csv", "--map", "time=t,e_kwh=k", "--site", "replay-x", "--meter", "m"]
    file.write_text("t,k\n2026-01-01T00:00,1\n2026-01-01T00:15,2\n")
    assert replay(*args, "--data", system.data).returncode == 0
    file.write_text("t,k\n2026-01-01T00:00,1\n2026-01-01T00:15,3\n")
    done = replay(*args, "--data", system.data)
    assert done.returncode == 1
    assert "1 other than what is stored" in done.stderr


def test_what_is_registered_stays_as_it_is(system: Any, tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    file.write_text("t,k\n2026-01-01T00:00,1\n2026-01-01T00:15,2\n")
    system.client.put_site("replay-own", {"name_zh": "厂", "name_en": "Works", "kind": "plant", "zone": "UTC"})
    system.client.put_meter("replay-own", "m", {"name_zh": "表", "name_en": "Meter", "digits": 6, "decimals": 1})
    done = replay(file, "--format", "csv", "--map", "time=t,e_kwh=k", "--site", "replay-own", "--meter", "m",
                  "--data", system.data)  # fmt: skip
    assert done.returncode == 0, done.stderr
    [meter] = system.client.meters("replay-own")
    assert (meter["name_en"], meter["digits"], meter["decimals"]) == ("Meter", 6, 1)
    assert next(site for site in system.client.sites() if site["id"] == "replay-own")["zone"] == "UTC"


def test_speed_is_seconds_of_the_file_in_each_second(system: Any) -> None:
    site = Site("replay-speed", "s", "s")
    meter = Meter(site.id, "m", "m", "m", None)
    times = [START + n * QUARTER for n in range(5)]
    recording = checked(site, (meter,), lambda: iter(Reading("m", at, {"p_kw": 1.0}) for at in times))
    system.client.put_site(site.id, {"name_zh": "s", "name_en": "s"})
    system.client.put_meter(site.id, "m", {"name_zh": "m", "name_en": "m", "register": None})
    gateway = Gateway(PahoBroker(system.mqtt, "speed", clean=True), site.id, "replay")
    gateway.start()
    said: list[str] = []
    steps: list[Progress] = []
    try:
        assert send(gateway, recording, Control(3600.0), steps.append) == 5
        assert gateway.last_seq == 5
        ledger = wait_queryable(lambda: system.client, site.id, "replay", gateway, ["m"], said.append)
    finally:
        gateway.stop()
    assert (ledger.received, ledger.landed) == (5, 5)
    assert ledger_of(system.client, site.id, "another") == Ledger()


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["--format", "csv", "--meter", "m"], "--format csv needs --map"),
        (["--format", "csv", "--meter", "m", "--map", "time=t,e_kwh=x"], "no column x"),
        (["--format", "uci-steel"], "--format uci-steel needs --meter"),
        (["--format", "csv", "--meter", "a/b", "--map", "time=t,e_kwh=k"], "meter 'a/b'"),
        (["--format", "csv", "--meter", "m", "--speed", "0"], "'0' is not a number above 0 or max"),
        (["--format", "csv", "--meter", "m", "--zone", "Mars/Base"], "--zone 'Mars/Base'"),
    ],
)
def test_wrong_use_is_one_line_and_exit_2(system: Any, tmp_path: Path, args: list[str], said: str) -> None:
    file = tmp_path / "meter.csv"
    file.write_text("t,k\n2026-01-01,1\n2026-01-02,2\n")
    done = replay(file, "--site", "replay-x", "--data", system.data, *args)
    assert done.returncode == 2
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_system_it_says_how_to_start_one(tmp_path: Path) -> None:
    file = tmp_path / "meter.csv"
    file.write_text("t,k\n2026-01-01,1\n2026-01-02,2\n")
    done = replay(file, "--format", "esif", "--site", "s", "--data", tmp_path / "nothing")
    assert done.returncode == 2
    assert "carbonwatch up" in done.stderr
