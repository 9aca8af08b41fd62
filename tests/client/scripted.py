"""A neighbour on a real socket that answers as a test says, or cuts the line."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

CUT = b"cut"  # close the line without an answer


@dataclass(frozen=True, slots=True)
class Answer:
    """What is said to one request; `whole` False: the line is cut after the body."""

    status: int = 200
    body: bytes = b"{}"
    headers: dict[str, str] = field(default_factory=dict)
    whole: bool = True


@dataclass(slots=True)
class Scripted:
    """`seen`: (method, path, headers) of what was asked."""

    url: str
    seen: list[tuple[str, str, dict[str, str]]]


def problem(status: int, kind: str = "about:blank", detail: str = "no", **headers: str) -> Answer:
    """A problem as the API tells it; a header's name is written with `_` for `-`."""
    body = json.dumps({"type": kind, "title": "x", "status": status, "detail": detail}).encode()
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, body, {"Content-Type": "application/problem+json", **given})


@contextmanager
def scripted(*script: Answer | bytes) -> Iterator[Scripted]:
    """Answer the first request with the first of the script, and so on; the last one again and again."""
    left, seen, lock = list(script), list[tuple[str, str, dict[str, str]]](), threading.Lock()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self) -> None:
            self.rfile.read(int(self.headers.get("Content-Length", 0)))
            with lock:
                seen.append((self.command, self.path, {name.lower(): text for name, text in self.headers.items()}))
                said = left.pop(0) if len(left) > 1 else left[0]
            if isinstance(said, bytes):
                self.close_connection = True
                return
            self.send_response(said.status)
            for name, text in said.headers.items():
                self.send_header(name, text)
            if said.status != 304:
                self.send_header("Content-Length", str(len(said.body) + (0 if said.whole else 1)))
            self.end_headers()
            self.wfile.write(said.body)
            self.close_connection = not said.whole

        do_GET = do_PUT = do_POST = do_PATCH = do_DELETE = answer  # noqa: N815

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield Scripted(f"http://127.0.0.1:{server.server_address[1]}", seen)
    finally:
        server.shutdown()
        server.server_close()
        thread.join(5)
