"""`carbonwatch audit --truth`, as a person and a program call it."""

import csv
import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.api.served import KEY
from tests.simulators.audit.lab import Lab
from tests.simulators.audit.tampering import delete_reading, delete_value
from tests.system import COMMAND, plain_environment


def run(lab: Lab, *args: str) -> subprocess.CompletedProcess[str]:
    command = [str(COMMAND), "audit", "--url", lab.url, *args]
    env = {**plain_environment(), "CARBONWATCH_KEY": KEY}
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)


def test_all_is_well(lab: Lab) -> None:
    done = run(lab, "--truth", str(lab.truth))
    assert done.returncode == 0, done.stderr
    assert "0 lost, 0 doubled, 0 wrong, 0 moved, 0 deleted, 0 altered, 0 unexplained" in done.stdout
    assert "contradiction" in done.stdout


def test_a_finding_is_printed_as_table_json_and_csv(lab: Lab) -> None:
    with lab.kept():
        delete_reading(lab)
        table, text, rows = (run(lab, "--truth", str(lab.truth), "--format", form) for form in ("table", "json", "csv"))
    assert (table.returncode, text.returncode, rows.returncode) == (1, 1, 1)
    assert "2 lost, 0 doubled" in table.stdout
    assert "lost: mill/gw-1/incomer/e_kwh p_kw 2026-03-02T12:00:00+08:00: " in table.stdout
    said = json.loads(text.stdout)
    assert (said["well"], said["found"]["lost"], said["findings_in_all"]) == (False, 2, 1)
    (row,) = csv.DictReader(io.StringIO(rows.stdout))
    assert (row["kind"], row["meter"], row["count"]) == ("lost", "incomer", "2")
    assert said["findings"][0]["text"] == row["text"]


def test_more_findings_than_asked_for_are_counted(lab: Lab) -> None:
    with lab.kept():
        delete_value(lab)
        lab.change("DELETE FROM point WHERE time > 1772433000000")
        done = run(lab, "--truth", str(lab.truth), "--findings", "2")
    assert done.returncode == 1
    assert done.stdout.count("  lost: ") == 2
    assert "more findings: see --findings" in done.stdout


@pytest.mark.parametrize(
    ("name", "content"),
    [("played.json", None), ("values.csv", None), ("values.csv", "message\n1\n"), ("run.json", "{}"),
     ("messages.csv", "message,due,site,gateway,kind,boot,seq,topic,sha256,size,expect,how\nx,,,,,,,,,,,\n")],
)  # fmt: skip
def test_a_truth_that_is_not_whole_is_a_matter_of_set_up(
    lab: Lab, tmp_path: Path, name: str, content: str | None
) -> None:
    broken = Path(shutil.copytree(lab.truth, tmp_path / "broken"))
    if content is None:
        (broken / name).unlink()
    else:
        (broken / name).write_text(content)
    done = run(lab, "--truth", str(broken))
    assert done.returncode == 2
    assert done.stderr.startswith("carbonwatch: ")
    assert "Traceback" not in done.stderr


def test_a_system_that_does_not_answer_is_a_matter_of_set_up(lab: Lab) -> None:
    command = [str(COMMAND), "audit", "--truth", str(lab.truth), "--url", "http://127.0.0.1:9"]
    env = {**plain_environment(), "CARBONWATCH_KEY": KEY}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=env, check=False)
    assert done.returncode == 2, done.stderr


def test_where_there_is_no_journal_that_is_said_and_not_passed_over(lab: Lab) -> None:
    os.rename(lab.folder / "journal", lab.folder / "elsewhere")
    try:
        asked, without = run(lab, "--truth", str(lab.truth)), run(lab, "--truth", str(lab.truth), "--without-journal")
    finally:
        os.rename(lab.folder / "elsewhere", lab.folder / "journal")
    assert asked.returncode == 1
    assert "unexplained: : the journal was not checked" not in asked.stdout
    assert "the journal was not checked: no journal lies where this API runs" in asked.stdout
    assert without.returncode == 0
    assert "note: the journal was not checked: it was not asked for" in without.stdout


def test_options_of_the_record_and_of_the_comparison_do_not_go_together(lab: Lab) -> None:
    done = run(lab, "--truth", str(lab.truth), "--site", "mill")
    assert (done.returncode, "--site does not go with --truth" in done.stderr) == (2, True)
    done = run(lab, "--findings", "3")
    assert (done.returncode, "--findings goes with --truth" in done.stderr) == (2, True)


def test_without_a_truth_it_says_who_did_what(lab: Lab) -> None:
    done = run(lab, "--format", "json")
    assert done.returncode == 0
    assert "meter.put" in {row["action"] for row in json.loads(done.stdout)["items"]}
