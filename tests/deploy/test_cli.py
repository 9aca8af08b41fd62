"""The command line: every command explains itself, prints what programs can read, and says why it cannot."""

import csv
import io
import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import click
import pytest

from deploy.cli import carbonwatch, main
from tests.neighbours import free_port
from tests.system import COMMAND, System, plain_environment

COMMANDS = carbonwatch.list_commands(click.Context(carbonwatch))
DAYS = ["--from", "2026-01-01", "--to", "2026-01-03"]
READ: list[list[str]] = [
    ["health"], ["sites"], ["meters", "--site", "steel-1"], ["energy", "--site", "steel-1", *DAYS],
    ["energy", "--site", "steel-1", "--meter", "incomer", "--step", "15m", *DAYS], ["pue", "--site", "dc-1", *DAYS],
    ["alerts", "--state", "active"], ["gateways"], ["gateways", "--by-day", *DAYS],
    ["quarantine", "--limit", "5"], ["console"],
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it printed."""

    code: object
    out: str
    err: str


Run = Callable[..., Done]


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Run:
    """Runs `carbonwatch ARGS` in this process; keywords are its environment."""
    monkeypatch.delenv("CARBONWATCH_KEY", raising=False)

    def call(*args: str, **environment: str) -> Done:
        with monkeypatch.context() as patch:
            patch.setattr(sys, "argv", ["carbonwatch", *args])
            for name, value in environment.items():
                patch.setenv(name, value)
            with pytest.raises(SystemExit) as ended:
                main()
        return Done(ended.value.code or 0, *capsys.readouterr())

    return call


def refused(done: Done) -> str:
    """The command ended with 2 and one line on stderr; the line."""
    assert (done.code, done.out) == (2, ""), done
    assert len(done.err.splitlines()) == 1, done.err
    assert done.err.startswith("carbonwatch: ")
    return done.err


@pytest.mark.parametrize("name", COMMANDS)
def test_a_commands_help_has_an_example_and_says_what_it_does(run: Run, name: str) -> None:
    done = run(name, "--help")
    assert (done.code, done.err) == (0, "")
    assert f"Example: carbonwatch {name}" in done.out
    command = carbonwatch.get_command(click.Context(carbonwatch), name)
    assert command is not None
    assert command.help


def test_help_lists_every_command_and_the_exit_codes(run: Run) -> None:
    done = run("--help")
    assert done.code == 0
    assert all(f"  {name} " in done.out for name in COMMANDS)
    assert "Exit codes: 0 done; 1 the answer is no; 2 set-up or usage." in done.out
    assert ", version " in run("--version").out


@pytest.mark.parametrize("args", READ, ids=" ".join)
def test_what_is_printed_can_be_read(run: Run, up: System, args: list[str]) -> None:
    said = {}
    for form in ("json", "csv", "table"):
        done = run(*args, "--format", form, "--data", str(up.data))
        assert (done.code, done.err) == (0, "")
        said[form] = done.out
    assert isinstance(json.loads(said["json"]), dict)
    head, *rows = csv.reader(io.StringIO(said["csv"]))
    assert len(set(head)) == len(head)
    assert {len(row) for row in rows} <= {len(head)}
    assert said["table"].strip()


def test_csv_keeps_quotes_commas_and_chinese(run: Run, up: System) -> None:
    done = run("sites", "--format", "csv", "--data", str(up.data))
    rows = {row["id"]: row for row in csv.DictReader(io.StringIO(done.out))}
    assert rows["steel-1"]["name_en"] == 'Steel, "works"'
    assert rows["steel-1"]["name_zh"] == "钢厂"


def test_energy_as_json_has_its_total_and_missing_does_not_change_the_exit_code(run: Run, up: System) -> None:
    args = ("--site", "steel-1", "--from", "2018-01-01", "--to", "2018-10-01", "--format", "json")
    done = run("energy", *args, "--data", str(up.data))
    assert done.code == 0
    total = json.loads(done.out)["total"]
    assert (total["kwh"], total["intervals"], total["missing"]) == (None, 0, 273 * 96)


def test_more_windows_than_a_page_are_all_printed(run: Run, up: System) -> None:
    args = ("--site", "steel-1", "--from", "2026-01-01", "--to", "2026-05-01", "--step", "15m", "--format", "json")
    done = run("energy", *args, "--data", str(up.data))
    starts = [item["start"] for item in json.loads(done.out)["items"]]
    assert len(set(starts)) == len(starts) == 120 * 96


def test_a_system_may_be_named_by_its_address_and_key(run: Run, up: System) -> None:
    key = (up.data / "admin.key").read_text().strip()
    done = run("sites", "--url", up.url, "--format", "json", CARBONWATCH_KEY=key)
    assert [site["id"] for site in json.loads(done.out)["items"]] == ["dc-1", "steel-1"]
    assert "CARBONWATCH_KEY" in refused(run("sites", "--url", up.url))
    assert "key was not taken" in refused(run("sites", "--url", up.url, CARBONWATCH_KEY="wrong"))
    for url in (f"http://127.0.0.1:{free_port()}", "nonsense", "http://[", f"{up.url}/console"):
        assert key not in refused(run("sites", "--url", url, CARBONWATCH_KEY=key))


@pytest.mark.parametrize(
    ("args", "word"),
    [
        (["energy", "--site", "nobody"], "no site 'nobody'"),
        (["energy", "--site", "steel-1", "--meter", "nobody"], "no meter 'nobody'"),
        (["energy", "--site", "steel-1", "--from", "tomorrow"], "'tomorrow' is not a date or time"),
        (["energy", "--site", "steel-1", "--from", "2026-02-01", "--to", "2026-01-01"], "before"),
        (["pue", "--site", "steel-1"], "no PUE boundary"),
        (["meters", "--site", "nobody"], "no site 'nobody'"),
        (["acknowledge", "99"], "no alert 99"),
        (["resolve", "99999999999999999999999"], "no alert"),
        (["quarantine", "--limit", "0"], "limit"),
        (["gateways", "--by-day", "--from", "tomorrow"], "'tomorrow' is not a day"),
    ],
)
def test_what_is_not_there_is_one_line_and_2(run: Run, up: System, args: list[str], word: str) -> None:
    assert word in refused(run(*args, "--data", str(up.data)))


@pytest.mark.parametrize("args", [args for args in READ if args[0] != "energy"], ids=" ".join)
def test_without_a_system_every_command_says_how_to_start_one(run: Run, tmp_path: Path, args: list[str]) -> None:
    assert f"carbonwatch up --data {tmp_path}" in refused(run(*args, "--data", str(tmp_path)))


@pytest.mark.parametrize(
    "running", ["", "{", "[]", "{}", '{"url": 5, "mqtt": "x"}', '{"url": "http://127.0.0.1:1", "mqtt": ""}']
)
def test_a_running_json_that_is_not_one_is_one_line(run: Run, tmp_path: Path, running: str) -> None:
    (tmp_path / "running.json").write_text(running)
    (tmp_path / "admin.key").write_text("key")
    refused(run("sites", "--data", str(tmp_path)))


@pytest.mark.parametrize("args", [["nonsense"], ["energy"], ["energy", "--site"], ["alerts", "--state", "odd"],
                                  ["up", "--port", "x"], ["acknowledge", "x"], ["sites", "--format", "x"]])  # fmt: skip
def test_wrong_usage_is_2(run: Run, args: list[str]) -> None:
    done = run(*args)
    assert done.code == 2
    assert "Error:" in done.err


def test_a_reader_who_has_gone_is_no_traceback(up: System) -> None:
    line = f"{COMMAND} energy --site steel-1 --from 2026-01-01 --to 2026-04-01 --step 15m --data '{up.data}' | head -1"
    done = subprocess.run(
        ["sh", "-c", line], capture_output=True, text=True, timeout=30, check=False, env=plain_environment()
    )
    assert done.stdout.startswith("start")
    assert "Traceback" not in done.stderr
