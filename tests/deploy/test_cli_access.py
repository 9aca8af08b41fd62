"""Access, exports and manual entry on the command line: the same by --data and by --url, and no secret shown."""

import csv
import io
import json
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import pandas as pd
import pytest
from click.testing import CliRunner, Result

from deploy.cli import carbonwatch
from energy.access import ALLOWED, LEVEL, Permission, Role
from energy.client import Client
from energy.errors import CarbonwatchError
from tests.api.served import KEY, Served, fill, served
from tests.source import ROOT
from tests.system import COMMAND, plain_environment, running_system

PASSWORD = "correct horse battery"
GROUPS = {"accounts", "keys", "units", "regions", "sites"}


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    """A served API that all tests here write to, each its own things."""
    folder = tmp_path_factory.mktemp("access")
    with served(folder) as one:
        fill(one)
        (folder / "running.json").write_text(json.dumps({"url": one.url, "mqtt": "mqtt://127.0.0.1:1"}))
        (folder / "admin.key").write_text(KEY)
        yield one


@pytest.fixture
def data(world: Served) -> str:
    """The data directory of the served API."""
    assert world.context.journal is not None
    return str(world.context.journal.parent)


def run(*args: str, text: str = "", **environment: str) -> Result:
    return CliRunner().invoke(carbonwatch, args, input=text, env={"CARBONWATCH_KEY": None, **environment})


def told(*args: str, text: str = "", **environment: str) -> Any:
    """What a command that succeeds prints as JSON."""
    done = run(*args, "--format", "json", text=text, **environment)
    assert done.exit_code == 0, f"{args}: {done.output} {done.exception!r}"
    return json.loads(done.stdout)


def refused(*args: str, text: str = "", **environment: str) -> str:
    """The error that the command line turns into one line and exit code 2."""
    done = run(*args, text=text, **environment)
    assert isinstance(done.exception, CarbonwatchError), f"{args}: {done.output} {done.exception!r}"
    return str(done.exception)


def test_regions_units_and_sites_are_made_and_changed_only_where_it_is_said(data: str) -> None:
    region = told("regions", "put", "binhai", "--name-zh", "滨海新区", "--data", data)
    assert region == {"id": "binhai", "name_zh": "滨海新区", "name_en": "binhai"}
    assert told("regions", "put", "binhai", "--name-en", "Binhai", "--data", data)["name_zh"] == "滨海新区"
    code = "91320000MA1XXXXX0A"
    told("units", "put", "steel-ltd", "--region", "binhai", "--credit-code", code, "--data", data)
    unit = told("units", "put", "steel-ltd", "--name-en", "Steel Ltd.", "--data", data)
    assert (unit["region"], unit["credit_code"], unit["name_en"]) == ("binhai", code, "Steel Ltd.")
    before = next(site for site in told("sites", "--data", data)["items"] if site["id"] == "dc-1")
    assert before["boundary"] is not None
    assert told("sites", "put", "dc-1", "--unit", "steel-ltd", "--data", data) == {**before, "unit": "steel-ltd"}
    for listing in (["sites", "--unit", "steel-ltd"], ["sites", "list", "--unit", "steel-ltd"]):
        assert [site["id"] for site in told(*listing, "--data", data)["items"]] == ["dc-1"]
    assert [one["id"] for one in told("units", "--region", "binhai", "--data", data)["items"]] == ["steel-ltd"]
    assert "no region 'nowhere'" in refused("units", "put", "x", "--region", "nowhere", "--data", data)


def test_an_account_is_made_changed_and_disabled(world: Served, data: str) -> None:
    made = told("accounts", "add", "li", "--role", "plant_operator", "--site", "steel-1", "--password-stdin",
                "--data", data, text=PASSWORD + "\n")  # fmt: skip
    assert (made["role"], made["scope"], made["disabled"]) == ("plant_operator", {"sites": ["steel-1"]}, False)

    def may_sign_in(password: str) -> bool:
        with Client(world.url) as client:
            try:
                return client.sign_in("li", password)["name"] == "account li"
            except CarbonwatchError:
                return False

    assert may_sign_in(PASSWORD)
    asked = run("accounts", "change", "li", "--password", "--data", data, text=f"{PASSWORD} 2\n{PASSWORD} 2\n")
    assert asked.exit_code == 0, asked.output
    assert PASSWORD not in asked.output
    assert (may_sign_in(PASSWORD), may_sign_in(f"{PASSWORD} 2")) == (False, True)
    told("accounts", "change", "li", "--role", "auditor", "--data", data)
    assert told("accounts", "disable", "li", "--data", data)["disabled"] is True
    assert not may_sign_in(f"{PASSWORD} 2")
    told("accounts", "change", "li", "--enable", "--data", data)
    assert may_sign_in(f"{PASSWORD} 2")
    found = {one["name"]: one for one in told("accounts", "--data", data)["items"]}
    assert (found["li"]["role"], found["li"]["scope"]) == ("auditor", {"everything": True})


