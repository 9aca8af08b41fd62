"""Options that several commands share."""

import functools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from energy.broker.address import split_user
from energy.errors import SetupError

if TYPE_CHECKING:
    from energy.client.holders import Scope  # the client costs every start a quarter of a second

Command = Callable[..., Any]
FORMATS = click.Choice(["table", "json", "csv"])


def _yields_to(argument: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """What the environment says of an option counts only where `argument` is not given on the command line."""

    def chosen(context: click.Context, option: click.Parameter, value: str | None) -> str | None:
        said = context.get_parameter_source(option.name or "") is ParameterSource.ENVIRONMENT
        return None if said and context.get_parameter_source(argument) is ParameterSource.COMMANDLINE else value

    return chosen


def data_option(text: str) -> Callable[[Command], Command]:
    """--data, or CARBONWATCH_DATA."""
    return click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
                        envvar="CARBONWATCH_DATA", show_envvar=True, help=text)  # fmt: skip


port_option = click.option("--port", default=8080, show_default=True, envvar="CARBONWATCH_PORT", show_envvar=True,
                           help="The console's and API's port; 0: any free one.")  # fmt: skip
host_option = click.option("--host", default="127.0.0.1", show_default=True, envvar="CARBONWATCH_HOST",
                           show_envvar=True, help="Where to listen.")  # fmt: skip
_influx = click.option("--influx", default=None, envvar="CARBONWATCH_INFLUX", show_envvar=True,
                       help="Store in InfluxDB 2 at this address; token from INFLUX_TOKEN.")  # fmt: skip
_url = click.option("--url", default=None, envvar="CARBONWATCH_URL", show_envvar=True, callback=_yields_to("data"),
                    help="The API's address instead; key from CARBONWATCH_KEY.")  # fmt: skip


def _without_password(_context: click.Context, _option: click.Parameter, url: str | None) -> str | None:
    """An address that may stand in a list of processes; SetupError for one that may not."""
    from energy.books.open import parse  # SQLAlchemy costs every start a third of a second

    if url is not None and ((parts := parse(url)).password is not None or "password" in parts.query):
        raise SetupError(
            "--books with a password shows it in the list of processes: give the address in CARBONWATCH_BOOKS, "
            "or the password in PGPASSWORD or ~/.pgpass"
        )
    return url


_books = click.option("--books", default=None, metavar="URL", callback=_without_password,
                      help="PostgreSQL for the books (postgresql://user@host/name); with a password in "
                      "CARBONWATCH_BOOKS instead.")  # fmt: skip


def _no_secret(context: click.Context, option: click.Parameter, url: str | None) -> str | None:
    """A broker's address that may stand in a list of processes; SetupError for one that may not."""
    typed = context.get_parameter_source(option.name or "") is ParameterSource.COMMANDLINE
    if url is not None and typed and split_user(url)[2] is not None:
        raise SetupError(
            "--mqtt with a password shows it in the list of processes: give the address in CARBONWATCH_MQTT, "
            "or the password in CARBONWATCH_MQTT_PASSWORD"
        )
    return url


def _no_secret_and_yields_to(argument: str) -> Callable[[click.Context, click.Parameter, str | None], str | None]:
    """Both."""
    yields = _yields_to(argument)
    return lambda context, option, url: _no_secret(context, option, yields(context, option, url))


def _file_option(name: str, text: str) -> Callable[[Command], Command]:
    return click.option(name, type=click.Path(dir_okay=False, path_type=Path), default=None, metavar="FILE",
                        envvar=f"CARBONWATCH_{name[2:].upper().replace('-', '_')}", show_envvar=True,
                        help=text)  # fmt: skip


def _access_options(command: Command) -> Command:
    """What opens the broker → one `access` argument, of settings; the password comes from the environment alone."""

    @_file_option("--mqtt-ca", "Whom to believe about the broker, for mqtts://; the system's authorities without it.")
    @_file_option("--mqtt-certificate", "Our certificate, where the broker asks for one.")
    @_file_option("--mqtt-key", "Its key, if not in the same file.")
    @click.option("--mqtt-user", default=None, envvar="CARBONWATCH_MQTT_USER", show_envvar=True,
                  help="Who we are to the broker; password from CARBONWATCH_MQTT_PASSWORD.")  # fmt: skip
    @functools.wraps(command)
    def with_access(
        mqtt_ca: Path | None, mqtt_certificate: Path | None, mqtt_key: Path | None, mqtt_user: str | None, **rest: Any
    ) -> Any:
        access = {"mqtt_ca": mqtt_ca, "mqtt_certificate": mqtt_certificate, "mqtt_key": mqtt_key}
        return command(access={**access, "mqtt_user": mqtt_user}, **rest)

    return with_access


