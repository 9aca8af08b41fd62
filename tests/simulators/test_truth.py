"""The truth: the same bytes for the same seed, and sums that close."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest

from energy.errors import InputError, SetupError
from simulators.scenario import Scenario, read_scenario
from simulators.script import Script
from simulators.truth import Truth, TruthWriter

SCENARIOS = Path(__file__).parents[2] / "scenarios"
FILES = ("run.json", "faults.json", "messages.csv", "values.csv", "intervals.csv")


def written(folder: Path, script: Script) -> Truth:
    with TruthWriter(folder) as truth:
        truth.begin(script, {"played_at": "now"})
        for act in script.acts():
            if act.kind not in ("cut", "connect"):
                truth.add(act)
        truth.end(script, {"played_at": "now", "finished_at": "later"})
    return Truth(folder)


@pytest.fixture(scope="module", name="everything")
def _everything(tmp_path_factory: pytest.TempPathFactory) -> Truth:
    return written(tmp_path_factory.mktemp("truth") / "one", Script(read_scenario(SCENARIOS / "everything.toml"), 77))


def test_the_same_seed_writes_the_same_truth(tmp_path: Path) -> None:
    scenario = read_scenario(SCENARIOS / "delivery.toml")
    written(tmp_path / "a", Script(scenario, 5))
    written(tmp_path / "b", Script(scenario, 5))
    written(tmp_path / "c", Script(scenario, 6))
    for name in FILES:
        assert (tmp_path / "a" / name).read_bytes() == (tmp_path / "b" / name).read_bytes()
    assert (tmp_path / "a" / "messages.csv").read_bytes() != (tmp_path / "c" / "messages.csv").read_bytes()


def test_every_fault_of_everything_was_played_and_touched_or_kept_something(everything: Truth) -> None:
    quiet = {"reboot"}
    assert len(everything.faults) == 30
    assert all(fault["played"] for fault in everything.faults)
    assert {fault["kind"] for fault in everything.faults if not fault["readings"] + fault["missed"]} == quiet


def test_messages_and_values_say_what_the_system_must_refuse(everything: Truth) -> None:
    messages = {row["message"]: row for row in everything.messages()}
    refused = [row for row in everything.values() if row["expect"] == "refuse"]
    whole = {row["message"] for row in messages.values() if row["expect"] == "refuse"}
    assert whole == {row["message"] for row in messages.values() if row["how"]}
    assert {row["quantity"] for row in refused if row["message"] not in whole} == {"p_kw", "steam_th"}
    assert {row["kind"] for row in messages.values()} == {"telemetry", "birth", "event"}


def test_a_shorter_run_does_not_play_what_comes_later(tmp_path: Path) -> None:
    truth = written(tmp_path / "short", Script(read_scenario(SCENARIOS / "everything.toml"), 77, days=1))
    later = [fault for fault in truth.faults if not fault["played"]]
    assert 10 < len(later) < 25
    assert all(fault["readings"] == fault["missed"] == 0 for fault in later)


def test_what_a_register_counted_is_what_it_showed(tmp_path: Path) -> None:
    raw: dict[str, Any] = {
        "name": "x",
        "start": date(2026, 3, 2),
        "days": 2,
        "site": [{"id": "s", "kind": "steel_works", "meter": {"arc-furnace": {"digits": 6, "multiplier": 10}}}],
    }
    truth = written(tmp_path / "t", Script(msgspec.convert(raw, Scenario)))
    [site] = truth.run["sites"]
    first: dict[str, Decimal] = {}
    last: dict[str, Decimal] = {}
    for row in truth.values():
        if row["quantity"] == next(m["register"] for m in site["meters"] if m["meter"] == row["meter"]):
            first.setdefault(row["meter"], Decimal(row["value"]))
            last[row["meter"]] = Decimal(row["value"])
    counted: defaultdict[str, Decimal] = defaultdict(Decimal)
    true: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in truth.intervals():
        counted[row["meter"]] += Decimal(row["counted"])
        true[row["meter"]] += Decimal(row["true"])
    assert len(counted) == 8
    for meter in site["meters"]:
        wraps = Decimal(meter["modulus"]) * Decimal(meter["resolution"])
        gained = last[meter["meter"]] - first[meter["meter"]]
        assert (gained - counted[meter["meter"]]) % wraps == 0
        assert abs(true[meter["meter"]] - counted[meter["meter"]]) < Decimal(meter["resolution"])


def test_a_meter_fault_counts_otherwise_than_the_truth(everything: Truth) -> None:
    true: defaultdict[str, Decimal] = defaultdict(Decimal)
    counted: defaultdict[str, Decimal] = defaultdict(Decimal)
    for row in everything.intervals():
        name = f"{row['site']}/{row['meter']}"
        true[name] += Decimal(row["true"])
        counted[name] += Decimal(row["counted"])
    wrong = {name for name in true if abs(true[name] - counted[name]) > 1}
    gains = {"spike", "step", "drift", "ct_ratio", "reversed_ct", "bypassed"}
    assert wrong == {fault["at"] for fault in everything.faults if fault["kind"] in gains}


def test_a_directory_that_is_not_empty_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("precious")
    with pytest.raises(SetupError, match="is not empty"):
        TruthWriter(tmp_path)
    assert [file.name for file in tmp_path.iterdir()] == ["mine"]


def test_what_is_no_truth_is_told_so(tmp_path: Path, everything: Truth) -> None:
    with pytest.raises(SetupError, match="is no truth"):
        Truth(tmp_path)
    for name, text in (("run.json", '{"format": "other"}'), ("faults.json", "[]"), ("played.json", "{}")):
        (tmp_path / name).write_text(text)
    with pytest.raises(SetupError, match="the format is 'other'"):
        Truth(tmp_path)
    (tmp_path / "run.json").write_text('{"format": "carbonwatch truth 1"}')
    (tmp_path / "values.csv").write_text("a,b\n1,2\n")
    with pytest.raises(InputError, match="its columns are not"):
        list(Truth(tmp_path).values())
