"""`carbonwatch up`: the whole system on this machine."""

import logging
import os
import sys
import time
from pathlib import Path
from typing import Any

import click
import httpx
from sqlalchemy.exc import SQLAlchemyError

from deploy import adapters, ground
from deploy.options import up_options
from deploy.standalone import Standalone, write_running
from energy.books import parts
from energy.client import Client
from energy.errors import OutsideError, SetupError
from energy.settings import Settings

_HOST = "127.0.0.1"
_SLOW_S = 90.0


@click.command(epilog="Example: carbonwatch up --data data --port 8080 --no-demo")
@up_options
def up(
    data: Path, port: int, mqtt_port: int, mqtt: str | None, access: dict[str, Any], books: str | None,
    influx: str | None, demo: bool,
) -> None:  # fmt: skip
    """Run broker, ingest, store, analytics, API, console and a demo feed until Ctrl-C.

    With --influx the readings and figures are stored in InfluxDB 2 (organisation and bucket `carbonwatch`,
    the bucket is made if absent, token from INFLUX_TOKEN); without it in SQLite files in the data directory.
    """
    adapters.log_to_stderr(logging.WARNING)
    stop = adapters.stop_event()
    lock = ground.take_directory(data)
    ground.make_key(data / "admin.key")
    port, own = ground.free_ports(_HOST, port, None if mqtt else mqtt_port)
    address = mqtt or f"mqtt://{_HOST}:{own}"
    settings = adapters.settings(
        data=data.resolve(), host=_HOST, port=port, mqtt=address, books=books, influx=influx, **access
    )
    _check(settings)
    system = Standalone(settings, demo=demo, own_broker=mqtt is None)
    try:
        system.start()
        greeting = _Greeting(settings, demo=demo)
        system.watch(stop, greeting)
        _say("stopping …")
    finally:
        settings.running_file.unlink(missing_ok=True)
        system.stop()
        lock.close()
    _say(f"stopped; the data stays in {data}")


def _check(settings: Settings) -> None:
    """Open every store once, so that what is wrong with it is said now and in one line."""
    adapters.broker(settings, "up")
    try:
        books = adapters.own_books(settings)
        with books.begin() as db:
            parts.forget(db)
        books.dispose()
        for store in set(adapters.stores(settings)):
            store.close()
    except (OutsideError, SQLAlchemyError) as error:
        raise SetupError(f"cannot start: {error}") from error


def _say(text: str) -> None:
    """Print; a reader who has gone (`| head`) is no reason for the system to end."""
    try:
        click.echo(text)
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class _Greeting:
    """Says where to look as soon as there is something to see, and once more when all is well."""

    def __init__(self, settings: Settings, *, demo: bool) -> None:
        self._settings, self._demo = settings, demo
        self._began = time.monotonic()
        self._said = 0

    def __call__(self) -> None:
        if self._said == 2:
            return
        s = self._settings
        url = f"http://{s.host}:{s.port}"
        try:
            well = httpx.get(f"{url}/api/v1/health", timeout=2).status_code == 200
            if self._said == 0:
                write_running(s)
                self._first(url, s)
                self._said = 1
        except httpx.HTTPError:
            return
        if well:
            _say(f"all parts are well after {time.monotonic() - self._began:.0f} s")
            self._said = 2
        elif time.monotonic() - self._began > _SLOW_S:
            _say(f"not every part is well yet: see {url}/api/v1/health and {s.data / 'logs'}")
            self._said = 2

    def _first(self, url: str, s: Settings) -> None:
        client = Client(url, s.key_file.read_text(encoding="utf-8").strip())
        link = client.console_link()["url"]
        client.close()
        lines = {
            "console": f"{link}   (opens once; another: carbonwatch console --data {s.data})",
            "API": f"{url}/api/v1   (OpenAPI: {url}/api/v1/openapi.json)",
            "admin key": f"{s.key_file}   (send as Authorization: Bearer …)",
            "MQTT": f"{s.mqtt}   (topics ecm/v1/{{site}}/{{gateway}}/telemetry)",
            "store": s.influx or f"SQLite in {s.data}",
            "books": adapters.books_place(s),
            "demo feed": "a steel works, a paper mill, a data centre" if self._demo else "off",
            "logs": str(s.data / "logs"),
        }
        _say("\n".join(["carbonwatch runs; Ctrl-C stops it", *(f"  {k:<10} {v}" for k, v in lines.items())]))
