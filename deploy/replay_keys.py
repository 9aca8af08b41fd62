"""Who steers a replay: a person at the terminal, by keys, or a program, by lines on standard input."""

import os
import select
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import click

from energy.errors import SetupError
from simulators.replay_control import Control, obey, press

KEYS = "space: pause and go on, s: step, +/-: faster, slower, q: end"
_LOOK_S = 0.2


@contextmanager
def steered(control: Control, by: str | None) -> Iterator[None]:
    """`control` obeys while this lasts: `by` "stdin" lines, None the keys where there is a terminal.

    SetupError for a replay that is paused and that nobody can let go on.
    """
    if by == "stdin":
        threading.Thread(target=_lines, args=(control,), daemon=True).start()
        yield
    elif _terminal():
        click.echo(KEYS, err=True)
        with _keys(control):
            yield
    elif control.paused:
        raise SetupError("--pause needs a terminal, or --control stdin")
    else:
        yield


def _lines(control: Control) -> None:
    for line in sys.stdin:
        if line.strip() and (wrong := obey(control, line)):
            click.echo(wrong, err=True)
    if control.paused:
        click.echo("paused, and standard input has ended: the replay ends too", err=True)
        control.end()


def _terminal() -> bool:
    """Whether a person is there and the keys are ours; a job in the background would be stopped by reading them."""
    try:
        fd = sys.stdin.fileno()
        return sys.stdin.isatty() and sys.stderr.isatty() and os.tcgetpgrp(fd) == os.getpgrp()
    except (OSError, ValueError, AttributeError):
        return False


@contextmanager
def _keys(control: Control) -> Iterator[None]:
    """Each key at once, without Enter, and the terminal as it was at the end."""
    import termios  # not everywhere, but where there is a terminal of this kind
    import tty

    fd, over = sys.stdin.fileno(), threading.Event()
    before = termios.tcgetattr(fd)

    def read() -> None:
        while not over.is_set():
            if select.select([fd], [], [], _LOOK_S)[0]:
                for key in os.read(fd, 64).decode(errors="replace"):
                    press(control, key)

    thread = threading.Thread(target=read, daemon=True)
    try:
        tty.setcbreak(fd)
        thread.start()
        yield
    finally:
        over.set()
        thread.join()
        termios.tcsetattr(fd, termios.TCSADRAIN, before)
