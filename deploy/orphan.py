"""A child that ends with its parent, however the parent ends."""

import os
import sys
import threading

VARIABLE = "CARBONWATCH_CHILD"


def end_with_parent() -> None:
    """In a child of `up`: end at once when the pipe that the parent holds on our standard input closes."""
    if os.environ.pop(VARIABLE, None):
        threading.Thread(target=_wait, name="parent", daemon=True).start()


def _wait() -> None:
    try:
        os.read(sys.stdin.fileno(), 1)
    finally:
        os._exit(1)
