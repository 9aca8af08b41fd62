"""How the API listens: connections that may not dawdle, TLS, and a stop that ends the streams first."""

import asyncio
import logging
import socket
import ssl
import sys
from pathlib import Path
from types import FrameType

import h11
import uvicorn
from anyio import to_thread
from fastapi import FastAPI
from uvicorn.protocols.http.h11_impl import H11Protocol

from api.guard import HEAD_BYTES, HEADERS
from api.problems import problem
from energy.errors import SetupError

KEEP_ALIVE_S = 5  # a connection may rest so long
HEAD_S = 10.0  # a request's head must be whole so long after its connection was made, or has rested enough
STALL_S = 30.0  # whoever does not take what is sent to him so long has gone
THREADS = 8  # answer at once; with more of them they get in each other's way (docs/benchmarks.md)
CONNECTIONS = 512  # at once; the books and stores need open files too


class Connection(H11Protocol):
    """uvicorn's connection with limits on time where uvicorn has none: before a request's head is whole, while a body
    comes that nobody reads, and while the other side does not take the answer."""

    since = 0.0  # when it began to rest, in the loop's time
    _head: asyncio.TimerHandle | None = None
    _stall: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Take it; where there are too many, the one that has rested longest goes, or this one where none rests."""
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS:
            resting = [one for one in self.connections if isinstance(one, Connection) and one is not self and one.rests]
            min(resting, key=lambda one: one.since, default=self).transport.abort()
        self.since = self.loop.time()
        self._expect_head(HEAD_S)

    @property
    def rests(self) -> bool:
        """Whether no request of it is being answered; one whose head is not whole counts as resting."""
        return self.cycle is None or self.cycle.response_complete

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget it."""
        _cancel(self._head)
        _cancel(self._stall)
        super().connection_lost(exc)

    def handle_events(self) -> None:
        """What has come; a whole head ends the wait for it."""
        before = self.cycle
        super().handle_events()
        if self.cycle is not before:
            _cancel(self._head)

    def on_response_complete(self) -> None:
        """The next head is awaited; what is left of this body must be over by then."""
        self.since = self.loop.time()
        self._expect_head(KEEP_ALIVE_S + HEAD_S)
        super().on_response_complete()

    def pause_writing(self) -> None:
        """The other side does not take what is sent."""
        super().pause_writing()
        self._abort_later()

    def resume_writing(self) -> None:
        """It does again."""
        _cancel(self._stall)
        super().resume_writing()

    def timeout_keep_alive_handler(self) -> None:
        """Close what rests too long, also where the other side does not take the end of its last answer."""
        super().timeout_keep_alive_handler()
        self._abort_later()

    def send_400_response(self, msg: str) -> None:  # noqa: ARG002
        """What is no HTTP, or too large a head, is answered as a problem too."""
        error = sys.exc_info()[1]
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        large = f"the request's head is larger than {HEAD_BYTES} bytes"
        self._refuse(status, large if status == 431 else "this is no request as HTTP/1.1 has it")

    def _expect_head(self, seconds: float) -> None:
        _cancel(self._head)
        self._head = self.loop.call_later(seconds, self._head_is_late)

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            self.transport.abort()
        elif self.conn.their_state is h11.IDLE and self.conn.trailing_data[0]:
            self._refuse(408, f"the request's head was not whole after {HEAD_S:.0f} s: send it again")
        else:
            self.transport.abort()

    def _refuse(self, status: int, detail: str) -> None:
        if self.cycle is not None:
            self.cycle.disconnected = True  # the application's own answer, if there was to be one, is of no use now
            self.cycle.message_event.set()
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.abort()
            return
        answer = problem(status, detail, headers={**HEADERS, "Connection": "close"})
        head = h11.Response(status_code=status, headers=answer.raw_headers, reason=b"")
        for event in (head, h11.Data(data=bytes(answer.body)), h11.EndOfMessage()):
            self.transport.write(self.conn.send(event) or b"")
        self.transport.close()
        self._abort_later()

    def _abort_later(self) -> None:
        _cancel(self._stall)
        self._stall = self.loop.call_later(STALL_S, self.transport.abort)


class Server(uvicorn.Server):
    """uvicorn that lets the streams end before it waits for open connections."""

    def __init__(
        self, app: FastAPI, host: str, port: int, *, proxies: str | None = None, tls: ssl.SSLContext | None = None
    ) -> None:
        """proxies: addresses, with commas, that may say whom they ask for; tls: what `secure` made."""
        self._stopping: asyncio.Event = app.state.stopping
        config = uvicorn.Config(
            app, host=host, port=port, http=Connection, ws="none", log_config=None, access_log=False,
            server_header=False, timeout_graceful_shutdown=5, timeout_keep_alive=KEEP_ALIVE_S,
            h11_max_incomplete_event_size=HEAD_BYTES,
            # Else anybody on this machine could say he asks from anywhere, and would be counted and recorded so.
            proxy_headers=proxies is not None, forwarded_allow_ips=proxies,
        )  # fmt: skip
        if tls is not None:
            config.ssl_context_factory = lambda *_: tls
        super().__init__(config)
        logging.getLogger("uvicorn.error").setLevel(logging.WARNING)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Listen, with so many threads."""
        to_thread.current_default_thread_limiter().total_tokens = THREADS
        await super().startup(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """SIGTERM and SIGINT: end the streams, then the server."""
        self._stopping.set()
        super().handle_exit(sig, frame)


def secure(cert: Path, key: Path) -> ssl.SSLContext:
    """TLS 1.2 and newer with the certificate and key of these PEM files; SetupError when they are none."""
    made = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    made.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        made.load_cert_chain(cert, key, password=lambda: "")  # else it would ask the terminal for one
    except OSError as error:
        raise SetupError(f"{cert} and {key} are no certificate with its key: {error.strerror or error}") from error
    return made


def _cancel(timer: asyncio.TimerHandle | None) -> None:
    if timer is not None:
        timer.cancel()
