"""A TCP proxy that can stall, cut and count, between a client and a real neighbour."""

import contextlib
import socket
import threading
import time
from collections.abc import Iterator


class Proxy:
    """Forwards a port of 127.0.0.1 to another while it is not stalled."""

    def __init__(self, target: int) -> None:
        """Listens at once; `target` is the neighbour's port."""
        self._target = target
        self._go = threading.Event()
        self._go.set()
        self._left: int | None = None
        self._sockets: list[socket.socket] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self.connections: list[float] = []  # when each came, time.monotonic
        threading.Thread(target=self._accept, daemon=True).start()

    def stall(self) -> None:
        """Let nothing through any more; connections stay open, new ones are taken."""
        self._go.clear()

    def resume(self) -> None:
        """Let everything through again, also what was held back."""
        self._go.set()

    def cut_after(self, count: int) -> None:
        """End all connections as soon as so many bytes more have come from the neighbour."""
        self._left = count

    def cut(self) -> None:
        """End all connections."""
        ended, self._sockets = self._sockets, []  # who comes while these are ended is not one of them
        for one in ended:
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)
            one.close()

    def close(self) -> None:
        """End."""
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._go.set()
        self.cut()

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            try:
                far = socket.create_connection(("127.0.0.1", self._target), timeout=5)
            except OSError:
                near.close()
                continue
            far.settimeout(None)
            self._sockets += [near, far]
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._pump, args=(a, b, a is far), daemon=True).start()

    def _pump(self, source: socket.socket, sink: socket.socket, answers: bool) -> None:
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                self._go.wait()
                sink.sendall(data)
                if answers and self._left is not None:
                    self._left -= len(data)
                    if self._left <= 0:
                        self._left = None
                        self.cut()
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)


@contextlib.contextmanager
def proxy(target: int) -> Iterator[Proxy]:
    """A `Proxy`, for a while."""
    one = Proxy(target)
    try:
        yield one
    finally:
        one.close()
