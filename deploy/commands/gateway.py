"""`carbonwatch gateway`: who may send: passwords and topics at a Mosquitto, and the register that ingest checks."""

import json
import secrets
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deploy.listed import Listed
from deploy.locate import locate
from deploy.mosquitto import acl, passwords
from deploy.mosquitto.folder import BrokerFolder
from deploy.options import system_options
from deploy.show import show
from energy.client import Client
from energy.errors import InputError, SetupError
from energy.registry import check_name

Command = Callable[..., Any]
_COLUMNS = ("site", "gateway", "enabled", "password", "changed_at")
_ONCE = "The password is shown this once: only its hash is kept."
_dir = click.option("--dir", "folder", type=click.Path(path_type=Path), default=Path("mosquitto"), show_default=True,
                    envvar="CARBONWATCH_BROKER_DIR", show_envvar=True,
                    help="The folder of Mosquitto's files.")  # fmt: skip
_site = click.option("--site", required=True, help="The site that it sends for; it is registered already.")
_name = click.option("--name", required=True, help="The gateway's name within its site.")


def _address(command: Command) -> Command:
    """--host, --port: what the gateway's settings say of the broker."""
    host = click.option("--host", default=socket.gethostname, show_default="this machine's name",
                        help="The broker's name, as it stands in its certificate.")  # fmt: skip
    return host(click.option("--port", default=8883, show_default=True, help="The broker's port.")(command))


@click.group(cls=Listed, epilog="Example: carbonwatch gateway add --site steel-1 --name gw-1 --host mqtt.example")
def gateway() -> None:
    """List the gateways that may send, let one in, give it a new password, and shut it out."""


@gateway.command("list", epilog="Example: carbonwatch gateway list --only steel-1")
@system_options
@_dir
@click.option("--only", default=None, metavar="SITE", help="Only this site's.")
def list_gateways(data: Path, url: str | None, form: str, folder: Path, only: str | None) -> None:
    """List the registered gateways, and whether the broker's password is the one that was registered."""
    files, known = BrokerFolder(folder), locate(data, url).client.doors(only)
    enabled, disabled = files.users()
    rows = []
    for door in known:
        user = acl.user_of(door["site"], door["gateway"])
        kept = (enabled if door["enabled"] else disabled).get(user)
        same = kept is not None and passwords.credential_of(kept) == door["credential"]
        rows.append({**door, "password": "here" if same else "not here" if kept is None else "another"})
    show(form, {"items": rows}, rows, _COLUMNS, "" if folder.is_dir() else f"there is no folder {folder} here")


@gateway.command(epilog="Example: carbonwatch gateway init --dir mosquitto")
@_dir
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True,
              help="How to print.")  # fmt: skip
def init(folder: Path, form: str) -> None:
    """Make the folder of a Mosquitto: configuration, access list, and a password for carbonwatch itself.

    The certificates are to be put there before it is started: ca.crt, server.crt and server.key. What is there
    already stays; carbonwatch's own password is made anew each time, and shown once.
    """
    files, password = BrokerFolder(folder), secrets.token_urlsafe(32)
    files.make()
    with files.held():
        enabled, disabled = files.users()
        files.keep({**enabled, acl.SERVICE: passwords.hashed(password)}, disabled)
        note = files.reload() if enabled else ""
    said = {"folder": str(files.path), "start": f"mosquitto -c {files.path / 'mosquitto.conf'}", "user": acl.SERVICE,
            "password": password}  # fmt: skip
    _print(form, said, note)


@gateway.command(epilog="Example: carbonwatch gateway add --site steel-1 --name gw-1 --host mqtt.example")
@system_options
@_dir
@_site
@_name
@_address
def add(
    data: Path, url: str | None, form: str, folder: Path, site: str, name: str, host: str, port: int
) -> None:  # fmt: skip
    """Let a gateway in: a password of its own, topics of its own, and its settings, printed this once.

    With its first gateway a site is closed to all that are not let in, at the broker and once more at ingest.
    """
    _issue(locate(data, url).client, BrokerFolder(folder), (site, name), form, (host, port), new=True)


@gateway.command(epilog="Example: carbonwatch gateway rotate --site steel-1 --name gw-1 --host mqtt.example")
@system_options
@_dir
@_site
@_name
@_address
def rotate(
    data: Path, url: str | None, form: str, folder: Path, site: str, name: str, host: str, port: int
) -> None:  # fmt: skip
    """Give a gateway a new password, printed this once; the old one is of no use from now on."""
    _issue(locate(data, url).client, BrokerFolder(folder), (site, name), form, (host, port), new=False)


