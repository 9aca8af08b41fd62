"""The shape of the source: layers, ceilings, names, and that no other distribution claims ours."""

import ast
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest

from tests.source import ROOT, kept_files

NAMES = ("energy", "ingest", "analytics", "api", "simulators", "dashboards", "deploy")
MODULE_LINES = 300
FUNCTION_LINES = 40
EMPTY_NAMES = {"utils", "util", "common", "models", "core", "helpers", "misc"}
# Joined here, so that this file is not found by its own search.
HOSTS = [".".join(parts) for parts in (("pypi", "org"), ("pythonhosted", "org"), ("npmjs", "org"), ("docker", "io"))]
HOSTS += [".".join(parts) for parts in (("ghcr", "io"), ("quay", "io"), ("gcr", "io"), ("crates", "io"))]
# Folders that every machine has say nothing of one; a clone may stand in them.
ANYWHERE = {"/", "/builds", "/opt", "/repo", "/src", "/srv", "/tmp", "/usr/src", "/var/tmp"}
HERE = [] if str(ROOT.parent) in ANYWHERE else [re.escape(str(ROOT.parent)) + "/"]
MACHINE_PATH = re.compile(
    r"(?<![\w./}-])(?:"
    + "|".join([*("/" + top + r"/[\w.-]+/" for top in ("home", "Users", "root", "mnt")), *HERE])
    + ")"
)


FILES = kept_files()
MODULES = [path for path in FILES if path.suffix == ".py"]


def short(path: Path) -> str:
    """A file's name from the root on."""
    return path.relative_to(ROOT).as_posix()


def pyproject() -> dict[str, Any]:
    """The project's own description."""
    return tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))


def test_services_know_the_language_and_not_each_other() -> None:
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 kept, 0 broken" in done.stdout


def test_the_layers_hold_against_a_real_breach(tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").touch()
    (tmp_path / "ingest" / "breach.py").write_text("import analytics\n")
    (tmp_path / "pyproject.toml").write_bytes((ROOT / "pyproject.toml").read_bytes())
    tool = Path(sys.executable).with_name("lint-imports")
    done = subprocess.run([tool, "--no-cache"], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "ingest.breach -> analytics" in done.stdout


@pytest.mark.parametrize("path", MODULES, ids=short)
def test_a_module_is_short_and_says_what_it_is(path: Path) -> None:
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MODULE_LINES
    assert path.stem not in EMPTY_NAMES
    tree = ast.parse(text)
    assert ast.get_docstring(tree), "no module docstring"
    long = [
        f"{node.name} has {size} lines"
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and (size := (node.end_lineno or 0) - node.lineno + 1) > FUNCTION_LINES
    ]
    assert not long


def test_no_folder_has_an_empty_name() -> None:
    folders = {part for path in MODULES for part in path.relative_to(ROOT).parts[:-1]}
    assert not folders & EMPTY_NAMES


def test_the_package_list_is_what_stands_there() -> None:
    listed = pyproject()["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]
    there = {path.parent.name for path in MODULES if path.name == "__init__.py" and path.parent.parent == ROOT}
    assert sorted(listed) == sorted(NAMES)
    assert there == set(NAMES)


def test_all_code_is_type_checked() -> None:
    assert {path.relative_to(ROOT).parts[0] for path in MODULES} <= set(pyproject()["tool"]["mypy"]["files"])


def test_every_folder_with_code_in_a_package_is_a_package() -> None:
    bare = {
        short(path.parent)
        for path in MODULES
        if path.relative_to(ROOT).parts[0] in NAMES and not (path.parent / "__init__.py").is_file()
    }
    assert not bare, "without __init__.py the layers are not looked at there"


def test_no_other_distribution_claims_our_names() -> None:
    """`tests` too: a package of that name elsewhere would hide our folder."""
    claims = packages_distributions()
    others = {name: set(claims.get(name, ())) - {"carbonwatch"} for name in (*NAMES, "tests")}
    assert not {name: who for name, who in others.items() if who}


def test_no_file_holds_a_machines_path_or_a_registrys_address() -> None:
    found = []
    for path in FILES:
        text = path.read_bytes().decode("utf-8", "ignore")
        found += [f"{short(path)}: {host}" for host in HOSTS if host in text]
        found += [f"{short(path)}: {match[0]}" for match in MACHINE_PATH.finditer(text)]
    assert not found


def test_both_constraints_pin_the_same_versions_with_hashes() -> None:
    run, dev = (pins(ROOT / name) for name in ("constraints.txt", "constraints-dev.txt"))
    assert run.items() <= dev.items()
    wanted = pyproject()["project"]["dependencies"] + pyproject()["build-system"]["requires"]
    names = {re.split(r"[^\w.-]", one)[0] for one in wanted}
    assert names <= {name for name, _ in run}


def pins(path: Path) -> dict[tuple[str, str], frozenset[str]]:
    """The entries of a constraints file: (name, version and marker) → hashes; every entry must have some."""
    found: dict[tuple[str, str], frozenset[str]] = {}
    for entry in path.read_text("utf-8").replace("\\\n", " ").splitlines():
        pin, *hashes = re.split(r"\s+--hash=", entry.strip())
        name, version = pin.split("==", 1)
        assert hashes, f"{pin} has no hash"
        assert all(re.fullmatch(r"sha256:[0-9a-f]{64}", one) for one in hashes), pin
        found[name, version] = frozenset(hashes)
    return found
