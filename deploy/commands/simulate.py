"""`carbonwatch simulate`: plants, gateways and faults of a scenario, and the truth about them."""

import json
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import nullcontext
from dataclasses import asdict
from datetime import datetime
from functools import reduce
from pathlib import Path
from typing import Any

import click
from tabulate import tabulate

from deploy.options import FORMATS, feeding_options, speed_option
from deploy.whereabouts import Whereabouts
from energy.errors import OutsideError, SetupError
from energy.window import to_text
from simulators.device import Act
from simulators.ledger import Ledger, ledger_in
from simulators.scenario import read_scenario
from simulators.script import Script
from simulators.simulate import Player, ledgers, register_all, settle
from simulators.truth import TruthWriter, check_empty

_EXAMPLE = "carbonwatch simulate --scenario scenarios/everything.toml --days 3 --speed max --seed 77 --truth truth"
_EVERY = 2.0  # s between lines of progress


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.option("--scenario", "file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=True,
              help="What is played, a TOML file; see scenarios/ and docs/scenarios.md.")  # fmt: skip
@click.option("--start", type=click.DateTime(["%Y-%m-%d"]), help="The first day; the scenario's own without it.")
@click.option("--days", type=int, help="How many days; as many as the scenario says without it.")
@click.option("--seed", type=int, help="The seed of every chance; the scenario's own without it.")
@speed_option
@click.option("--truth", "folder", type=click.Path(file_okay=False, path_type=Path),
              help="A new directory for the truth, as `carbonwatch audit --truth` compares it.")  # fmt: skip
@feeding_options
@click.option("--output", type=FORMATS, default="table", show_default=True,
              help="How to print the summary; json prints progress too, one object a line.")  # fmt: skip
def simulate(
    file: Path, start: datetime | None, days: int | None, seed: int | None, speed: float | None, folder: Path | None,
    data: Path, url: str | None, mqtt: str | None, output: str,
) -> None:  # fmt: skip
    """Play a scenario's sites through gateways of their own; return when all is landed, held or refused."""
    script = Script(read_scenario(file), seed, start.date() if start else None, days)
    _check_end(script, speed)
    where = Whereabouts(data, url, mqtt)
    say = _Progress(output)
    try:
        summary = _play(where, script, speed, folder, say)
    except OutsideError as error:
        raise click.ClickException(f"{error}{_unfinished(folder)}") from error
    except KeyboardInterrupt as error:
        raise click.ClickException(f"stopped in mid-run{_unfinished(folder)}") from error
    _print(summary, output)


def _unfinished(folder: Path | None) -> str:
    return f"; the truth in {folder} is not finished and of no use" if folder else ""


def _check_end(script: Script, speed: float | None) -> None:
    now = time.time_ns() // 1_000_000
    if script.end > now and (speed is None or speed > 1):
        last = to_text(script.end, script.scenario.zone)
        raise SetupError(f"the run would end at {last}, in the future, and be refused: choose an earlier --start")


def _play(
    where: Whereabouts, script: Script, speed: float | None, folder: Path | None, say: "_Progress"
) -> dict[str, Any]:
    begun = time.monotonic()
    client = where.now.client
    if folder is not None:
        check_empty(folder)
    new = register_all(client, script)
    say("registered", lambda: {"new": len(new)})
    before = ledgers(client, script)
    played: dict[str, Any] = {
        "played_at": _now(), "finished_at": None,
        "ledgers": {"/".join(place): item["ledger"] for place, item in before.items()},
        "boots": {"/".join(place): [boot["boot"] for boot in item["boots"]] for place, item in before.items()},
    }  # fmt: skip
    player = Player(script, where.broker, speed, say)
    with TruthWriter(folder) if folder else nullcontext() as truth:
        if truth:
            truth.begin(script, played)
        sent = player.play(truth.add if truth else _forget)
        after = settle(where.client, script, player, before, say)
        if truth:
            truth.end(script, {**played, "finished_at": _now(), "repeated": sent.repeated})
    total = reduce(Ledger.plus, (ledger_in(after[at]).since(ledger_in(before.get(at))) for at in after), Ledger())
    return {
        "scenario": script.scenario.name, "seed": script.seed, "from": to_text(script.start, script.scenario.zone),
        "to": to_text(script.end, script.scenario.zone), **asdict(sent), "seconds": round(time.monotonic() - begun, 1),
        **asdict(total), "truth": str(folder) if folder else None,
    }  # fmt: skip


class _Progress:
    """A line at most every two seconds: for a person on stderr, for a program on stdout."""

    def __init__(self, output: str) -> None:
        self._json, self._said, self._stage = output == "json", 0.0, ""

    def __call__(self, stage: str, look: Callable[[], Mapping[str, Any]]) -> None:
        now = time.monotonic()
        if stage == self._stage and now - self._said < _EVERY:
            return
        self._stage, self._said, found = stage, now, look()
        if self._json:
            click.echo(json.dumps({"stage": stage, **found}))
        else:
            click.echo(f"{stage}: " + ", ".join(f"{name} {value}" for name, value in found.items()), file=sys.stderr)


def _print(summary: dict[str, Any], output: str) -> None:
    if output == "json":
        click.echo(json.dumps({"stage": "done", **summary}, ensure_ascii=False))
    elif output == "csv":
        click.echo(",".join(summary) + "\n" + ",".join(str(value) for value in summary.values()))
    else:
        click.echo(tabulate(list(summary.items()), tablefmt="plain", disable_numparse=True))


def _forget(_act: Act) -> None:
    """No truth was asked for."""


def _now() -> str:
    return to_text(time.time_ns() // 1_000_000)
