"""A Mosquitto that is set up as docs/mosquitto.md says, by its own commands, on a free port."""

import os
import re
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion

from tests import neighbours
from tests.contract.brokers import wait
from tests.source import ROOT
from tests.test_docs import lines

PAGE = ROOT / "docs" / "mosquitto.md"


def make_certificates(folder: Path) -> None:
    """Run the page's openssl commands in the folder."""
    commands = [line.words for line in lines(PAGE) if line.words[0] == "openssl"]
    assert len(commands) == 3
    for words in commands:
        done = subprocess.run(words, cwd=folder, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr


@contextmanager
def mosquitto_in(folder: Path) -> Iterator[int]:
    """Start it with the folder's configuration, on a port that is free."""
    port = neighbours.free_port()
    config = folder / "mosquitto.conf"
    text = re.sub(r"^listener .*$", f"listener {port} 127.0.0.1", config.read_text("utf-8"), flags=re.MULTILINE)
    if os.geteuid() == 0 and "user root" not in text:
        text = f"user root\n{text}"
    config.write_text(text, "utf-8")
    with neighbours.running("mosquitto", ["-c", str(config)], folder, lambda: neighbours.listens(port)):
        yield port


@dataclass(slots=True)
class Device:
    """A client of the broker as anybody's software would be one: MQTT 5 over TLS with name and password."""

    client: Client
    got: list[tuple[str, bytes]]
    up: threading.Event
    said: list[str]
    answers: list[str]

    def publish(self, topic: str, payload: bytes = b"x") -> str:
        """At QoS 1; what the broker answers."""
        self.answers.clear()
        self.client.publish(topic, payload, qos=1)
        wait(lambda: bool(self.answers), 10)
        return self.answers[0]

    def close(self) -> None:
        """Good-bye."""
        self.client.disconnect()
        self.client.loop_stop()


def device(folder: Path, port: int, user: str, password: str, *topics: str) -> Device:
    """Sign in, and subscribe; whether it worked is in `up`, and why not in `said`."""
    made = Device(
        Client(CallbackAPIVersion.VERSION2, user, protocol=MQTTProtocolVersion.MQTTv5), [], threading.Event(), [], []
    )
    made.client.username_pw_set(user, password)
    made.client.tls_set(str(folder / "ca.crt"), tls_version=ssl.PROTOCOL_TLS_CLIENT)
    subscribed = threading.Event()

    def on_connect(client: Client, _u: object, _f: object, code: object, _p: object) -> None:
        made.said.append(str(code))
        if str(code) == "Success":
            made.up.set()
            if topics:
                client.subscribe([(topic, 1) for topic in topics])

    made.client.on_connect = on_connect
    made.client.on_publish = lambda _c, _u, _m, code, _p: made.answers.append(str(code))
    made.client.on_disconnect = lambda *_: made.up.clear()
    made.client.on_subscribe = lambda *_: subscribed.set()
    made.client.on_message = lambda _c, _u, message: made.got.append((message.topic, bytes(message.payload)))
    made.client.connect("127.0.0.1", port)
    made.client.loop_start()
    wait(lambda: bool(made.said), 10)
    if topics and made.up.is_set():
        assert subscribed.wait(10)
    return made
