"""A running `carbonwatch api` of a test's own, on a data directory with nothing in it but the admin key."""

import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.neighbours import free_port
from tests.system import COMMAND, plain_environment
from tests.where_books import books_environment

KEY = "the-key-of-the-tests"
START_S = 60


@dataclass(frozen=True, slots=True)
class Own:
    """Where it listens on 127.0.0.1, and what it logged."""

    port: int
    log: Path


def data_with_key(folder: Path) -> Path:
    """A new data directory in a folder."""
    data = folder / "data"
    data.mkdir()
    (data / "admin.key").write_text(KEY)
    return data


@contextmanager
def own_api(folder: Path, *args: str, **environment: str) -> Iterator[Own]:
    """Start it, give it when it listens, and stop it; AssertionError with its log when it does not come up."""
    log, data, port = folder / "api.log", data_with_key(folder), free_port()
    command = [str(COMMAND), "api", "--data", str(data), "--port", str(port), "--expect", "store", *args]
    env = {**plain_environment(), **books_environment(data), **environment}
    with log.open("wb") as out, subprocess.Popen(command, stdout=out, stderr=out, env=env) as process:
        try:
            until = time.monotonic() + START_S
            while not _listens(port):
                assert process.poll() is None, log.read_text()
                assert time.monotonic() < until, log.read_text()
                time.sleep(0.1)
            yield Own(port, log)
        finally:
            process.terminate()
            process.wait(20)


def _listens(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True
