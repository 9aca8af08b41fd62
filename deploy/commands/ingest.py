"""`carbonwatch ingest`: receives, journals, acknowledges and lands, until it is told to stop."""

import threading

import click

from deploy import adapters, alone, foreman, hand
from deploy.crew import END, LAND, RECEIVE
from deploy.options import service_options
from energy.errors import SetupError
from energy.settings import Settings
from ingest.partition import Partition
from ingest.sessions import Sessions


@click.command(epilog="Example: carbonwatch ingest --data data --mqtt mqtt://127.0.0.1:1883 --workers 2")
@service_options
@click.option(
    "--topics", multiple=True, default=("ecm/#", "spBv1.0/#"), show_default=True,
    help="What to subscribe to, once for each; `#` takes everything.",
)  # fmt: skip
@click.option(
    "--workers", type=click.IntRange(1, 64), default=1, show_default=True,
    help="Processes that receive, each a share of the messages. The broker must know shared subscriptions.",
)  # fmt: skip
@click.option(
    "--landers", type=click.IntRange(1, 64), default=None,
    help="Processes that land, each a part of the sites, with several workers: as many as workers with InfluxDB, "
    "else 1, for the embedded store takes one writer at a time.",
)  # fmt: skip
@click.option("--only", hidden=True, help="Be one process of several.")
def ingest(
    settings: Settings, topics: tuple[str, ...], workers: int, landers: int | None, only: str | None
) -> None:  # fmt: skip
    """Receive over MQTT, journal, acknowledge, and land in the store."""
    adapters.log_to_stderr()
    stop = adapters.stop_event()
    if only is not None:
        _one(settings, only, topics, stop)
    elif workers == 1:
        if landers not in (None, 1):
            raise SetupError("--landers is for several workers: one worker lands what it receives")
        alone.run(settings, topics, stop)
    else:
        foreman.run(settings, workers, landers or (workers if settings.influx else 1), topics, stop)


def _one(settings: Settings, only: str, topics: tuple[str, ...], stop: threading.Event) -> None:
    role, _, what = only.partition(":")
    if role == RECEIVE:
        hand.receive(settings, what, topics, stop)
    elif role == END:
        hand.end(settings, what, topics, stop)
    elif role == LAND:
        number, _, of = what.partition("/")
        everyone = foreman.whose(settings, Sessions(settings.data))
        hand.land(settings, Partition(int(number), int(of)), everyone, stop)
