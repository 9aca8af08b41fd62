"""Whether an MQTT broker still takes clients: a listening port alone does not say so."""

import socket

# CONNECT, MQTT 3.1.1, clean session, keep-alive 10 s, client id "probe"; and DISCONNECT.
_CONNECT = b"\x10\x11\x00\x04MQTT\x04\x02\x00\x0a\x00\x05probe"
_CONNACK = b"\x20\x02\x00\x00"
_DISCONNECT = b"\xe0\x00"


def answers(host: str, port: int, patience: float = 2.0) -> bool:
    """True when the broker accepts a connection and a session within `patience` seconds."""
    try:
        with socket.create_connection((host, port), timeout=patience) as line:
            line.settimeout(patience)
            line.sendall(_CONNECT)
            took = line.recv(len(_CONNACK)) == _CONNACK
            line.sendall(_DISCONNECT)
            return took
    except OSError:
        return False
