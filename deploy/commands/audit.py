"""`carbonwatch audit`: who did what."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch audit --site steel-1 --limit 20")
@system_options
@click.option("--actor", default=None, help="Only what this one did, such as `account wang`.")
@click.option("--action", default=None, help="Only this action, such as meter.put.")
@click.option("--site", default=None, help="Only what is about this site.")
@click.option("--limit", type=click.IntRange(min=1), default=100, show_default=True, help="How many at most.")
def audit(
    data: Path, url: str | None, form: str, actor: str | None, action: str | None, site: str | None, limit: int
) -> None:
    """Show who did what, when and from where, newest first; JSON has what was before and after."""
    found = locate(data, url).client.audit(actor, action, site, limit)
    show(form, {"items": found}, found, ("at", "actor", "role", "address", "action", "target", "site"))
