"""`carbonwatch quarantine`: what was refused, and what is held."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch quarantine --reason not_json")
@system_options
@click.option("--site", default=None, help="Only this site's.")
@click.option("--reason", default=None, help="Only this reason.")
@click.option("--limit", default=100, show_default=True, help="How many at most.")
def quarantine(data: Path, url: str | None, form: str, site: str | None, reason: str | None, limit: int) -> None:
    """Show what was refused with its reason and journal position, and the values held for unknown meters."""
    page = locate(data, url).client.quarantine(site, reason, limit)
    held = [f"{row['site']}/{row['meter']} ({row['readings']} readings)" for row in page["held"]["meters"]]
    note = f"held for meters not yet registered: {', '.join(held) or 'none'}"
    columns = ("id", "at", "reason", "detail", "topic", "journal.day", "journal.row", "journal.item")
    show(form, page, page["items"], columns, note)
