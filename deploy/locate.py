"""How a command finds the running system: by its data directory, or by an address and a key."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

import click

from energy.client import Client
from energy.errors import SetupError


@dataclass(frozen=True, slots=True)
class Located:
    """A system's API and the address of its broker ("" when only an API address was given)."""

    client: Client
    mqtt: str


def locate(data: Path, url: str | None = None, mqtt: str | None = None) -> Located:
    """The system at `url` with CARBONWATCH_KEY, else the one that runs on `data`; SetupError when there is none.

    The client is closed when the command ends.
    """
    found = _locate(data, url, mqtt)
    context = click.get_current_context(silent=True)
    if context is not None:
        context.call_on_close(found.client.close)
    return found


def _locate(data: Path, url: str | None, mqtt: str | None) -> Located:
    if url is not None:
        key = os.environ.get("CARBONWATCH_KEY")
        if not key:
            raise SetupError("--url needs the API key in the environment variable CARBONWATCH_KEY")
        return Located(Client(url, key), mqtt or "")
    try:
        running = json.loads((data / "running.json").read_text(encoding="utf-8"))
        key = (data / "admin.key").read_text(encoding="utf-8").strip()
        return Located(Client(str(running["url"]), key), mqtt or str(running["mqtt"]))
    except FileNotFoundError as error:
        raise SetupError(f"no system runs on {data}: start one with `carbonwatch up --data {data}`") from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise SetupError(f"{data} cannot be read: {error}") from error
