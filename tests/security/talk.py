"""Talks to a served API byte by byte, as no proper client would."""

import json
import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx

from tests.api.served import KEY, Served


@contextmanager
def line(one: Served) -> Iterator[socket.socket]:
    """A bare connection."""
    address = httpx.URL(one.url)
    with socket.create_connection((address.host, address.port), timeout=15) as open_:
        yield open_


def head(method: str, path: str, *fields: str) -> bytes:
    """A request's head with the key; `ask` puts the API's name in the place of HOST."""
    own = ("Host: HOST", f"Authorization: Bearer {KEY}", "Content-Type: application/json")
    return "\r\n".join([f"{method} {path} HTTP/1.1", *own, *fields, "", ""]).encode()


def ask(open_: socket.socket, one: Served, *pieces: bytes, pause: float = 0.0) -> tuple[int, dict[str, Any], float]:
    """Send the pieces; the answer's status and problem, and the seconds until it was there; status 0 for a cut line."""
    began = time.monotonic()
    host = one.url.removeprefix("http://").encode()
    for piece in pieces:
        try:
            open_.sendall(piece.replace(b"HOST", host))
        except (BrokenPipeError, ConnectionResetError):
            break
        time.sleep(pause)
    said = b""
    while b"\r\n\r\n" not in said:
        try:
            piece = open_.recv(65536)
        except ConnectionResetError:
            piece = b""
        if not piece:
            return 0, {}, time.monotonic() - began
        said += piece
    lines, _, body = said.partition(b"\r\n\r\n")
    fields = {one.split(":")[0].lower(): one.split(":")[1].strip() for one in lines.decode().split("\r\n")[1:]}
    while len(body) < int(fields["content-length"]):
        body += open_.recv(65536)
    assert fields["x-content-type-options"] == "nosniff"
    assert "content-security-policy" in fields
    problem = json.loads(body) if fields["content-type"] == "application/problem+json" else {}
    return int(lines.split()[1]), problem, time.monotonic() - began
