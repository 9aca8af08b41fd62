"""`carbonwatch demo`: the demo feed, which takes the same road as any gateway."""

import threading
from pathlib import Path

import click

from deploy import adapters
from deploy.locate import locate
from deploy.options import feeding_options
from energy.errors import SetupError
from energy.settings import Settings
from simulators.demo import Demo

_BEAT_S = 2.0


@click.command(epilog="Example: carbonwatch demo --data data")
@feeding_options
def demo(data: Path, url: str | None, mqtt: str | None) -> None:
    """Feed three demo sites: 35 days of history, then live readings every 5 s, until told to stop."""
    adapters.log_to_stderr()
    stop = adapters.stop_event()
    found = locate(data, url, mqtt)
    if not found.mqtt:
        raise SetupError("--url needs the broker's address too: --mqtt mqtt://host:1883")
    settings = adapters.settings(data=data, mqtt=found.mqtt)
    feed = Demo(found.client, lambda client_id: adapters.broker(settings, client_id, clean=True))
    if url is None:
        beat = threading.Thread(target=_beat, args=(feed, data, stop), name="heartbeat", daemon=True)
        beat.start()
    feed.run(stop)


def _beat(feed: Demo, data: Path, stop: threading.Event) -> None:
    settings = Settings(data=data)
    if settings.books is None and not settings.books_db.exists():
        return  # they are where only CARBONWATCH_BOOKS could say
    books = adapters.books(settings)
    while not stop.wait(_BEAT_S):
        adapters.heartbeat(books, "demo", feed.state)
