"""`carbonwatch sites`: the registered sites."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch sites")
@system_options
def sites(data: Path, url: str | None, form: str) -> None:
    """List the sites."""
    found = locate(data, url).client.sites()
    show(form, {"items": found}, found, ("id", "name_zh", "name_en", "kind", "zone"))
