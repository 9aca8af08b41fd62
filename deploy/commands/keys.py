"""`carbonwatch keys`: the API keys of programs."""

from pathlib import Path

import click

from deploy.listed import Listed
from deploy.locate import locate
from deploy.options import scope_of, scope_options, system_options
from deploy.show import show
from energy.access import Role
from energy.client.holders import NewKey

_COLUMNS = ("id", "name", "role", "scope", "created_at", "expires_at", "revoked_at")
_DAYS = click.option("--days", type=click.IntRange(1, 730), default=90, show_default=True, help="How long it is good.")


@click.group(cls=Listed, epilog="Example: carbonwatch keys add reports --role developer --unit steel-ltd")
def keys() -> None:
    """List API keys, make, replace and revoke them; an administrator's."""


@keys.command("list", epilog="Example: carbonwatch keys list")
@system_options
def list_keys(data: Path, url: str | None, form: str) -> None:
    """List the keys, newest first, without their secrets."""
    found = locate(data, url).client.keys()
    show(form, {"items": found}, found, (*_COLUMNS, "created_by"))


@keys.command(epilog="Example: carbonwatch keys add reports --role developer --unit steel-ltd --days 30")
@system_options
@click.argument("name")
@click.option("--role", type=click.Choice([str(role) for role in Role]), required=True, help="What it may.")
@scope_options
@_DAYS
def add(
    data: Path, url: str | None, form: str, name: str, role: str, region: tuple[str, ...], unit: tuple[str, ...],
    site: tuple[str, ...], days: int,
) -> None:  # fmt: skip
    """Make a key; its secret is printed this once."""
    scope = scope_of(region, unit, site) or {"everything": True}
    _show(form, locate(data, url).client.add_key(name, role, scope, days))


@keys.command(epilog="Example: carbonwatch keys rotate 3 --grace-hours 48")
@system_options
@click.argument("key", type=int)
@click.option("--grace-hours", type=click.IntRange(0, 720), default=24, show_default=True,
              help="How long the old secret is still good.")  # fmt: skip
@_DAYS
def rotate(data: Path, url: str | None, form: str, key: int, grace_hours: int, days: int) -> None:
    """Make a new secret with the same rights; the old one is good a while longer."""
    _show(form, locate(data, url).client.rotate_key(key, grace_hours, days))


@keys.command(epilog="Example: carbonwatch keys revoke 3")
@system_options
@click.argument("key", type=int)
def revoke(data: Path, url: str | None, form: str, key: int) -> None:
    """Make a key useless, at once."""
    client = locate(data, url).client
    client.revoke_key(key)
    known = client.keys()
    gone = [one for one in known if one["id"] == key]
    show(form, {"items": gone}, gone, _COLUMNS)


def _show(form: str, key: NewKey) -> None:
    note = f"secret: {key['secret']}\nIt is shown this once: give it to the program, as CARBONWATCH_KEY for ours."
    show(form, key, [key], _COLUMNS if form == "table" else (*_COLUMNS, "secret"), note)
