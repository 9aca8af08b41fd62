"""Sifts checked readings against what is stored: new, duplicate, or in conflict; the first value stands."""

from typing import NamedTuple

from energy.reading import Reading
from energy.store.port import Series, Store

_QUALITY = "quality"
_FAR = 2**62


class Clash(NamedTuple):
    """A value that differs from the one kept at the same meter, quantity and time."""

    quantity: str
    kept: float
    refused: float


class Verdict(NamedTuple):
    """What of one reading is new, how many values were there already, and which contradict what is kept."""

    new: dict[str, float]
    duplicates: int
    clashes: tuple[Clash, ...]


class Sieve:
    """Knows each meter's newest stored time, so that the usual case needs no look at the store.

    One owner decides for a meter: no other process may write the measurement `meter` while a sieve lives.
    """

    def __init__(self, store: Store) -> None:
        """`store` is asked only for what is not newer than everything known."""
        self._store = store
        self._newest: dict[Series, int] = {}

    def sift(self, readings: list[tuple[str, Reading]]) -> list[Verdict]:
        """Readings as (site, reading), in order of arrival → a verdict each; OutsideError when the store is silent."""
        keys = [(Series("meter", site, reading.meter), reading.time) for site, reading in readings]
        newest = dict(self._newest)
        for series in {key[0] for key in keys} - newest.keys():
            newest[series] = self._store.before(series, _QUALITY, _FAR) or -1
        kept = self._store.at(sorted({key for key in keys if key[1] <= newest[key[0]]}))
        out = []
        for key, (_, reading) in zip(keys, readings, strict=True):
            fields = kept.setdefault(key, {})
            out.append(_compare(reading, fields))
            fields.update(out[-1].new)
            newest[key[0]] = max(newest[key[0]], key[1])
        self._newest = newest
        return out


def _compare(reading: Reading, kept: dict[str, float]) -> Verdict:
    new = {key: value for key, value in reading.values.items() if key not in kept}
    clashes = tuple(
        Clash(key, kept[key], value) for key, value in reading.values.items() if key in kept and kept[key] != value
    )
    duplicates = len(reading.values) - len(new) - len(clashes)
    if new and _QUALITY not in kept:
        new[_QUALITY] = float(reading.quality)
    return Verdict(new, duplicates, clashes)
