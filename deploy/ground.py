"""Prepares the ground for a system: its data directory, lock, key and ports; or says in one line what is wrong."""

import fcntl
import json
import os
import secrets
import socket
import time
from pathlib import Path
from typing import IO

from energy.errors import SetupError

_PREDECESSOR_S = 8.0  # a killed system's children need a moment to notice


def take_directory(data: Path) -> IO[str]:
    """Make `data` and lock it for this process; keep the answer open. SetupError when it is not ours to have."""
    try:
        data.mkdir(parents=True, exist_ok=True)
        lock = (data / "lock").open("a", encoding="utf-8")
    except OSError as error:
        raise SetupError(
            f"the data directory {data} cannot be written: {error.strerror}; use another --data"
        ) from error
    until = time.monotonic() + _PREDECESSOR_S
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            if _is_running(data) or time.monotonic() > until:
                raise SetupError(f"a system already runs on {data}: stop it, or use another --data") from error
            time.sleep(0.1)
        else:
            return lock


def make_key(path: Path) -> None:
    """The local admin key, made at the first start, readable by its owner alone."""
    try:
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        if path.stat().st_size > 0:
            path.chmod(0o600)
            return
        file = os.open(path, os.O_WRONLY | os.O_TRUNC, 0o600)  # a start was killed between making and writing it
    with os.fdopen(file, "w", encoding="utf-8") as out:
        out.write(secrets.token_urlsafe(32) + "\n")


def free_port(host: str, port: int, option: str) -> int:
    """`port` if it can be listened on, another for 0; waits a little for a killed predecessor's children."""
    if not 0 <= port <= 65_535:
        raise SetupError(f"{option} {port} is no port: use 1 to 65535, or 0 for any that is free")
    until = time.monotonic() + _PREDECESSOR_S / 4
    while True:
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((host, port))
                return int(probe.getsockname()[1])
            except PermissionError as error:
                raise SetupError(f"port {port} may not be used by this user: choose another by {option}") from error
            except OSError as error:
                if time.monotonic() > until:
                    raise SetupError(f"port {port} is in use: choose another by {option}") from error
        time.sleep(0.1)


def _is_running(data: Path) -> bool:
    """Whether the process that running.json names lives, so that waiting for the lock is of no use."""
    try:
        os.kill(int(json.loads((data / "running.json").read_text(encoding="utf-8"))["pid"]), 0)
    except (OSError, ValueError, KeyError, TypeError):
        return False
    return True
