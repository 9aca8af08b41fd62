"""`carbonwatch health`: how every part is."""

import sys
from pathlib import Path

import click

from deploy.locate import locate
from deploy.options import system_options
from deploy.show import show


@click.command(epilog="Example: carbonwatch health --format json")
@system_options
def health(data: Path, url: str | None, form: str) -> None:
    """Ask every part how it is; exit 1 when one is not well."""
    state = locate(data, url).client.health()
    show(form, state, state["parts"], ("name", "ok", "age_s", "detail"), f"status: {state['status']}")
    sys.exit(0 if state["status"] == "ok" else 1)