@pytest.mark.parametrize(
    ("args", "text", "word"),
    [
        (["add", "x", "--role", "officer", "--password-stdin"], PASSWORD, "bound to regions"),
        (["add", "x", "--role", "admin", "--site", "steel-1", "--password-stdin"], PASSWORD, "sees everything"),
        (["add", "x", "--role", "plant_operator", "--site", "no", "--password-stdin"], PASSWORD, "no such sites: no"),
        (["add", "x", "--role", "admin", "--password-stdin"], "short", "12 characters"),
        (["add", "x", "--role", "admin", "--password-stdin"], "", "the password is empty"),
        (["change", "x", "--site", "steel-1"], "", "--role"),
        (["change", "x"], "", "nothing is to be changed"),
        (["disable", "nobody"], "", "no account 'nobody'"),
    ],
)
def test_what_cannot_be_of_an_account_is_said(data: str, args: list[str], text: str, word: str) -> None:
    assert word in refused("accounts", *args, "--data", data, text=text)


def parameters(command: click.Command) -> Iterator[click.Parameter]:
    yield from command.params
    if isinstance(command, click.Group):
        context = click.Context(command)
        for name in command.list_commands(context):
            below = command.get_command(context, name)
            assert below is not None
            yield from parameters(below)


def test_no_command_takes_a_secret_as_an_argument() -> None:
    names = [(one, option) for one in parameters(carbonwatch) for option in one.opts]
    secret = [(one, option) for one, option in names if re.search("password|secret|token", option)]
    assert {option for _, option in secret} == {"--password", "--password-stdin"}
    assert all(isinstance(one, click.Option) and one.is_flag for one, _ in secret)


def test_a_key_is_made_used_rotated_and_revoked(world: Served, data: str) -> None:
    made = run("keys", "add", "shop", "--role", "developer", "--unit", "default", "--days", "2", "--data", data)
    [secret] = re.findall(r"^secret: (\S+)$", made.stdout, re.MULTILINE)
    here = {"CARBONWATCH_KEY": secret, "CARBONWATCH_URL": world.url}
    me = told("whoami", **here)
    assert (me["name"], me["role"]) == ("key shop", "developer")
    assert set(me["may"]) == set(ALLOWED[Role.DEVELOPER])
    assert "may not administer" in refused("keys", **here)
    key = next(one for one in told("keys", "--data", data)["items"] if one["name"] == "shop")
    new = told("keys", "rotate", str(key["id"]), "--grace-hours", "0", "--data", data)
    assert "key was not taken" in refused("whoami", **here)
    assert told("whoami", **{**here, "CARBONWATCH_KEY": new["secret"]})["name"] == "key shop"
    gone = told("keys", "revoke", str(new["id"]), "--data", data)["items"]
    assert gone[0]["revoked_at"] is not None
    assert "key was not taken" in refused("whoami", **{**here, "CARBONWATCH_KEY": new["secret"]})
    listed = run("keys", "--data", data).stdout + run("audit", "--data", data, "--format", "json").stdout
    assert secret not in listed
    assert new["secret"] not in listed


def test_the_audit_record_says_who_did_what(data: str) -> None:
    told("sites", "put", "audited-1", "--kind", "plant", "--data", data)
    [entry] = told("audit", "--site", "audited-1", "--data", data)["items"]
    assert (entry["actor"], entry["action"], entry["before"]) == ("admin key", "site.put", None)
    told("sites", "put", "audited-1", "--kind", "other", "--data", data)
    newest = told("audit", "--action", "site.put", "--actor", "admin key", "--limit", "1", "--data", data)["items"]
    assert [(one["before"]["kind"], one["after"]["kind"]) for one in newest] == [("plant", "other")]


