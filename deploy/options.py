"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from deploy import adapters

Command = Callable[..., Any]


def service_options(command: Command) -> Command:
    """--data, --mqtt, --influx → one `settings` argument; for the services themselves."""

    @click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
                  help="The data directory.")  # fmt: skip
    @click.option("--mqtt", default="mqtt://127.0.0.1:1883", show_default=True, help="The broker's address.")
    @click.option("--influx", default=None, help="Store in InfluxDB 2 at this address; token from INFLUX_TOKEN.")
    @functools.wraps(command)
    def with_settings(data: Path, mqtt: str, influx: str | None, **rest: Any) -> Any:
        return command(settings=adapters.settings(data=data, mqtt=mqtt, influx=influx), **rest)

    return with_settings


def up_options(command: Command) -> Command:
    """Where `up` keeps its data and listens."""
    for option in (
        click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
                     help="The data directory; made if absent."),
        click.option("--port", default=8080, show_default=True, help="The console's and API's port; 0: any free one."),
        click.option("--mqtt-port", default=1883, show_default=True, help="The embedded broker's port; 0: any."),
        click.option("--mqtt", default=None, help="Use this broker (mqtt://host:port) and start none."),
        click.option("--influx", default=None, help="Store in InfluxDB 2 at this address; token from INFLUX_TOKEN."),
        click.option("--demo/--no-demo", default=True, show_default=True, help="With or without the demo feed."),
    ):  # fmt: skip
        command = option(command)
    return command


def system_options(command: Command) -> Command:
    """--data, --url, --format: how a command finds the running system and how it prints."""
    for option in (
        click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
                     help="The data directory of the running system."),
        click.option("--url", default=None, help="The API's address instead; key from CARBONWATCH_KEY."),
        click.option("--format", "form", type=click.Choice(["table", "json", "csv"]), default="table",
                     show_default=True, help="How to print."),
    ):  # fmt: skip
        command = option(command)
    return command
