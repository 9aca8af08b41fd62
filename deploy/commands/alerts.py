"""`carbonwatch alerts`, `acknowledge`, `resolve`: what is wrong, and who took care."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show
from energy.client.figures import AlertKind, AlertState

_COLUMNS = ("id", "state", "kind", "site", "meter", "since", "until", "value", "limit", "excess", "what.zh", "what.en")


@click.command(epilog="Example: carbonwatch alerts --state active")
@system_options
@click.option("--site", default=None, help="Only this site's.")
@click.option("--state", type=click.Choice(["active", "acknowledged", "resolved"]), default=None,
              help="Only alerts that were taken so far.")  # fmt: skip
@click.option("--kind", type=click.Choice(["pue_over_limit", "off_profile", "silent_meter"]), default=None,
              help="Only alerts of this kind.")  # fmt: skip
def alerts(
    data: Path, url: str | None, form: str, site: str | None, state: AlertState | None, kind: AlertKind | None
) -> None:
    """List alerts, newest first; JSON has the evidence and every step taken."""
    found = locate(data, url).client.alerts(site=site, state=state, kind=kind)
    show(form, {"items": found}, found, _COLUMNS)


@click.command(epilog="Example: carbonwatch acknowledge 1 --note 'chiller 2 is being cleaned'")
@system_options
@click.argument("alert", type=int)
@click.option("--note", default="", help="A note that is kept with it.")
def acknowledge(data: Path, url: str | None, form: str, alert: int, note: str) -> None:
    """Say that somebody has seen an alert and takes care."""
    done = locate(data, url).client.acknowledge(alert, note)
    show(form, done, [done], _COLUMNS[:6])


@click.command(epilog="Example: carbonwatch resolve 1 --note 'compressor timer set right'")
@system_options
@click.argument("alert", type=int)
@click.option("--note", default="", help="A note that is kept with it.")
def resolve(data: Path, url: str | None, form: str, alert: int, note: str) -> None:
    """Say that an alert is done with."""
    done = locate(data, url).client.resolve(alert, note)
    show(form, done, [done], _COLUMNS[:6])
