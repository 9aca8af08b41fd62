"""`carbonwatch export`: data as a file to take away."""

from pathlib import Path
from typing import Any

import click

from deploy.locate import locate
from deploy.options import Command, system_options
from deploy.show import show
from energy.client.figures import AlertKind, AlertState, EnergyStep, PueStep

_READINGS = "carbonwatch export readings --site steel-1 --from 2026-11-01 --to 2026-12-01 --out november.parquet"


@click.group(epilog=f"Example: {_READINGS}")
def export() -> None:
    """Write data to a file, a CSV, an Excel workbook or Parquet by its ending; each export is on record."""


def _export_options(command: Command) -> Command:
    """--out, --site, --from, --to, and how to find the system."""
    for option in reversed((
        click.option("--out", type=click.Path(dir_okay=False, path_type=Path), required=True, metavar="FILE",
                     help="The file to write, ending in .csv, .xlsx or .parquet; one that is there is replaced."),
        click.option("--site", default=None, help="Only this site's; without it of all that is open to you."),
        click.option("--from", "start", default=None, help="Date or time in the site's zone."),
        click.option("--to", "end", default=None, help="Date or time, exclusive."),
    )):  # fmt: skip
        command = option(command)
    return system_options(command)


@export.command(epilog=f"Example: {_READINGS}")
@_export_options
@click.option("--meter", default=None, help="Only this meter of the site.")
def readings(data: Path, url: str | None, form: str, out: Path, meter: str | None, **ask: Any) -> None:
    """Readings as they landed; the last day without --from."""
    _done(form, out, locate(data, url).client.export_readings(out, meter=meter, **ask))


@export.command(epilog="Example: carbonwatch export energy --from 2026-01-01 --step month --out 2026.xlsx")
@_export_options
@click.option("--meter", default=None, help="Only this meter of the site.")
@click.option("--step", type=click.Choice(["15m", "hour", "day", "month", "year"]), default="day", show_default=True,
              help="The length of each window.")  # fmt: skip
@click.option("--each-meter", is_flag=True, help="Every meter of the sites, in the place of the totals.")
def energy(
    data: Path, url: str | None, form: str, out: Path, meter: str | None, step: EnergyStep, each_meter: bool, **ask: Any
) -> None:
    """Energy by window; the last day without --from."""
    client = locate(data, url).client
    _done(form, out, client.export_energy(out, meter=meter, step=step, each_meter=each_meter, **ask))


@export.command(epilog="Example: carbonwatch export pue --site dc-1 --from 2026-11-01 --step rolling --out pue.csv")
@_export_options
@click.option("--step", type=click.Choice(["hour", "day", "month", "rolling"]), default="day", show_default=True,
              help="The length of each window.")  # fmt: skip
def pue(data: Path, url: str | None, form: str, out: Path, step: PueStep, **ask: Any) -> None:
    """PUE by window; the last week without --from."""
    _done(form, out, locate(data, url).client.export_pue(out, step=step, **ask))


@export.command(epilog="Example: carbonwatch export alerts --from 2026-01-01 --out alerts.xlsx")
@_export_options
@click.option("--meter", default=None, help="Only this meter's.")
@click.option("--state", type=click.Choice(["active", "acknowledged", "resolved"]), default=None,
              help="Only alerts that were taken so far.")  # fmt: skip
@click.option("--kind", type=click.Choice(["pue_over_limit", "off_profile", "silent_meter"]), default=None,
              help="Only alerts of this kind.")  # fmt: skip
def alerts(
    data: Path, url: str | None, form: str, out: Path, meter: str | None, state: AlertState | None,
    kind: AlertKind | None, **ask: Any,
) -> None:  # fmt: skip
    """Alerts with their evidence and steps; --from and --to are of the time when they were raised."""
    _done(form, out, locate(data, url).client.export_alerts(out, meter=meter, state=state, kind=kind, **ask))


@export.command(epilog="Example: carbonwatch export quarantine --reason not_json --out refused.csv")
@_export_options
@click.option("--reason", default=None, help="Only what was refused for this reason.")
def quarantine(data: Path, url: str | None, form: str, out: Path, reason: str | None, **ask: Any) -> None:
    """What was refused, with its reason and its place in the journal."""
    _done(form, out, locate(data, url).client.export_quarantine(out, reason=reason, **ask))


@export.command(epilog="Example: carbonwatch export audit --actor 'account wang' --from 2026-01-01 --out audit.parquet")
@_export_options
@click.option("--actor", default=None, help="Only what this one did.")
@click.option("--action", default=None, help="Only this action.")
def audit(data: Path, url: str | None, form: str, out: Path, actor: str | None, action: str | None, **ask: Any) -> None:
    """Who did what; an auditor's and an administrator's."""
    _done(form, out, locate(data, url).client.export_audit(out, actor=actor, action=action, **ask))


def _done(form: str, out: Path, size: int) -> None:
    row = {"file": str(out), "bytes": size}
    show(form, row, [row], ("file", "bytes"))
