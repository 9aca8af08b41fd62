"""A steel works with an arc furnace, compressors, pumps and a rolling line.

Invented: heats of 55 minutes at 24 and 15 MW that give 36 t, a furnace that stands still on Sundays from 8 to 16, one
compressor that always runs, one by day and one on working days, a rolling line that is slower at night and at weekends.
"""

from dataclasses import dataclass

import numpy as np

from energy.window import QUARTER
from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, bell, drift, key_of
from simulators.plant_clock import Mask, between, weekday
from simulators.shifts import crew
from simulators.source import COUNTS_PER_UNIT, Changes, Load, Source, Total, changed

_MINUTE = 60_000
_HEAT = 55  # min from tap to tap
_MELTING, _REFINING = 26, 16  # min; the rest is charging and tapping
_TAPPING = 6  # min
_HEAT_T = 36.0
NIGHT = (22.0, 6.0)
COMPRESSOR_2_KW, _COMPRESSOR_2_NOISE = 158.0, 0.02


@dataclass(frozen=True, slots=True)
class ArcFurnace:
    """Melts in heats of 55 minutes at 24 and 15 MW; stands still on Sundays from 8:00 to 16:00."""

    key: int

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        minutes = slots[:, None] * (QUARTER // _MINUTE) + np.arange(QUARTER // _MINUTE)
        mean = self._power(minutes.ravel()).reshape(minutes.shape).mean(axis=1)
        return np.asarray(np.rint(mean * COUNTS_PER_UNIT / 4), dtype=np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`; the arc is restless."""
        return self._power(times // _MINUTE) * (1 + 0.06 * bell(self.key + 1, times // 5_000))

    def _power(self, minutes: Ints) -> Floats:
        heat, phase = minutes // _HEAT, minutes % _HEAT
        charge = 1 + 0.04 * bell(self.key, heat)
        melting = np.where(phase < _MELTING, 24_000.0, 15_000.0)
        power = np.where(phase < _MELTING + _REFINING, melting, 900.0) * charge
        return np.where(_still(minutes * _MINUTE), 350.0, power)


@dataclass(frozen=True, slots=True)
class Tapping:
    """The steel of each heat, in the minutes in which it is tapped; a crew that works well wastes less."""

    key: int

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`."""
        minutes = slots[:, None] * (QUARTER // _MINUTE) + np.arange(QUARTER // _MINUTE)
        mean = self._rate(minutes.ravel()).reshape(minutes.shape).mean(axis=1)
        return np.asarray(np.rint(mean * COUNTS_PER_UNIT / 4), dtype=np.int64)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return self._rate(times // _MINUTE)

    def _rate(self, minutes: Ints) -> Floats:
        """Tonnes an hour."""
        times, tapping = minutes * _MINUTE, minutes % _HEAT >= _HEAT - _TAPPING
        made = _HEAT_T * 60 / _TAPPING * crew(self.key, times, 0.02)
        return np.where(tapping & ~_still(times), made, 0.0)


def _still(times: Ints) -> Mask:
    return np.asarray((weekday(times) == 6) & between(times, 8, 16))


def _key(seed: int, name: str) -> int:
    return key_of(seed, "steel", name)


def compressor_2_at_night(seed: int, begin: int) -> Load:
    """What compressor 2 draws when it runs through the nights from `begin` (ms UTC) on, nothing at other times."""

    def shape(times: Ints) -> Floats:
        return np.where(between(times, *NIGHT) & (times >= begin), COMPRESSOR_2_KW, 0.0)

    return Load(_key(seed, "c2"), shape, _COMPRESSOR_2_NOISE)


def _compressor_2(times: Ints) -> Floats:
    return np.where(between(times, *NIGHT), 2.4, COMPRESSOR_2_KW)


def _compressor_3(times: Ints) -> Floats:
    working = between(times, 8, 18) & (weekday(times) < 5)
    return np.where(working, 118.0, 2.0)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return _key(seed, name)

    def compressor_1(times: Ints) -> Floats:
        return 225.0 - 20.0 * between(times, *NIGHT) + 2.5 * drift(key("c1-drift"), times)

    def pumps(times: Ints) -> Floats:
        return 430.0 + 35.0 * between(times, 7, 23) + 5.0 * drift(key("pump-drift"), times)

    def rest(times: Ints) -> Floats:
        weekend = weekday(times) >= 5
        shift = np.where(between(times, *NIGHT), 2_350.0, np.where(between(times, 6, 14), 2_700.0, 2_550.0))
        return shift * np.where(weekend, 0.82, 1.0) * (1 + 0.012 * drift(key("rest-drift"), times))

    below = changed(
        {
            "arc-furnace": ArcFurnace(key("furnace")),
            "compressor-1": Load(key("c1"), compressor_1, 0.02),
            "compressor-2": Load(key("c2"), _compressor_2, _COMPRESSOR_2_NOISE),
            "compressor-3": Load(key("c3"), _compressor_3, 0.025),
            "pumps": Load(key("pumps"), pumps, 0.015),
            "rolling": Load(key("rolling"), rest, 0.03, flicker=0.03),
        },
        changes,
    )
    single: dict[str, Source] = {
        "incomer": Total(tuple(below.values()), 0.012),
        "product": Tapping(key("product")),
    }
    return changed(single, changes) | below


STEEL_WORKS = Kind(
    "steel_works",
    "钢铁厂",
    "steel works",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("arc-furnace", "电弧炉", "arc furnace", parent="incomer"),
        MeterKind("compressor-1", "1号空压机", "compressor 1", parent="incomer"),
        MeterKind("compressor-2", "2号空压机", "compressor 2", parent="incomer"),
        MeterKind("compressor-3", "3号空压机", "compressor 3", parent="incomer"),
        MeterKind("pumps", "冷却水泵", "cooling water pumps", parent="incomer"),
        MeterKind("rolling", "轧线及其他", "rolling line and the rest", parent="incomer"),
        MeterKind("product", "钢产量", "steel tapped", "product_t"),
    ),
    _build,
)
