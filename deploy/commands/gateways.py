"""`carbonwatch gateways`: what each gateway sent, and what became of it."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch gateways --site steel-1 --by-day --from 2026-11-01")
@system_options
@click.option("--site", default=None, help="Only this site's.")
@click.option("--by-day", is_flag=True, help="The ledger of each UTC day of arrival instead.")
@click.option("--from", "start", default=None, metavar="DAY", help="With --by-day: the first day.")
@click.option("--to", "end", default=None, metavar="DAY", help="With --by-day: the day to end before.")
def gateways(
    data: Path, url: str | None, form: str, site: str | None, by_day: bool, start: str | None, end: str | None
) -> None:
    """Show each gateway's sequence, its gaps, and its ledger of values; or with --by-day the ledger by UTC day."""
    if not by_day and (start or end):
        raise click.UsageError("--from and --to go with --by-day")
    client = locate(data, url).client
    counts = ("received", "landed", "duplicate", "conflict", "held", "refused")
    if by_day:
        days = list(client.ledger(site, None, start, end))
        show(form, {"items": days}, days, ("day", "site", "gateway", "messages", "undecodable", *counts))
        return
    found = client.gateways(site)
    columns = ("site", "gateway", "boot", "seq", "gaps", "last_at", *(f"ledger.{name}" for name in counts))
    show(form, {"items": found}, found, columns)
