"""`carbonwatch meters`: the meters with their newest values."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch meters --site steel-1")
@system_options
@click.option("--site", default=None, help="Only this site's.")
def meters(data: Path, url: str | None, form: str, site: str | None) -> None:
    """List the meters with their newest values."""
    found = locate(data, url).client.meters(site)
    columns = ("site", "id", "name_zh", "name_en", "carrier", "parent", "latest.time", "latest.values")
    show(form, {"items": found}, found, columns)
