"""`carbonwatch ingest`: receives, journals, acknowledges and lands, until it is told to stop."""

import logging
import threading
import time

import click
from sqlalchemy import Engine, select
from sqlalchemy.exc import SQLAlchemyError

from deploy import adapters
from deploy.options import service_options
from deploy.pulse import Pulse
from energy import manual
from energy.books import tables as t
from energy.errors import CarbonwatchError
from energy.journal import Journal
from energy.settings import Settings
from ingest.landings import Landings
from ingest.rebirth import Rebirths
from ingest.receipts import Receipts, receipts_from
from ingest.receive import Receiver
from ingest.sequence import Sequence

_log = logging.getLogger(__name__)
_WORKER = "w1"
_IDLE_S = 0.25
_BEAT_S = 2.0
_BACK_OFF_S = 2.0
_FEW = 200  # messages; to land so few at once costs as much as to land them with the next
_PACE_S = 0.04


@click.command(epilog="Example: carbonwatch ingest --data data --mqtt mqtt://127.0.0.1:1883")
@service_options
@click.option(
    "--topics", multiple=True, default=("ecm/#", "spBv1.0/#"), show_default=True,
    help="What to subscribe to, once for each; `#` takes everything.",
)  # fmt: skip
def ingest(settings: Settings, topics: tuple[str, ...]) -> None:
    """Receive over MQTT, journal, acknowledge, and land in the store."""
    adapters.log_to_stderr()
    stop = adapters.stop_event()
    books = adapters.own_books(settings)
    landings = Landings(books, adapters.stores(settings)[0], settings.journal, (_WORKER, manual.WORKER))
    broker = adapters.broker(settings, f"carbonwatch-ingest-{_WORKER}")
    to_land = threading.Event()
    receiver = Receiver(broker, Journal(settings.journal, _WORKER), _receipts(books, landings), to_land)
    lander = _Lander(landings, Rebirths(broker.publish), stop, to_land)
    threads = [
        threading.Thread(target=receiver.run, args=(topics, stop), name="receive"),
        threading.Thread(target=lander.run, name="land"),
    ]

    pulse = Pulse(settings, broker, receiver, lander, landings)
    adapters.spare_the_collector()
    adapters.tend(threads, stop, lambda: adapters.heartbeat(books, "ingest", pulse.state), _BEAT_S)


class _Lander:
    """The loop around `Landings.step`; a failing neighbour makes it wait and try again."""

    def __init__(self, landings: Landings, rebirths: Rebirths, stop: threading.Event, to_land: threading.Event) -> None:
        self._landings, self._rebirths, self._stop, self._to_land = landings, rebirths, stop, to_land
        self.messages = self.store_errors = self.books_errors = 0
        self.trouble = ""

    def run(self) -> None:
        """Land until told to stop."""
        while not self._stop.is_set():
            try:
                done = self._landings.step()
            except (CarbonwatchError, SQLAlchemyError) as error:
                if isinstance(error, SQLAlchemyError):
                    self.books_errors += 1
                else:
                    self.store_errors += 1
                self.trouble = f"landing waits: {error}"
                _log.exception("landing waits")
                self._stop.wait(_BACK_OFF_S)
                continue
            self.trouble = ""
            self.messages += done
            self._rebirths.ask(self._landings.take_lacking(), time.monotonic(), time.time_ns() // 1_000_000)
            if done == 0:
                self._to_land.wait(_IDLE_S)
                self._to_land.clear()
            elif done < _FEW:
                self._stop.wait(_PACE_S)


def _receipts(books: Engine, landings: Landings) -> Receipts:
    with books.begin() as db:
        rows = db.execute(select(t.gateway).order_by(t.gateway.c.last_at)).all()
    known = {(row.site, row.gateway, row.boot): Sequence(row.seen, row.base, row.first_at) for row in rows}
    return receipts_from(known, landings.readers[_WORKER].all_after(landings.landings[_WORKER].position))
