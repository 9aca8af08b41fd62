"""Sifts checked readings against what is stored: new, duplicate, or in conflict; the first value stands."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from energy.store.port import Point, Series, Store

QUALITY = "quality"
_FAR = 2**62
_NONE = -1


Times = dict[str, dict[str, int]]  # site → meter → ms UTC


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
        self.newest: Times = {}

    def learn(self, series: Series) -> int:
        """The newest stored time of a series that is not known yet, ms UTC; -1 when it has none."""
        found = self._store.before(series, QUALITY, _FAR)
        return _NONE if found is None else found

    def sift(self, points: Sequence[Point], batch: Sequence[Point] = ()) -> list[Verdict]:
        """Points with their quality, in order of arrival → a verdict each.

        batch: points that came before and are not stored yet. OutsideError when the store is silent.
        """
        keys = {(point.series, point.time) for point in points}
        kept = self._store.at(sorted(keys))
        for point in batch:
            if (point.series, point.time) in keys:
                kept.setdefault((point.series, point.time), {}).update(point.fields)
        out = []
        for point in points:
            fields = kept.setdefault((point.series, point.time), {})
            out.append(_compare(point.fields, fields))
            fields.update(out[-1].new)
        return out


def _compare(said: Mapping[str, float], kept: Mapping[str, float]) -> Verdict:
    values = {key: value for key, value in said.items() if key != QUALITY}
    new = {key: value for key, value in values.items() if key not in kept}
    clashes = tuple(Clash(key, kept[key], value) for key, value in values.items() if kept.get(key, value) != value)
    duplicates = len(values) - len(new) - len(clashes)
    if new and QUALITY not in kept:
        new[QUALITY] = said[QUALITY]
    return Verdict(new, duplicates, clashes)
