"""`carbonwatch gateways`: what each gateway sent, and what became of it."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch gateways --site steel-1")
@system_options
@click.option("--site", default=None, help="Only this site's.")
def gateways(data: Path, url: str | None, form: str, site: str | None) -> None:
    """Show each gateway's sequence, its gaps, and its ledger of values."""
    found = locate(data, url).client.gateways(site)
    counts = ("received", "landed", "duplicate", "conflict", "held", "refused")
    columns = ("site", "gateway", "boot", "seq", "gaps", "last_at", *(f"ledger.{name}" for name in counts))
    show(form, {"items": found}, found, columns)
