"""`carbonwatch accounts`: who may sign in, as what, bound to where."""

from pathlib import Path

import click

from deploy.listed import Listed
from deploy.locate import locate
from deploy.options import scope_of, scope_options, system_options
from deploy.secret import read_password
from deploy.show import show
from energy.access import Role
from energy.client.holders import Account
from energy.errors import SetupError

_COLUMNS = ("name", "role", "scope", "disabled", "created_at")
_ROLES = click.Choice([str(role) for role in Role])
_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input, not a prompt.")


@click.group(cls=Listed, epilog="Example: carbonwatch accounts add wang --role plant_operator --site steel-1")
def accounts() -> None:
    """List people's accounts, make and change them; an administrator's."""


@accounts.command("list", epilog="Example: carbonwatch accounts list")
@system_options
def list_accounts(data: Path, url: str | None, form: str) -> None:
    """List the accounts."""
    found = locate(data, url).client.accounts()
    show(form, {"items": found}, found, _COLUMNS)


@accounts.command(epilog="Example: carbonwatch accounts add wang --role plant_operator --site steel-1")
@system_options
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What the person is.")
@scope_options
@_stdin
def add(
    data: Path, url: str | None, form: str, name: str, role: str, region: tuple[str, ...], unit: tuple[str, ...],
    site: tuple[str, ...], password_stdin: bool,
) -> None:  # fmt: skip
    """Make an account; the password comes from a prompt or from standard input.

    An officer is bound to --region, an energy manager and a developer to --unit, a plant operator to --site;
    an auditor and an admin see everything.
    """
    client = locate(data, url).client
    scope = scope_of(region, unit, site) or {"everything": True}
    _show(form, client.add_account(name, read_password(from_stdin=password_stdin), role, scope))


@accounts.command(epilog="Example: carbonwatch accounts change wang --role plant_operator --site steel-2")
@system_options
@click.argument("name")
@click.option("--role", type=_ROLES, default=None, help="What the person is from now on; give the scope with it.")
@scope_options
@click.option("--password", is_flag=True, help="Set a new password, asked for by a prompt.")
@_stdin
@click.option("--enable", is_flag=True, help="Let the person sign in again.")
def change(
    data: Path, url: str | None, form: str, name: str, role: str | None, region: tuple[str, ...],
    unit: tuple[str, ...], site: tuple[str, ...], password: bool, password_stdin: bool, enable: bool,
) -> None:  # fmt: skip
    """Change role and scope or the password, or enable an account; its sessions end."""
    scope = scope_of(region, unit, site)
    if scope and role is None:
        raise SetupError("give --role with the scope: they are changed together")
    if not (role or password or password_stdin or enable):
        raise SetupError("nothing is to be changed: give --role, --password, --password-stdin or --enable")
    client = locate(data, url).client
    secret = read_password(from_stdin=password_stdin) if password or password_stdin else None
    changed = client.change_account(
        name, password=secret, role=role, scope=(scope or {"everything": True}) if role else None,
        disabled=False if enable else None,
    )  # fmt: skip
    _show(form, changed)


@accounts.command(epilog="Example: carbonwatch accounts disable wang")
@system_options
@click.argument("name")
def disable(data: Path, url: str | None, form: str, name: str) -> None:
    """Let somebody sign in no more; the sessions end at once, what the person did stays."""
    _show(form, locate(data, url).client.change_account(name, disabled=True))


def _show(form: str, account: Account) -> None:
    show(form, account, [account], _COLUMNS)
