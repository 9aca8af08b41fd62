"""`carbonwatch boards` writes what Grafana needs, and no secret."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from dashboards.fleet import fleet
from deploy.commands.boards import boards
from energy.errors import SetupError


def test_the_files_are_written_and_name_each_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INFLUX_TOKEN", "a-secret-token")
    out = tmp_path / "grafana"
    result = CliRunner().invoke(boards, ["--out", str(out), "--influx", "http://db:8086", "--bucket", "读数$1"])
    assert result.exit_code == 0, result.output
    texts = {path.relative_to(out).as_posix(): path.read_text("utf-8") for path in out.rglob("*") if path.is_file()}
    assert sorted(texts) == [
        "dashboards/fleet.json",
        "provisioning/dashboards/carbonwatch.yaml",
        "provisioning/datasources/carbonwatch.yaml",
    ]
    assert result.output.split() == [str(out / name) for name in ("dashboards/fleet.json",
        "provisioning/datasources/carbonwatch.yaml", "provisioning/dashboards/carbonwatch.yaml")]  # fmt: skip
    assert json.loads(texts["dashboards/fleet.json"]) == fleet()
    source = texts["provisioning/datasources/carbonwatch.yaml"].splitlines()
    assert '    url: "http://db:8086"' in source
    assert '      dbName: "读数$$1"' in source
    assert "    uid: carbonwatch" in source
    assert "      httpHeaderName1: Authorization" in source
    assert "      httpHeaderValue1: Token $INFLUX_TOKEN" in source
    assert f'      path: "{out / "dashboards"}"' in texts["provisioning/dashboards/carbonwatch.yaml"].splitlines()
    assert "a-secret-token" not in "".join(texts.values())


def test_zone_and_path_are_the_operators_to_choose(tmp_path: Path) -> None:
    arguments = ["--out", str(tmp_path), "--zone", "Europe/Berlin", "--boards-path", "/var/lib/grafana/boards"]
    assert CliRunner().invoke(boards, arguments).exit_code == 0
    board = json.loads((tmp_path / "dashboards" / "fleet.json").read_text("utf-8"))
    assert board["timezone"] == "Europe/Berlin"
    assert "tz('Europe/Berlin')" in json.dumps(board)
    assert '"/var/lib/grafana/boards"' in (tmp_path / "provisioning/dashboards/carbonwatch.yaml").read_text("utf-8")


def test_a_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    result = CliRunner().invoke(boards, ["--out", str(tmp_path / "file" / "in")])
    assert isinstance(result.exception, SetupError)
    assert "choose another --out" in str(result.exception)


def test_a_zone_that_is_none_is_said(tmp_path: Path) -> None:
    result = CliRunner().invoke(boards, ["--out", str(tmp_path), "--zone", "Mars/Olympus'"])
    assert isinstance(result.exception, SetupError)
    assert list(tmp_path.iterdir()) == []