def test_readings_are_exported_as_each_kind_of_file(data: str, tmp_path: Path) -> None:
    ask = ["--site", "steel-1", "--meter", "incomer", "--from", "2018-01-01", "--to", "2018-01-03", "--data", data]
    for kind in ("csv", "xlsx", "parquet"):
        done = told("export", "readings", *ask, "--out", str(tmp_path / f"r.{kind}"))
        assert done == {"file": str(tmp_path / f"r.{kind}"), "bytes": (tmp_path / f"r.{kind}").stat().st_size}
    assert len(pd.read_parquet(tmp_path / "r.parquet")) == 2 * 96
    assert len((tmp_path / "r.csv").read_text("utf-8-sig").splitlines()) == 2 * 96 + 1
    for what in ("energy", "pue", "alerts", "quarantine", "audit"):
        file = tmp_path / f"{what}.csv"
        told("export", what, "--from", "2018-01-01", "--to", "2018-02-01", "--out", str(file), "--data", data)
        assert "site" in file.read_text("utf-8-sig").splitlines()[0]
    assert ".parquet" in refused("export", "alerts", "--out", str(tmp_path / "x.pdf"), "--data", data)


def entry(folder: Path, text: str) -> str:
    (folder / "june.csv").write_text(text, "utf-8-sig")
    return str(folder / "june.csv")


def test_readings_are_entered_with_author_and_reason(data: str, tmp_path: Path) -> None:
    file = entry(tmp_path, "quality, time ,e_kwh\nmeasured,2018-02-01T00:00,5000\n\n,2018-02-01T00:15+08:00,5000.5\n")
    ask = [file, "--site", "steel-1", "--meter", "second", "--reason", "the gateway was down", "--data", data]
    [done] = told("enter", *ask)["items"]
    assert (done["readings"], done["values"], done["author"]) == (2, 2, "admin key")
    assert done["last"] == "2018-02-01T00:15:00+08:00"
    [entry_of_it] = told("audit", "--action", "readings.enter", "--site", "steel-1", "--data", data)["items"]
    assert entry_of_it["after"]["reason"] == "the gateway was down"


def test_more_than_one_entry_holds_is_entered_in_parts(data: str, tmp_path: Path) -> None:
    lines = [f"2018-02-{1 + n // 1440 % 28:02}T{n // 60 % 24:02}:{n % 60:02},{n}" for n in range(12_000)]
    ask = ["--site", "berlin-1", "--meter", "incomer", "--reason", "by hand", "--data", data]
    done = told("enter", entry(tmp_path, "\n".join(["time,e_kwh", *lines])), *ask)["items"]
    assert [one["readings"] for one in done] == [10_000, 2_000]
    lines[11_000] = "2018-02-30T00:00,1"
    said = refused("enter", entry(tmp_path, "\n".join(["time,e_kwh", *lines])), *ask)
    assert "line 11002: " in said
    assert "the lines before 10002 were entered" in said


@pytest.mark.parametrize(
    ("text", "word"),
    [
        ("time,e_kwh\n2018-02-01,1\n2018-02-01,2\n", "line 3: the same time as line 2"),
        ("time,e_kwh\n2018-02-01,x\n", "june.csv:2: e_kwh 'x' is no number"),
        ("time,e_kwh\n2018-02-01,nan\n", "no finite number"),
        ("time,e_kwh\n2018-02-01,\n", "june.csv:2: it has no value"),
        ("time,e_kwh\n2018-02-01,1,2\n", "3 cells under 2 columns"),
        ("time,e_kwh\n2099-01-01,1\n", "in the future"),
        ("time,steam_t\n2018-02-01,1\n", "is not this meter's register"),
        ("time,e_kwh,quality\n2018-02-01,1,perfect\n", "line 2"),
        ("time,kwh\n2018-02-01,1\n", "'kwh' is none of them"),
        ("e_kwh\n1\n", "it has e_kwh"),
        ("time,e_kwh,e_kwh\n2018-02-01,1,1\n", "once each"),
        ("", "it has none"),
    ],
)
def test_what_cannot_be_entered_is_said_with_its_line(data: str, tmp_path: Path, text: str, word: str) -> None:
    ask = [entry(tmp_path, text), "--site", "steel-1", "--meter", "incomer", "--reason", "by hand", "--data", data]
    assert word in refused("enter", *ask)


