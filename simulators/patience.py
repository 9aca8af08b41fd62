"""Waits for a running system as long as it gets on, over failures of its API."""

import time
from collections.abc import Callable
from typing import TypeVar

from energy.client import Client
from energy.errors import OutsideError

PATIENCE = 60.0  # s without any progress
_POLL = 0.25  # s

State = TypeVar("State")
Result = TypeVar("Result")


def wait_on(
    find: Callable[[], Client],
    look: Callable[[Client], tuple[State, Result | None]],
    first: State,
    say: Callable[[State], None],
    failed: Callable[[State], str],
) -> Result:
    """Look until there is a result; OutsideError, in the words of `failed`, after 60 s in which no state was new.

    find: the API's client, asked for again after every failure; first: the state before anything was seen; say: told
    each new state.
    """
    client, state, since = find(), first, time.monotonic()
    while True:
        trouble = ""
        try:
            now, result = look(client)
            if result is not None:
                return result
        except OutsideError as error:
            now, trouble, client = state, f" ({error})", find()
        if now != state:
            state, since = now, time.monotonic()
            say(state)
        elif time.monotonic() - since > PATIENCE:
            raise OutsideError(f"{failed(state)}{trouble}")
        time.sleep(_POLL)
