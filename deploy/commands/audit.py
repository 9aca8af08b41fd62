"""`carbonwatch audit`: who did what; or whether all that a simulation sent is there."""

import csv
import json
import sys
import time
from pathlib import Path
from typing import Any

import click
from click.core import ParameterSource
from tabulate import tabulate

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show
from energy.cell import inert
from energy.client import Client

_RECORD = ("actor", "action", "site", "limit")
_COMPARING = ("findings", "without_journal")
_EXAMPLE = "carbonwatch audit --site steel-1 --limit 20, or: carbonwatch audit --truth truth"


@click.command(epilog=f"Example: {_EXAMPLE}")
@system_options
@click.option("--actor", default=None, help="Only what this one did, such as `account wang`.")
@click.option("--action", default=None, help="Only this action, such as meter.put.")
@click.option("--site", default=None, help="Only what is about this site.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many at most.")
@click.option("--truth", "folder", type=click.Path(exists=True, file_okay=False, path_type=Path), default=None,
              help="Compare the system with this truth of `carbonwatch simulate` instead.")  # fmt: skip
@click.option("--findings", type=click.IntRange(min=1), default=50, show_default=True,
              help="With --truth: how many findings to print.")  # fmt: skip
@click.option("--without-journal", is_flag=True,
              help="With --truth: do not ask for the journal, and do not miss it.")  # fmt: skip
@click.pass_context
def audit(
    context: click.Context, data: Path, url: str | None, form: str, actor: str | None, action: str | None,
    site: str | None, limit: int, folder: Path | None, findings: int, without_journal: bool,
) -> None:  # fmt: skip
    """Show who did what, when and from where, newest first; JSON has what was before and after.

    With --truth: compare what the system answers with everything that a simulation sent, and say what was lost,
    doubled, changed or cannot be explained; exit 1 when there is any of it.
    """
    strange = [name for name in (_RECORD if folder else _COMPARING)
               if context.get_parameter_source(name) is ParameterSource.COMMANDLINE]  # fmt: skip
    if strange:
        name = strange[0].replace("_", "-")
        raise click.UsageError(f"--{name} does not go with --truth" if folder else f"--{name} goes with --truth")
    client = locate(data, url).client
    if folder is not None:
        _compare(context, client, folder, form, findings, journal=not without_journal)
        return
    found = client.audit(actor, action, site, limit)
    show(form, {"items": found}, found, ("at", "actor", "role", "address", "action", "target", "site"))


def _compare(context: click.Context, client: Client, folder: Path, form: str, keep: int, *, journal: bool) -> None:
    from simulators.audit import report  # numpy costs the other use half a second
    from simulators.truth import Truth

    now = time.time_ns() // 1_000_000
    said = report.audit(Truth(folder), client, now, keep=keep, journal=journal)
    if form == "json":
        click.echo(json.dumps(said.document(), ensure_ascii=False, indent=2))
    elif form == "csv":
        _print_csv([finding.row() for finding in said.findings])
    else:
        _print(said.document())
    context.exit(0 if said.well else 1)


_COLUMNS = ("kind", "site", "gateway", "meter", "quantity", "time", "message", "count", "text")


def _print_csv(rows: list[dict[str, Any]]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_COLUMNS)
    writer.writerows([inert("" if row[name] is None else str(row[name])) for name in _COLUMNS] for row in rows)


def _print(said: dict[str, Any]) -> None:
    click.echo(f"{said['scenario']}, seed {said['seed']}")
    click.echo(tabulate(list(said["counts"].items()), tablefmt="plain"))
    click.echo(", ".join(f"{number} {name}" for name, number in said["found"].items()))
    for row in said["findings"]:
        place = "/".join(filter(None, (row["site"], row["gateway"], row["meter"], row["quantity"])))
        click.echo("  " + ": ".join(filter(None, (row["kind"], f"{place} {row['time']}".strip(), row["text"]))))
    if (more := said["findings_in_all"] - len(said["findings"])) > 0:
        click.echo(f"  and {more} more findings: see --findings")
    faults = [
        (fault["label"], fault["kind"], fault["at"], fault["readings"],
         ", ".join(f"{number} {fate}" for fate, number in fault["values"].items()))
        for fault in said["faults"]
    ]  # fmt: skip
    if faults:
        click.echo(tabulate(faults, ("fault", "kind", "at", "readings", "what became of their values")))
    for note in said["notes"]:
        click.echo(f"note: {note}")
