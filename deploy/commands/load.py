"""`carbonwatch load`: telemetry of many gateways at a rate, and how the broker bore it."""

import ipaddress
import json
import math
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from urllib.parse import urlsplit

import click
from tabulate import tabulate

from deploy.locate import locate
from deploy.options import feeding_options
from energy.client import Client
from energy.errors import OutsideError, SetupError
from energy.quantity import REGISTERS
from energy.registry import Meter, Site
from simulators.gateway import new_boot
from simulators.load import Borne, Load
from simulators.load_feed import Feed
from simulators.publisher import Publisher
from simulators.registering import register

_PATIENCE_S = 5.0
_IN_FLIGHT = 2000  # messages unacknowledged in all
_MOST, _LEAST = 200, 10  # in one session
_EXAMPLE = "carbonwatch load --gateways 10 --meters 20 --readings-per-message 20 --rate 6000 --mqtt mqtt://127.0.0.1"


def _rate(_context: click.Context, _option: click.Parameter, text: str) -> float | None:
    """`max` → None, a number above 0 → float."""
    try:
        rate = None if text == "max" else float(text)
    except ValueError:
        rate = 0.0
    if rate is not None and not 0 < rate < float("inf"):
        raise click.BadParameter(f"{text!r} is not a number above 0 or max")
    return rate


@click.command(epilog=f"Example: {_EXAMPLE}")
@click.option("--gateways", type=click.IntRange(1, 1000), default=10, show_default=True, help="Each with a session.")
@click.option("--meters", type=click.IntRange(1, 1000), default=20, show_default=True, help="Of each gateway.")
@click.option("--readings-per-message", "per_message", type=click.IntRange(1, 1000), default=1, show_default=True,
              help="Each of another meter.")  # fmt: skip
@click.option("--rate", metavar="R|max", callback=_rate, default="max", show_default=True,
              help="Messages a second in all.")  # fmt: skip
@click.option(
    "--seconds", type=click.FloatRange(0, 86_400, min_open=True), default=10.0, show_default=True, help="Then stop."
)
@click.option("--quantities", default="e_kwh,p_kw", show_default=True, help="Of each reading, with commas.")
@click.option("--site", default="load", show_default=True, help="The site of all gateways.")
@click.option("--register", "known", is_flag=True, help="Register site and meters first, else their values are held.")
@click.option("--anywhere", is_flag=True, help="Allow a broker that is not on the loopback.")
@feeding_options
@click.option(
    "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="The result's."
)
def load(
    gateways: int, meters: int, per_message: int, rate: float | None, seconds: float, quantities: str, site: str,
    known: bool, anywhere: bool, data: Path, url: str | None, mqtt: str | None, output: str,
) -> None:  # fmt: skip
    """Put load on a broker: valid telemetry at QoS 1; exit 1 unless all of it was acknowledged at the asked rate.

    With --mqtt alone no system is needed.
    """
    if not math.isfinite(seconds):
        raise click.BadParameter("is not a number of seconds", param_hint="--seconds")
    system = locate(data, url, mqtt) if known or not mqtt else None
    where = mqtt or (system.mqtt if system else "")
    _check_loopback(where, anywhere)
    keys = [key.strip() for key in quantities.split(",")]
    boot, names = new_boot(), {
        f"g{n:04}": [f"g{n:04}-m{m:04}" for m in range(1, meters + 1)] for n in range(1, gateways + 1)
    }  # fmt: skip
    feeds = [Feed(site, gateway, boot, own, per_message, keys) for gateway, own in names.items()]
    if known and system:
        _register(system.client, site, [meter for own in names.values() for meter in own], keys)
    window = max(_LEAST, min(_MOST, _IN_FLIGHT // gateways))
    borne = _run(Publisher(where, [f"load-{boot}-{name}" for name in names], window), feeds, per_message, rate, seconds)
    click.echo(_printed({"gateways": gateways, "meters": gateways * meters, "readings_per_message": per_message,
                         "message_bytes": feeds[0].size, "asked_rate": rate or "max"}, borne, output))  # fmt: skip
    if borne.trouble:
        raise click.ClickException(borne.trouble)


def _run(
    publisher: Publisher, feeds: list[Feed], per_message: int, rate: float | None, seconds: float
) -> Borne:  # fmt: skip
    from deploy.adapters import stop_event  # late: the stores that come with it cost half a second

    stop = stop_event()
    try:
        publisher.open(_PATIENCE_S)
        say = lambda text: click.echo(text, err=True)  # noqa: E731
        return Load(publisher, feeds, per_message).run(rate, seconds, _PATIENCE_S, say, stop.is_set)
    except OutsideError as error:
        raise click.ClickException(str(error)) from error
    finally:
        publisher.close()


def _register(client: Client, site: str, meters: list[str], keys: list[str]) -> None:
    count = next((key for key in keys if key in REGISTERS), None)
    new = register(client, Site(site, site, site), [
        Meter(site, meter, meter, meter, count, source="invented by carbonwatch load") for meter in meters
    ])  # fmt: skip
    click.echo(f"{len(new)} registered", err=True)


def _check_loopback(mqtt: str, anywhere: bool) -> None:
    """SetupError for a broker elsewhere that nobody asked for: load is for one's own."""
    if anywhere:
        return
    host = urlsplit(mqtt).hostname or ""
    if not all(ipaddress.ip_address(address).is_loopback for address in _addresses(host)):
        raise SetupError(f"{host} is not on the loopback: load may harm others; --anywhere allows it")


def _addresses(host: str) -> Iterator[str]:
    try:
        for found in socket.getaddrinfo(host, None):
            yield str(found[4][0]).partition("%")[0]
    except OSError as error:
        raise SetupError(f"the broker's host {host!r} has no address: {error}") from error


def _printed(asked: dict[str, object], borne: Borne, output: str) -> str:
    latency = dict(zip(("p50", "p90", "p99", "max"), borne.latency_ms, strict=True))
    said = asked | asdict(borne) | {"latency_ms": latency}
    if output == "json":
        return json.dumps(said)
    said |= {"latency_ms": ", ".join(f"{name} {value}" for name, value in latency.items())}
    return tabulate(list(said.items()), tablefmt="plain", disable_numparse=True)
