"""The whole system on one machine: an embedded broker and one child process per service, watched over."""

import json
import logging
import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import iotcore

from deploy import adapters, probe
from deploy.child import Child
from energy.errors import SetupError
from energy.settings import Settings

_log = logging.getLogger(__name__)
_PATIENCE_S = 15.0
_PROBE_S = 5.0
_REFUSALS = 3  # probes in a row, two seconds each, that a broker may leave unanswered
# Larger than what ingest takes, so that a payload that is too large reaches quarantine and is not just cut off.
_BROKER = {"max_payload_size": 1024 * 1024, "max_inflight_count": 200, "max_connections": 1000}


class Standalone:
    """Starts, watches and stops the parts of one system; `settings` has the addresses that are free."""

    def __init__(self, settings: Settings, *, demo: bool, own_broker: bool) -> None:
        """Nothing is started yet."""
        self._settings = settings
        self._own_broker = own_broker
        self._broker: iotcore.Broker | None = None
        self._broker_restarts = 0
        self._refusals, self._probe_at = 0, 0.0
        self._books = adapters.books(settings)
        self._children = self._plan(demo=demo)

    def start(self) -> None:
        """Start the broker and the children; SetupError when the broker cannot be had."""
        if self._own_broker:
            self._start_broker()
        for child in self._children:
            child.watch(time.monotonic())

    def watch(self, stop: threading.Event, every: Callable[[], None]) -> None:
        """Keep all running until `stop`; `every` is called each second."""
        while not stop.wait(1.0):
            self._watch_broker()
            for child in self._children:
                child.watch(time.monotonic())
            every()

    def stop(self) -> None:
        """End the children, then the broker; what was acknowledged is in the journal."""
        for child in self._children:
            child.stop()
        until = time.monotonic() + _PATIENCE_S
        for child in self._children:
            child.wait(until)
        if self._broker is not None:
            self._broker.stop()
        self._books.dispose()

    def _plan(self, *, demo: bool) -> list[Child]:
        s = self._settings
        shared = ["--data", str(s.data), "--mqtt", s.mqtt] + (["--influx", s.influx] if s.influx else [])
        expect = ["broker", "ingest", "analytics"] + (["demo"] if demo else [])
        api = [*shared, "--host", s.host, "--port", str(s.port), *(a for name in expect for a in ("--expect", name))]
        topics = ["--topics", "#"] if self._own_broker else []
        plans: dict[str, list[str]] = {
            "api": api, "ingest": [*shared, *topics], "analytics": shared
        }  # fmt: skip
        if demo:
            plans["demo"] = ["--data", str(s.data)]
        logs = s.data / "logs"
        try:
            logs.mkdir(exist_ok=True)
            children = [Child(name, [name, *rest], _fresh(logs / f"{name}.log")) for name, rest in plans.items()]
        except OSError as error:
            raise SetupError(f"the logs in {logs} cannot be written: {error.strerror}") from error
        for child in children:
            child.needs = s.running_file if child.name == "demo" else None
            child.environment = adapters.environment(s)
        return children

    def _start_broker(self) -> None:
        self._refusals = 0
        host, port = _host_and_port(self._settings.mqtt)
        self._broker = iotcore.Broker(port, host, None, **_BROKER)
        try:
            self._broker.start()
        except (OSError, RuntimeError) as error:
            raise SetupError(f"the embedded broker cannot listen on {host}:{port}: {error}") from error

    def _watch_broker(self) -> None:
        """Start the embedded broker again when it ended, and say in the books how the broker is."""
        detail: dict[str, Any] = {"address": self._settings.mqtt, "kind": "external"}
        ok = True
        if self._broker is not None:
            detail |= {"kind": "embedded, for demonstration: keeps nothing when it ends",
                       "restarts": self._broker_restarts}  # fmt: skip
            if self._broker_is_lost():
                self._broker_restarts += 1
                self._broker.stop()
                try:
                    self._start_broker()
                except SetupError as error:
                    ok, detail["reason"] = False, str(error)
        adapters.heartbeat(self._books, "broker", lambda: (ok, detail))

    def _broker_is_lost(self) -> bool:
        """Whether the embedded broker has ended, or runs and has taken no client for a while.

        It can run on and be of no use: one message with a hostile topic ends its router and not its process.
        """
        if self._broker is None or not self._broker.is_running:
            return self._broker is not None
        now = time.monotonic()
        if now < self._probe_at:
            return False
        host, port = _host_and_port(self._settings.mqtt)
        self._refusals = 0 if probe.answers(host, port) else self._refusals + 1
        self._probe_at = now + (_PROBE_S if self._refusals == 0 else 1.0)
        return self._refusals >= _REFUSALS


def _host_and_port(url: str) -> tuple[str, int]:
    host, port = url.removeprefix("mqtt://").rsplit(":", 1)
    return host, int(port)


def write_running(settings: Settings) -> None:
    """Say where the system runs, for the commands that look for it; never half written."""
    body = {"url": f"http://{settings.host}:{settings.port}", "mqtt": settings.mqtt, "pid": os.getpid()}
    draft = settings.running_file.with_suffix(".tmp")
    draft.write_text(json.dumps(body), encoding="utf-8")
    draft.replace(settings.running_file)


def _fresh(path: Path) -> Path:
    """The log of this run; that of the run before is kept beside it."""
    if path.exists():
        path.replace(path.with_suffix(".log.1"))
    return path
