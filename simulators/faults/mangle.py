"""Messages mangled beyond reading, each in another way."""

import gzip
from collections.abc import Callable

_WAYS: tuple[tuple[str, Callable[[bytes], bytes]], ...] = (
    ("truncated", lambda text: text[: len(text) // 2]),
    ("not_utf8", lambda text: text[:-8] + b"\xff\xfe" + text[-8:]),
    ("not_json", lambda _: b"ERROR: sensor bus timeout"),
    ("wrong_shape", lambda _: b'{"boot": 7, "readings": "none"}'),
    ("bad_gzip", lambda text: gzip.compress(text, mtime=0)[:-9]),
    ("empty", lambda _: b""),
    ("doubled_braces", lambda text: b"{" + text),
)


def mangled(payload: bytes, number: int) -> tuple[bytes, str]:
    """A message as it arrives when it is mangled in the way of its number, and that way's name."""
    name, way = _WAYS[number % len(_WAYS)]
    return way(gzip.decompress(payload) if payload[:2] == b"\x1f\x8b" else payload), name
