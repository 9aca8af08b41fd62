"""`carbonwatch demo`: the demo feed, which takes the same road as any gateway."""

import threading
from pathlib import Path

import click

from deploy import adapters
from deploy.locate import locate
from energy.broker.paho import PahoBroker
from energy.errors import SetupError
from energy.settings import Settings
from simulators.demo import Demo

_BEAT_S = 2.0


@click.command(epilog="Example: carbonwatch demo --data data")
@click.option("--data", type=click.Path(path_type=Path), default=Path("data"), show_default=True,
              help="The data directory of the running system.")  # fmt: skip
@click.option("--url", default=None, help="The API's address instead; key from CARBONWATCH_KEY.")
@click.option("--mqtt", default=None, help="The broker's address; needed with --url.")
def demo(data: Path, url: str | None, mqtt: str | None) -> None:
    """Feed three demo sites: 35 days of history, then live readings every 5 s, until told to stop."""
    adapters.log_to_stderr()
    stop = adapters.stop_event()
    found = locate(data, url, mqtt)
    if not found.mqtt:
        raise SetupError("--url needs the broker's address too: --mqtt mqtt://host:1883")
    feed = Demo(found.client, lambda client_id: PahoBroker(found.mqtt, client_id, clean=True))
    if url is None:
        beat = threading.Thread(target=_beat, args=(feed, data, stop), name="heartbeat", daemon=True)
        beat.start()
    feed.run(stop)


def _beat(feed: Demo, data: Path, stop: threading.Event) -> None:
    books = adapters.books(Settings(data=data))
    while not stop.wait(_BEAT_S):
        adapters.heartbeat(books, "demo", feed.state)
