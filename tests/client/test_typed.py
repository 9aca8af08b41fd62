"""What other people's programs get: a wheel with the client in it, marked as typed."""

import subprocess
import sys
import tomllib
import zipfile
from pathlib import Path

from tests.source import ROOT


def test_the_wheel_has_the_client_and_says_that_it_is_typed(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True, timeout=60)
    [wheel] = tmp_path.glob("*.whl")
    names = set(zipfile.ZipFile(wheel).namelist())
    packages = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["hatch"]["build"]["targets"]
    assert {f"{package}/py.typed" for package in packages["wheel"]["packages"]} <= names
    client = {path.relative_to(ROOT).as_posix() for path in (ROOT / "energy" / "client").glob("*.py")}
    assert client <= names


def test_a_program_is_checked_against_the_clients_types(tmp_path: Path) -> None:
    good = "from energy.client import Client\n\ndef f(c: Client) -> str:\n    return c.sites()[0]['name_en']\n"
    (tmp_path / "good.py").write_text(good)
    (tmp_path / "bad.py").write_text(good.replace("name_en", "nam_en"))
    (tmp_path / "worse.py").write_text(good.replace("c.sites()", "c.alerts(state='odd')"))
    command = [sys.executable, "-m", "mypy", "--strict", "--config-file=", "--cache-dir", str(tmp_path / "cache")]
    done = [
        subprocess.run([*command, name], cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
                       env={"MYPYPATH": str(ROOT), "PATH": ""})
        for name in ("good.py", "bad.py", "worse.py")
    ]  # fmt: skip
    assert [one.returncode for one in done] == [0, 1, 1], [one.stdout for one in done]
    assert "nam_en" in done[1].stdout
    assert "odd" in done[2].stdout
