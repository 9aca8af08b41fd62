"""A real Mosquitto by the shipped configuration and a real InfluxDB, which can be killed, held and started again."""

import contextlib
import os
import re
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from importlib.resources import files
from pathlib import Path

from tests import neighbours

# What needs certificates, passwords and a user of the name mosquitto; limits, persistence and autosave stay as shipped.
_DOOR = re.compile(r"(?m)^(cafile|certfile|keyfile|tls_version|password_file|acl_file) .*\n")


class Neighbour:
    """One process that comes back on its port with what it kept on disk."""

    def __init__(self, start: Callable[[], AbstractContextManager[subprocess.Popen[bytes]]]) -> None:
        """It is started at once; `start` makes a process that is awaited."""
        self._make, self._up = start, contextlib.ExitStack()
        self.process = self._up.enter_context(start())

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._up.close()

    def stop(self) -> None:
        """End it as an operator does."""
        self._up.close()

    def start(self) -> None:
        """Start it again."""
        self.process = self._up.enter_context(self._make())

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Let it stand still: connections stay, and nothing is answered."""
        self.process.send_signal(signal.SIGSTOP)
        try:
            yield
        finally:
            self.process.send_signal(signal.SIGCONT)


class Broker(Neighbour):
    """Mosquitto with the shipped limits and persistence, open to anybody on the loopback."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made, and keeps its sessions."""
        folder.mkdir(parents=True)
        self.port = port = neighbours.free_port()
        config = folder / "mosquitto.conf"
        config.write_text(configuration(folder, port), "utf-8")
        super().__init__(
            lambda: neighbours.running("mosquitto", ["-c", str(config)], folder, lambda: neighbours.listens(port))
        )

    @property
    def url(self) -> str:
        """Its address."""
        return f"mqtt://127.0.0.1:{self.port}"


class Influx(Neighbour):
    """InfluxDB 2 with the tests' organisation."""

    def __init__(self, folder: Path) -> None:
        """`folder` is made, and keeps its data."""
        folder.mkdir(parents=True)
        self.port = port = neighbours.free_port()
        super().__init__(lambda: neighbours.influxd_in(folder, port))
        self.token, self.url = neighbours.set_up_influx(port), f"http://127.0.0.1:{port}"


def configuration(folder: Path, port: int) -> str:
    """The shipped configuration with a listener of its own, and without what the doors need."""
    text = (files("deploy.mosquitto") / "mosquitto.conf").read_text("utf-8")
    changes = {
        "\nlistener 8883\n": f"\nlistener {port} 127.0.0.1\n",
        "\nallow_anonymous false\n": "\nallow_anonymous true\n",
        "\npersistence_location ./\n": f"\npersistence_location {folder}/\n",
        "\npid_file mosquitto.pid\n": f"\npid_file {folder}/mosquitto.pid\n",
    }
    for old, new in changes.items():
        assert old in text, f"the shipped configuration says nothing of {old.strip()}"
        text = text.replace(old, new)
    return _DOOR.sub("", text) + ("user root\n" if os.geteuid() == 0 else "")
