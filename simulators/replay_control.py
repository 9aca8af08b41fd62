"""When the next message of a replay is due, and how somebody changes that while it plays."""

import threading
import time
from collections.abc import Callable


class Control:
    """Speed, pause, steps and end of a replay; offsets are ms from its first message. Any thread may call."""

    def __init__(
        self, speed: float | None, *, paused: bool = False, clock: Callable[[], float] = time.monotonic
    ) -> None:
        """`speed` is seconds of the recording in each second, None: as fast as it goes."""
        self._clock, self._lock = clock, threading.Lock()
        self._speed, self._paused, self._steps, self._ended = speed, paused, 0, False
        self._last = 0.0  # offset of the newest message that was taken
        self._from, self._since = 0.0, clock()  # the position at a moment of the clock

    def pause(self) -> None:
        """Send nothing more until `go` or `step`."""
        with self._lock:
            self._anchor()
            self._paused = True

    def go(self) -> None:
        """Play on."""
        with self._lock:
            self._anchor()
            self._paused, self._steps = False, 0

    def toggle(self) -> None:
        """Pause, or go on."""
        (self.go if self.paused else self.pause)()

    def step(self, count: int = 1) -> None:
        """Send `count` messages more at once, then be paused."""
        with self._lock:
            self._anchor()
            self._paused = True
            self._steps += count

    def change(self, speed: float | None) -> None:
        """Another speed from here on."""
        with self._lock:
            self._anchor()
            self._speed = speed

    def faster(self, factor: float) -> None:
        """A multiple of the speed; `max` stays as it is."""
        with self._lock:
            self._anchor()
            self._speed = None if self._speed is None else self._speed * factor

    def end(self) -> None:
        """Send nothing more at all."""
        with self._lock:
            self._ended = True

    @property
    def paused(self) -> bool:
        """Whether nothing is sent, steps apart."""
        return self._paused

    @property
    def ended(self) -> bool:
        """Whether somebody ended it."""
        return self._ended

    @property
    def stepping(self) -> bool:
        """Whether messages go out one at a time."""
        return self._paused

    def wait(self, offset: float) -> float:
        """Seconds until the message at `offset` is due: 0 or less for now (late by that), infinite while paused."""
        with self._lock:
            if self._steps:
                return 0.0
            if self._paused:
                return float("inf")
            if self._speed is None:
                return 0.0
            return (offset - self._position()) / 1000 / self._speed

    def took(self, offset: float) -> None:
        """The message at `offset` is sent."""
        with self._lock:
            self._last = max(self._last, offset)
            self._steps = max(0, self._steps - 1)

    def state(self) -> str:
        """For a person: `paused`, `max` or `×60`."""
        return "paused" if self._paused else "max" if self._speed is None else f"×{self._speed:g}"

    def _position(self) -> float:
        if self._paused or self._speed is None:
            return max(self._from, self._last)
        return self._from + (self._clock() - self._since) * 1000 * self._speed

    def _anchor(self) -> None:
        self._from, self._since = self._position(), self._clock()


def obey(control: Control, line: str) -> str:
    """Do what one line of a program says; what is wrong with it, "" when nothing is."""
    words = line.split()
    try:
        match words:
            case ["pause"]:
                control.pause()
            case ["go"]:
                control.go()
            case ["step"]:
                control.step()
            case ["step", count] if int(count) > 0:
                control.step(int(count))
            case ["speed", "max"]:
                control.change(None)
            case ["speed", text] if 0 < float(text) < float("inf"):
                control.change(float(text))
            case ["quit"]:
                control.end()
            case _:
                return f"{line.strip()!r} is none of: pause, go, step [N], speed N|max, quit"
    except ValueError:
        return f"{words[-1]!r} is not a number"
    return ""


def press(control: Control, key: str) -> None:
    """Do what a key of a person says: space, s or Enter, +, -, q; any other does nothing."""
    actions: dict[str, Callable[[], None]] = {
        " ": control.toggle, "s": control.step, "\r": control.step, "\n": control.step,
        "+": lambda: control.faster(2), "-": lambda: control.faster(0.5), "q": control.end,
    }  # fmt: skip
    actions.get(key, lambda: None)()
