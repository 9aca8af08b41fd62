"""Opens what a service needs, from the settings; the one place that chooses adapters."""

import gc
import json
import logging
import os
import re
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from pydantic import SecretStr, ValidationError
from sqlalchemy import URL, Engine
from sqlalchemy.exc import SQLAlchemyError

from energy.books import home, parts
from energy.books.open import open_books, parse
from energy.broker.paho import PahoBroker
from energy.errors import CarbonwatchError, SetupError
from energy.settings import Settings
from energy.store.port import Store
from energy.store.sqlite import SqliteStore

_log = logging.getLogger(__name__)
# What JSON leaves as it is and a terminal or an editor obeys: control signs, line and paragraph ends, directions.
_UNSEEN = re.compile("[\x7f-\x9f\u2028-\u202e\u2066-\u2069\ufeff]")


def settings(**given: Any) -> Settings:
    """Settings from arguments and environment; the InfluxDB token comes from INFLUX_TOKEN alone.

    An argument that is None is left to the environment, such as `books` to CARBONWATCH_BOOKS.
    """
    token = os.environ.get("INFLUX_TOKEN")
    asked = {name: value for name, value in given.items() if value is not None}
    try:
        return Settings(**asked, influx_token=SecretStr(token) if token else None)
    except ValidationError as error:
        wrong = "; ".join(f"CARBONWATCH_{str(one['loc'][0]).upper()}: {one['msg']}" for one in error.errors())
        raise SetupError(f"a setting makes no sense: {wrong}") from error


def books(settings: Settings) -> Engine:
    """The books: where `books` says, or in the data directory."""
    if settings.books is not None:
        return open_books(settings.books.get_secret_value())
    return open_books(str(URL.create("sqlite", database=str(settings.books_db))))  # a path may have any character


def own_books(settings: Settings) -> Engine:
    """The books, for the part whose journal they follow; SetupError when they follow that of another data directory."""
    engine = books(settings)
    if settings.books is not None:
        with engine.begin() as db:
            home.claim(db, home.mark_of(settings.data))
    return engine


def books_place(settings: Settings) -> str:
    """Where the books are, for a person to read; never with a password."""
    if settings.books is None:
        return f"SQLite in {settings.data}"
    url = parse(settings.books.get_secret_value())
    return f"{url.get_backend_name()} {url.database} at {url.query.get('host') or url.host or 'this machine'}"


def stores(settings: Settings) -> tuple[Store, Store]:
    """(readings, accounts): two files when embedded, one bucket in InfluxDB."""
    if settings.influx is None:
        return SqliteStore(settings.readings_db), SqliteStore(settings.accounts_db)
    if settings.influx_token is None:
        raise SetupError("--influx needs a token in the environment variable INFLUX_TOKEN")
    from energy.store.influx import InfluxStore  # its client costs every start a third of a second

    token = settings.influx_token.get_secret_value()
    try:
        store = InfluxStore(settings.influx, token, settings.influx_org, settings.influx_bucket)
    except ValueError as error:
        raise SetupError(f"--influx {settings.influx!r} is no address: {error}") from error
    return store, store


def broker(settings: Settings, client_id: str, **options: Any) -> PahoBroker:
    """A client of the broker, not started yet; SetupError for an address or files that cannot be used."""
    return PahoBroker(settings.mqtt, client_id, access=settings.mqtt_access, **options)


def environment(settings: Settings) -> dict[str, str]:
    """What a part of the system is told by its environment, since a list of processes shows its arguments."""
    told = {
        "CARBONWATCH_BOOKS": settings.books, "CARBONWATCH_MQTT_USER": settings.mqtt_user,
        "CARBONWATCH_MQTT_PASSWORD": settings.mqtt_password, "CARBONWATCH_MQTT_CA": settings.mqtt_ca,
        "CARBONWATCH_MQTT_CERTIFICATE": settings.mqtt_certificate, "CARBONWATCH_MQTT_KEY": settings.mqtt_key,
    }  # fmt: skip
    return {
        name: value.get_secret_value() if isinstance(value, SecretStr) else str(value)
        for name, value in told.items()
        if value is not None
    }


def stop_event() -> threading.Event:
    """An event that SIGTERM and SIGINT set, and SIGHUP unless it is ignored, as under nohup."""
    stop = threading.Event()
    ends = [signal.SIGTERM, signal.SIGINT]
    if signal.getsignal(signal.SIGHUP) != signal.SIG_IGN:
        ends.append(signal.SIGHUP)
    for number in ends:
        signal.signal(number, lambda *_: stop.set())
    return stop


def heartbeat(engine: Engine, name: str, state: Callable[[], tuple[bool, Mapping[str, Any]]]) -> None:
    """Write a part's state to the books once; a failure is logged, for the next one may succeed."""
    try:
        ok, detail = state()
        with engine.begin() as db:
            parts.say(db, name, ok=ok, detail=detail, now=time.time_ns() // 1_000_000)
    except (SQLAlchemyError, CarbonwatchError):
        _log.exception("%s cannot say how it is", name)


def tend(threads: Sequence[threading.Thread], stop: threading.Event, beat: Callable[[], None], every: float) -> None:
    """Start a service's threads and call `beat` each `every` seconds until `stop`; then wait for their end.

    A thread that ends before is an error that nobody foresaw: the process ends too (exit 1), to be started anew.
    """
    for thread in threads:
        thread.start()
    dead: list[str] = []
    while not stop.wait(every) and not dead:
        dead = [thread.name for thread in threads if not thread.is_alive()]
        beat()
    stop.set()
    for thread in threads:
        thread.join()
    if dead:
        _log.error("ended because %s has", " and ".join(dead))
        sys.exit(1)


def spare_the_collector() -> None:
    """What was loaded stays, and a batch makes a hundred thousand objects without a cycle: look for cycles seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(100_000, 20, 100)


def log_to_stderr(level: int = logging.INFO) -> None:
    """One line of JSON a record, so that nothing in a message can forge another line."""

    class OneLine(logging.Formatter):
        def format(self, record: logging.LogRecord) -> str:
            said = {"at": self.formatTime(record), "level": record.levelname, "part": record.name,
                    "said": record.getMessage()}  # fmt: skip
            if record.exc_info and record.exc_info[1] is not None:
                said["error"] = f"{type(record.exc_info[1]).__name__}: {record.exc_info[1]}"
                if level <= logging.DEBUG:
                    said["trace"] = self.formatException(record.exc_info)
            line = json.dumps(said, ensure_ascii=False)
            return _UNSEEN.sub(lambda sign: f"\\u{ord(sign[0]):04x}", line)

    handler = logging.StreamHandler()
    handler.setFormatter(OneLine())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    logging.getLogger("httpx").setLevel(logging.WARNING)
