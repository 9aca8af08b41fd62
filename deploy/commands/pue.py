"""`carbonwatch pue`: a data centre's PUE by window."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show
from energy.client.figures import PueStep


@click.command(epilog="Example: carbonwatch pue --site dc-1 --step rolling")
@system_options
@click.option("--site", required=True, help="The data centre.")
@click.option("--from", "start", default=None, help="Date or time in the site's zone; a week ago without it.")
@click.option("--to", "end", default=None, help="Date or time, exclusive; now without it.")
@click.option("--step", type=click.Choice(["hour", "day", "month", "rolling"]), default="day", show_default=True)
def pue(data: Path, url: str | None, form: str, site: str, start: str | None, end: str | None, step: PueStep) -> None:
    """Show PUE by window (Σ facility ÷ Σ IT), with coverage and verdict; rolling: 24 hours to each full hour."""
    page = locate(data, url).client.pue(site, start, end, step)
    limit = page["limit"]
    columns = ("start", "end", "pue", "facility_kwh", "it_kwh", "coverage", "estimated_share", "verdict", "reason")
    show(form, page, page["items"], columns, f"limit {limit['value']}: {limit['source']}")