@gateway.command(epilog="Example: carbonwatch gateway disable --site steel-1 --name gw-1")
@system_options
@_dir
@_site
@_name
def disable(data: Path, url: str | None, form: str, folder: Path, site: str, name: str) -> None:
    """Shut a gateway out, and keep its password for `enable`."""
    _move(locate(data, url).client, BrokerFolder(folder), (site, name), form, enable=False)


@gateway.command(epilog="Example: carbonwatch gateway enable --site steel-1 --name gw-1")
@system_options
@_dir
@_site
@_name
def enable(data: Path, url: str | None, form: str, folder: Path, site: str, name: str) -> None:
    """Let a gateway in again that was shut out, with the password that it had."""
    _move(locate(data, url).client, BrokerFolder(folder), (site, name), form, enable=True)


@gateway.command(epilog="Example: carbonwatch gateway remove --site steel-1 --name gw-1")
@system_options
@_dir
@_site
@_name
def remove(data: Path, url: str | None, form: str, folder: Path, site: str, name: str) -> None:
    """Take a gateway's password away, and the gateway off the register; what it sent stays.

    A site without any registered gateway takes every one again: `disable` keeps it closed.
    """
    files, client = BrokerFolder(folder), locate(data, url).client
    before = client.door(site, name)
    with files.held():
        enabled, disabled = files.users()
        for users in (enabled, disabled):
            users.pop(acl.user_of(site, name), None)
        files.keep(enabled, disabled)
        note = files.reload()
    client.remove_door(site, name)
    left = client.doors(site)
    open_now = "" if left else f"{site} has no registered gateway left, and takes every one"
    show(form, before, [before], _COLUMNS[:3], "\n".join(filter(None, ("taken away", open_now, note))))


def _issue(
    client: Client, files: BrokerFolder, where: tuple[str, str], form: str, address: tuple[str, int], *, new: bool
) -> None:
    """Make a password, register it, write it, and print the client's settings; the register is told first."""
    site, name = where[0], check_name("gateway", where[1])
    publish, receive = acl.topics(site, name)
    user, password = acl.user_of(site, name), secrets.token_urlsafe(32)
    with files.held():
        enabled, disabled = files.users()
        if new and (user in enabled or user in disabled):
            raise SetupError(f"{user} has a password already: `carbonwatch gateway rotate` makes another")
        if not new and user not in enabled:
            raise SetupError(f"{user} has no password here that is in use: `carbonwatch gateway add` makes one")
        enabled[user] = passwords.hashed(password)
        client.put_door(site, name, credential=passwords.credential_of(enabled[user]))
        files.keep(enabled, disabled)
        note = files.reload()
    said = {
        "host": address[0], "port": address[1], "tls": "1.2 or newer", "ca": str(files.path / "ca.crt"),
        "client_id": user, "user": user, "password": password, "publish": publish, "receive": receive,
        "ca_pem": files.ca(),
    }  # fmt: skip
    _print(form, said, note)


def _move(client: Client, files: BrokerFolder, where: tuple[str, str], form: str, *, enable: bool) -> None:
    """Move a password between those in use and those that are not; the broker is told first where it is to shut."""
    site, name = where
    user = acl.user_of(site, name)
    client.door(site, name)  # a 404 before anything is changed
    with files.held():
        enabled, disabled = files.users()
        source, target = (disabled, enabled) if enable else (enabled, disabled)
        if user not in source and user not in target:
            raise InputError("not_found", f"{user} has no password in {files.path}")
        if user in source:
            target[user] = source.pop(user)
        files.keep(enabled, disabled)
        note = files.reload()
    door = client.put_door(site, name, enabled=enable)
    show(form, door, [door], _COLUMNS[:3], note)


def _print(form: str, said: dict[str, Any], note: str) -> None:
    """Settings one under the other; CSV has the same two columns."""
    if form == "json":
        click.echo(json.dumps({**said, "note": note}, ensure_ascii=False, indent=2))
        return
    rows = [
        {"setting": key, "value": one}
        for key, value in said.items() if key != "ca_pem"
        for one in (value if isinstance(value, list) else [value])
    ]  # fmt: skip
    show(form, said, rows, ("setting", "value"), "\n".join(filter(None, (_ONCE, note))))