def test_a_table_and_csv_of_each_list_have_its_columns(data: str) -> None:
    for name in [*sorted(GROUPS), "audit", "whoami"]:
        rows = list(csv.reader(io.StringIO(run(name, "--format", "csv", "--data", data).stdout)))
        assert run(name, "--data", data).stdout.split()[: len(rows[0])] == rows[0]
        assert all(len(row) == len(rows[0]) for row in rows)


def test_by_url_everything_is_as_by_data(world: Served, data: str) -> None:
    for command in (["sites"], ["units"], ["regions"], ["keys"], ["accounts"], ["alerts"], ["whoami"], ["gateways"]):
        assert told(*command, "--url", world.url, CARBONWATCH_KEY=KEY) == told(*command, "--data", data)


def test_the_environment_says_it_too_and_an_argument_wins(world: Served, data: str, tmp_path: Path) -> None:
    sites = told("sites", "--data", data)
    assert told("sites", CARBONWATCH_DATA=data) == sites
    assert told("sites", CARBONWATCH_URL=world.url, CARBONWATCH_KEY=KEY) == sites
    nobody = "http://127.0.0.1:1"
    assert told("sites", "--data", data, CARBONWATCH_URL=nobody, CARBONWATCH_KEY="x") == sites
    assert told("sites", "--url", world.url, CARBONWATCH_URL=nobody, CARBONWATCH_KEY=KEY) == sites
    assert str(tmp_path) in refused("sites", CARBONWATCH_DATA=str(tmp_path))
    assert "does not answer" in refused("sites", CARBONWATCH_DATA=data, CARBONWATCH_URL=nobody, CARBONWATCH_KEY="x")
    busy = world.url.rpartition(":")[2]
    place = {"CARBONWATCH_DATA": str(tmp_path / "d"), "CARBONWATCH_PORT": busy}
    done = subprocess.run([COMMAND, "up", "--no-demo"], capture_output=True, text=True, check=False, timeout=30,
                          env=plain_environment() | place)  # fmt: skip
    assert done.returncode == 2
    assert f"port {busy}" in done.stderr
    assert (tmp_path / "d").is_dir()


def test_a_refusal_is_one_line_and_2_and_a_group_lists(world: Served, data: str) -> None:
    done = subprocess.run([COMMAND, "accounts", "disable", "nobody", "--data", data], capture_output=True, text=True,
                          check=False, env=plain_environment())  # fmt: skip
    assert (done.returncode, done.stdout, len(done.stderr.splitlines())) == (2, "", 1)
    for name in GROUPS:
        assert told(name, "--data", data) == told(name, "list", "--data", data)
        assert run(name, "--help").exit_code == 0
        assert run(name, "nonsense", "--data", data).exit_code == 2


def test_what_is_entered_by_hand_can_be_queried(tmp_path: Path) -> None:
    file = entry(tmp_path, "time,e_kwh\n2026-01-01T00:00,100\n2026-01-01T00:15,104.5\n")
    with running_system(tmp_path / "data", "--no-demo") as up:
        told("sites", "put", "steel-1", "--name-en", "Steel", "--data", str(up.data))
        up.client.put_meter("steel-1", "incomer", {})
        told("enter", file, "--site", "steel-1", "--meter", "incomer", "--reason", "by hand", "--data", str(up.data))
        ask = ["energy", "--site", "steel-1", "--from", "2026-01-01", "--to", "2026-01-02", "--data", str(up.data)]
        until = time.monotonic() + 20
        while (total := told(*ask)["total"])["amount"] != 4.5 and time.monotonic() < until:
            time.sleep(0.2)
        assert (total["amount"], total["estimated"], total["missing"]) == (4.5, 1, 95)


def test_the_table_of_roles_is_what_holds() -> None:
    rows = [line.strip("|").split("|") for line in (ROOT / "docs" / "access.md").read_text("utf-8").splitlines()]
    told_of = {row[0].strip(" `"): [cell.strip() for cell in row[1:]] for row in rows if len(row) > 8}
    columns = [name.strip("`") for name in told_of["role"][1:]]
    assert columns == list(Permission)
    for role in Role:
        yes = ["yes" if permission in ALLOWED[role] else "–" for permission in Permission]
        assert told_of[role] == [LEVEL[role] or "everything", *yes]
