"""`carbonwatch whoami`: who the key is to the system."""

from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch whoami --url http://127.0.0.1:8080")
@system_options
def whoami(data: Path, url: str | None, form: str) -> None:
    """Show who the key is to the system, what it may, and which sites are open to it."""
    me = locate(data, url).client.me()
    row = {**me, "may": " ".join(me["may"]), "sites": " ".join(me["sites"])}
    show(form, me, [row], ("name", "role", "scope", "may", "sites"))
