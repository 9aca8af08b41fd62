"""`carbonwatch doctor`: whether the neighbours and the machine keep what was acknowledged, and how to mend it."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import click
import httpx
from click.core import ParameterSource

from deploy.doctor import broker, config, machine, outside
from deploy.doctor.finding import Finding, Verdict, ok, warn
from deploy.options import FORMATS, service_options
from deploy.show import show
from energy.broker.address import address_of
from energy.settings import Settings

_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_COLUMNS = ("verdict", "check", "said", "mend")


@click.command(epilog="Example: carbonwatch doctor --data data --config /etc/mosquitto/mosquitto.conf")
@service_options
@click.option("--config", "path", type=click.Path(exists=True, dir_okay=False, path_type=Path), default=None,
              help="Mosquitto's configuration, where the broker is on this machine.")  # fmt: skip
@click.option("--format", "form", type=FORMATS, default="table", show_default=True, help="How to print.")
@click.pass_context
def doctor(context: click.Context, settings: Settings, path: Path | None, form: str) -> None:
    """Check broker, store, books, clocks and disk, and say how to mend what is wrong; exit 1 when something fails.

    The broker's limits are seen by what it does with some 2,000 small messages on a topic of the doctor's own. Nothing
    is changed. Without --mqtt the broker is the one of the system that runs on the data directory.
    """
    running = _running(settings)
    if context.get_parameter_source("mqtt") is ParameterSource.DEFAULT and "mqtt" in running:
        settings = settings.model_copy(update={"mqtt": running["mqtt"]})
    rows = [finding.row() for finding in _look(settings, path, running.get("url"))]
    worst = {row["verdict"] for row in rows}
    verdict = next(str(one) for one in (Verdict.FAIL, Verdict.WARN, Verdict.OK) if str(one) in worst)
    columns = _COLUMNS if form == "table" else (*_COLUMNS, "figures")
    show(form, {"verdict": verdict, "checks": rows}, rows, columns, f"verdict: {verdict}")
    sys.exit(1 if verdict == Verdict.FAIL else 0)


def _look(settings: Settings, path: Path | None, api: str | None) -> Iterator[Finding]:
    embedded = api is not None and _embedded(api)
    address = address_of(settings.mqtt, settings.mqtt_access)
    yield from broker.look(address, embedded=embedded)
    if path is not None:
        yield from config.look(path)
    elif embedded:
        yield warn("persistence", "the embedded broker keeps nothing on disk", "use a broker of your own")
    else:
        yield warn("persistence", "cannot be seen from outside", "give Mosquitto's configuration by --config")
    if address.host in _LOOPBACK:
        yield ok("broker clock", "it is this machine's")
    else:
        yield warn("broker clock", "MQTT does not tell it", "see that NTP runs there too")
    yield from machine.look(settings)
    yield from outside.look(settings, api)


def _running(settings: Settings) -> dict[str, str]:
    """What running.json says; {} where no system runs."""
    try:
        said = json.loads(settings.running_file.read_text(encoding="utf-8"))
        return {name: str(said[name]) for name in ("url", "mqtt")}
    except (OSError, ValueError, KeyError, TypeError):
        return {}


def _embedded(api: str) -> bool:
    """Whether the system says that its broker is the embedded one."""
    try:
        parts = httpx.get(f"{api}/api/v1/health", timeout=5).json()["parts"]
        return any(
            part["name"] == "broker" and str(part["detail"].get("kind")).startswith("embedded") for part in parts
        )
    except (httpx.HTTPError, ValueError, KeyError, TypeError):
        return False
