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
        data.mkdir(mode=0o700, parents=True, exist_ok=True)  # hashes of passwords are in it
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
    """The local admin key, made at the first start, readable by its owner alone; SetupError when it cannot be."""
    try:
        if path.exists() and path.read_text(encoding="utf-8").strip():
            path.chmod(0o600)
            return
        # Empty where a start was killed between making and writing it.
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            out.write(secrets.token_urlsafe(32) + "\n")
    except (OSError, ValueError) as error:
        raise SetupError(f"the admin key {path} cannot be made or read: {error}; move it away") from error


def free_ports(host: str, port: int, mqtt_port: int | None) -> tuple[int, int]:
    """Ports for the API and the broker (0 where there is none to start); SetupError when they cannot be had."""
    api = free_port(host, port, "--port")
    if mqtt_port is None:
        return api, 0
    broker = free_port(host, mqtt_port, "--mqtt-port")
    if broker == api and mqtt_port == port != 0:
        raise SetupError(f"--port and --mqtt-port are both {port}: choose two")
    return (api, broker) if broker != api else free_ports(host, port, mqtt_port)


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
