"""`carbonwatch console`: a link that opens the console once."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch console")
@system_options
def console(data: Path, url: str | None, form: str) -> None:
    """Print a link that opens the console once, within a day."""
    link = locate(data, url).client.console_link()
    if form == "table":
        click.echo(link["url"])
    else:
        show(form, link, [link], ("url",))
