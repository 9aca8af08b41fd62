"""`scripts/faults`: what is lost when things break, row by row, and the same for Telegraf beside it."""

import json
import signal
import sys
from pathlib import Path

import click

from tests.faults import backlog, table
from tests.faults.rows import Outcome, rows, run_in_turn
from tests.neighbours import find
from tests.source import ROOT

_PAGE = ROOT / "docs" / "faults.md"
_BACKLOG = "backlog landed"
_NEEDED = ("mosquitto", "influxd")


@click.command(epilog="Example: scripts/faults --only 'ingest killed' --rounds 3")
@click.option("--only", multiple=True, metavar="NAME", help="Only this row; may be given again.")
@click.option("--rounds", type=click.IntRange(min=1), default=20, show_default=True, help="How often ingest is killed.")
@click.option(
    "--outage", type=click.FloatRange(min=1), default=60.0, show_default=True, help="Seconds without a store."
)
@click.option("--full", is_flag=True, help="A backlog of 5,000,000 messages in the place of 200,000.")
@click.option("--without-telegraf", is_flag=True, help="Leave Telegraf out though it is there.")
@click.option("--keep", is_flag=True, help="Keep the folder of a row that did not go well, and say where it is.")
@click.option("--out", type=click.Path(dir_okay=False, path_type=Path), help="Write what was found as JSON; rows that"
              " are there already and are not played again stay.")  # fmt: skip
@click.option("--write", is_flag=True, help="Put the matrix into docs/faults.md; with --out, all that is in that file.")
def main(
    only: tuple[str, ...], rounds: int, outage: float, full: bool, without_telegraf: bool, keep: bool,
    out: Path | None, write: bool,
) -> None:  # fmt: skip
    """Play every row, and print what was lost, doubled and left unexplained; exit 1 when anything was."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # which stops all that was started
    absent = [name for name in _NEEDED if find(name) is None]
    if absent:
        raise click.UsageError(f"not installed: {', '.join(absent)}")
    matrix = rows(rounds, outage)
    known = [*(row.name for row in matrix), _BACKLOG]
    if strange := [name for name in only if name not in known]:
        raise click.UsageError(f"no row is called {strange[0]!r}; there are: {', '.join(known)}")
    telegraf = find("telegraf") is not None and not without_telegraf
    if not telegraf:
        click.secho("TELEGRAF IS LEFT OUT: nothing is said about it", err=True, fg="yellow", bold=True)
    done = _read(out)
    for row in matrix:
        if not only or row.name in only:
            _keep(done, run_in_turn(row, telegraf=telegraf, keep=keep), out)
    if not only or _BACKLOG in only:
        _keep(done, [backlog.outcome(_BACKLOG, 5_000_000 if full else 200_000)], out)
    text = table.text(matrix, done, telegraf=telegraf)
    click.echo(text)
    if write:
        table.write(_PAGE, text)
    sys.exit(0 if all(one.well for one in done) else 1)


def _read(out: Path | None) -> list[Outcome]:
    if out is None or not out.exists():
        return []
    found = json.loads(out.read_text("utf-8"))
    return [Outcome(**{name: value for name, value in one.items() if name != "well"}) for one in found]


def _keep(done: list[Outcome], new: list[Outcome], out: Path | None) -> None:
    """Put them in the place of those before, say them, and write them down at once."""
    for one in new:
        done[:] = [old for old in done if (old.name, old.pair) != (one.name, one.pair)] + [one]
        click.echo(
            f"{one.name}, {one.pair}: {'well' if one.well else 'NOT WELL'} {json.dumps(one.document())}", err=True
        )
    if out is not None:
        out.write_text(json.dumps([one.document() for one in done], indent=1) + "\n", "utf-8")


if __name__ == "__main__":
    main()
