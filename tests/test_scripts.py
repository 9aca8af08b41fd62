"""The scripts in a clone of their own, and how `--require` and the table of neighbours answer."""

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.source import ROOT, kept_files
from tests.system import plain_environment

SETUP_S = 400
PROBE = """
import pytest

@pytest.mark.needs("alertmanager")
def test_with_one_that_is_here():
    pass

@pytest.mark.needs("influxdb")
def test_with_one_that_is_absent():
    raise AssertionError("must not run")
"""


def copy_to(folder: Path) -> Path:
    """The source as a clone in `folder`, without its history."""
    for path in kept_files():
        target = folder / path.relative_to(ROOT)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(path, target)
    return folder


def start(script: Path, *args: str) -> subprocess.Popen[str]:
    """Start a script from another directory, in a process group of its own."""
    pipe = subprocess.PIPE
    return subprocess.Popen(
        [script, *args], cwd="/", env=plain_environment(), stdout=pipe, stderr=pipe, text=True, start_new_session=True
    )


def run(script: Path, *args: str, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a script from another directory to its end."""
    env = {**plain_environment(), **environment}
    return subprocess.run(
        [script, *args], cwd="/", env=env, capture_output=True, text=True, timeout=SETUP_S, check=False
    )


def kill_when(process: subprocess.Popen[str], sign: Path) -> None:
    """Kill a process and its children without warning as soon as `sign` is there."""
    deadline = time.monotonic() + 60
    while not sign.exists():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < deadline
        time.sleep(0.02)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A clone whose path has spaces, in which a first set-up was killed and two runs were then started at once."""
    folder = copy_to(tmp_path_factory.mktemp("clone") / "a clone with spaces")
    kill_when(start(folder / "scripts/setup"), folder / ".venv/bin/python")
    both = [start(folder / "scripts/run", "--help") for _ in range(2)]
    for process in both:
        out, err = process.communicate(timeout=SETUP_S)
        assert process.returncode == 0, err
        assert "Usage: carbonwatch up" in out
    yield folder
    shutil.rmtree(folder)


@pytest.mark.timeout(SETUP_S)
def test_a_clone_sets_itself_up_once_even_after_a_kill(clone: Path) -> None:
    began = time.monotonic()
    again = run(clone / "scripts/setup")
    assert time.monotonic() - began < 1
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


@pytest.mark.timeout(SETUP_S)
def test_an_installed_clone_uses_its_own_code(clone: Path) -> None:
    code = "import energy, deploy; print(energy.__file__, deploy.__file__)"
    done = subprocess.run([clone / ".venv/bin/python", "-c", code], cwd="/", capture_output=True, text=True, check=True)
    assert done.stdout.count(str(clone)) == 2


@pytest.mark.timeout(SETUP_S)
def test_a_changed_project_is_set_up_again_in_place(clone: Path) -> None:
    kept = clone / ".venv/kept"
    kept.touch()
    with (clone / "pyproject.toml").open("a") as project:
        project.write("# changed\n")
    again = run(clone / "scripts/setup")
    assert again.returncode == 0, again.stderr
    assert "setting up .venv" in again.stderr
    assert kept.exists()
    assert run(clone / "scripts/setup").stderr == ""


@pytest.mark.timeout(SETUP_S)
def test_a_changed_hash_is_refused_and_does_not_count(clone: Path, tmp_path: Path) -> None:
    other = shutil.copytree(clone, tmp_path / "other", ignore=shutil.ignore_patterns(".venv"))
    pins = (other / "constraints.txt").read_text("utf-8")
    first, rest = pins.split("==", 1)
    (other / "constraints.txt").write_text(f"{first}==0.0.0.dev0{rest[rest.index(' ') :]}", "utf-8")
    for _ in range(2):
        done = run(other / "scripts/run", "--help")
        assert done.returncode == 2
        assert "could not install constraints.txt" in done.stderr


def path_with(folder: Path, python3: str | None) -> str:
    """A PATH that has the few tools of the script, and only this python3."""
    for tool in ("sh", "readlink", "dirname", "cat", "cksum", "head"):
        (folder / tool).symlink_to(str(shutil.which(tool)))
    if python3 is not None:
        (folder / "python3").write_text(f"#!/bin/sh\n{python3}\n")
        (folder / "python3").chmod(0o755)
    return str(folder)


@pytest.mark.parametrize(
    ("python3", "said"),
    [
        (None, "needs Python 3.11 or newer"),
        ("exit 1", "needs Python 3.11 or newer"),
        ('case "$*" in *ensurepip*) exit 1 ;; esac', "python3 has no venv module"),
    ],
    ids=["none", "too old", "without venv"],
)
def test_without_a_usable_python_one_line_says_so(tmp_path: Path, python3: str | None, said: str) -> None:
    (tmp_path / "bin").mkdir()
    folder = copy_to(tmp_path / "clone")
    done = run(folder / "scripts/run", PATH=path_with(tmp_path / "bin", python3))
    assert done.returncode == 2
    assert done.stderr.startswith("carbonwatch: ")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (folder / ".venv").exists()


def test_an_unknown_argument_of_setup_is_a_usage_error(tmp_path: Path) -> None:
    done = run(copy_to(tmp_path / "clone") / "scripts/setup", "--prod")
    assert (done.returncode, done.stderr) == (2, "carbonwatch: usage: scripts/setup [--dev]\n")


@pytest.fixture
def probe(tmp_path: Path) -> Path:
    """A small project with our conftest, one neighbour that is here and one that is absent."""
    (tmp_path / "tests").mkdir()
    for name in ("conftest.py", "neighbours.py", "postgres.py", "system.py", "where_books.py"):
        shutil.copy2(ROOT / "tests" / name, tmp_path / "tests" / name)
    (tmp_path / "tests" / "test_probe.py").write_text(PROBE)
    shutil.copy2(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "alertmanager").write_text("#!/bin/sh\necho alertmanager, version 0.27.0\n")
    (tmp_path / "bin" / "alertmanager").chmod(0o755)
    return tmp_path


def pytest_in(probe: Path, *args: str) -> subprocess.CompletedProcess[str]:
    """Run the probe's tests with nothing but its own programs on the PATH."""
    env = {**plain_environment(), "PATH": str(probe / "bin")}
    command = [sys.executable, "-m", "pytest", "tests", *args]
    return subprocess.run(command, cwd=probe, env=env, capture_output=True, text=True, check=False)


def test_an_absent_neighbour_is_skipped_and_said_loudly(probe: Path) -> None:
    done = pytest_in(probe)
    assert done.returncode == 0, done.stdout
    assert "Alertmanager  0.27.0                      1 tests ran with it" in done.stdout
    assert "InfluxDB      ABSENT: 1 tests SKIPPED" in done.stdout
    assert "1 passed, 1 skipped" in done.stdout.splitlines()[-1]


def test_an_absent_neighbour_that_is_required_fails(probe: Path) -> None:
    done = pytest_in(probe, "--require", "alertmanager,influxdb")
    assert done.returncode == 1
    assert "InfluxDB is required, and absent" in done.stdout
    assert "InfluxDB      ABSENT, AND REQUIRED: this run fails" in done.stdout


def test_a_required_neighbour_fails_even_where_no_test_asks_for_it(probe: Path) -> None:
    assert pytest_in(probe, "-k", "here", "--require=alertmanager").returncode == 0
    assert pytest_in(probe, "-k", "here", "--require=influxdb").returncode == 1


def test_an_unknown_neighbour_is_a_usage_error(probe: Path) -> None:
    done = pytest_in(probe, "--require", "mosquito")
    assert done.returncode == 2
    assert "no such neighbour: mosquito; there are: mosquitto, influxdb" in done.stderr