def service_options(command: Command) -> Command:
    """--data, --mqtt and what opens it, --books, --influx → one `settings` argument; for the services themselves."""

    @data_option("The data directory.")
    @click.option("--mqtt", default="mqtt://127.0.0.1:1883", show_default=True, envvar="CARBONWATCH_MQTT",
                  show_envvar=True, callback=_no_secret, help="The broker's address.")  # fmt: skip
    @_access_options
    @_books
    @_influx
    @functools.wraps(command)
    def with_settings(
        data: Path, mqtt: str, access: dict[str, Any], books: str | None, influx: str | None, **rest: Any
    ) -> Any:
        from deploy import adapters  # for the services only: the stores cost every start half a second

        return command(settings=adapters.settings(data=data, mqtt=mqtt, books=books, influx=influx, **access), **rest)

    return with_settings


def up_options(command: Command) -> Command:
    """Where `up` keeps its data and listens."""
    for option in (
        data_option("The data directory; made if absent."),
        port_option,
        click.option("--mqtt-port", default=1883, show_default=True, help="The embedded broker's port; 0: any."),
        click.option("--mqtt", default=None, envvar="CARBONWATCH_MQTT", show_envvar=True,
                     callback=_no_secret_and_yields_to("mqtt_port"),
                     help="Use this broker (mqtt://host:port or mqtts://host:port) and start none."),
        _access_options,
        _books,
        _influx,
        click.option("--demo/--no-demo", default=True, show_default=True, help="With or without the demo feed."),
    ):  # fmt: skip
        command = option(command)
    return command


def system_options(command: Command) -> Command:
    """--data, --url, --format: how a command finds the running system and how it prints."""
    for option in reversed((
        data_option("The data directory of the running system."),
        _url,
        click.option("--format", "form", type=FORMATS, default="table", show_default=True, help="How to print."),
    )):  # fmt: skip
        command = option(command)
    return command


def feeding_options(command: Command) -> Command:
    """--data, --url, --mqtt: how a command that sends readings finds the running system and its broker."""
    for option in reversed((
        data_option("The data directory of the running system."),
        _url,
        click.option("--mqtt", default=None, envvar="CARBONWATCH_MQTT", show_envvar=True,
                     callback=_no_secret_and_yields_to("data"), help="The broker's address; needed with --url."),
    )):  # fmt: skip
        command = option(command)
    return command


def _speed(_context: click.Context, _option: click.Parameter, text: str) -> float | None:
    """`max` → None, a number above 0 → float."""
    if text == "max":
        return None
    try:
        speed = float(text)
    except ValueError:
        speed = 0.0
    if not 0 < speed < float("inf"):
        raise click.BadParameter(f"{text!r} is not a number above 0 or max")
    return speed


speed_option = click.option("--speed", metavar="N|max", callback=_speed, default="max",
                            help="Seconds of the feed in each second, or max (the default).")  # fmt: skip


def scope_options(command: Command) -> Command:
    """--region, --unit, --site, each as often as needed: what somebody is bound to."""
    for option in reversed((
        click.option("--region", multiple=True, help="An officer's region; may be repeated."),
        click.option("--unit", multiple=True, help="An energy manager's or a developer's unit; may be repeated."),
        click.option("--site", multiple=True, help="A plant operator's site; may be repeated."),
    )):  # fmt: skip
        command = option(command)
    return command


def scope_of(regions: tuple[str, ...], units: tuple[str, ...], sites: tuple[str, ...]) -> "Scope":
    """What `scope_options` gave; {} for nothing."""
    scope: Scope = {}
    if regions:
        scope["regions"] = list(regions)
    if units:
        scope["units"] = list(units)
    if sites:
        scope["sites"] = list(sites)
    return scope


def name_options(command: Command) -> Command:
    """--name-zh and --name-en."""
    for option in reversed((
        click.option("--name-zh", default=None, metavar="NAME", help="The name in Chinese."),
        click.option("--name-en", default=None, metavar="NAME", help="The name in English."),
    )):  # fmt: skip
        command = option(command)
    return command
