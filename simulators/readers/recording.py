"""A recorded file that can be replayed: its site, its meters and its readings."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from energy.errors import InputError
from energy.reading import Reading
from energy.registry import Meter, Site


@dataclass(frozen=True, slots=True)
class Recording:
    """`read` opens the file anew each time and gives `count` readings from `first` to `last` (ms UTC), in order."""

    site: Site
    meters: tuple[Meter, ...]
    read: Callable[[], Iterator[Reading]]
    count: int
    first: int
    last: int


def checked(site: Site, meters: tuple[Meter, ...], read: Callable[[], Iterator[Reading]]) -> Recording:
    """A recording whose file was read through once, so that a bad row is found before anything is sent."""
    count, first, last = 0, 0, 0
    for reading in read():
        if count == 0:
            first = reading.time
        last, count = reading.time, count + 1
    if count == 0:
        raise InputError("bad_file", "there is no reading in it")
    return Recording(site, meters, read, count, first, last)


def part(recording: Recording, start: int | None, end: int | None, shift: int = 0) -> Recording:
    """The readings in [start, end), ms UTC (None: no bound), moved by `shift` ms; InputError when there is none."""

    def read() -> Iterator[Reading]:
        for reading in recording.read():
            if (start is None or reading.time >= start) and (end is None or reading.time < end):
                yield replace(reading, time=reading.time + shift)

    return checked(recording.site, recording.meters, read)
