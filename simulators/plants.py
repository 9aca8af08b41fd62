"""The load curves of a steel works and of a paper mill."""

from dataclasses import dataclass

import numpy as np

from energy.window import QUARTER
from simulators.noise import Floats, Ints, bell, drift, key_of
from simulators.plant_clock import between, weekday
from simulators.source import COUNTS_PER_UNIT, Load, Source, Total

_MINUTE = 60_000
_HEAT = 55  # min from tap to tap
_MELTING, _REFINING = 26, 16  # min; the rest is charging and tapping
_NIGHT = (22.0, 6.0)


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
        times = minutes * _MINUTE
        still = (weekday(times) == 6) & between(times, 8, 16)
        return np.where(still, 350.0, power)


def steel_works(seed: int, night_running_from: int | None) -> dict[str, Source]:
    """Meters of a steel works; compressor 2 runs through the nights from `night_running_from` (ms UTC) on."""

    def key(name: str) -> int:
        return key_of(seed, "steel", name)

    def compressor_1(times: Ints) -> Floats:
        return 225.0 - 20.0 * between(times, *_NIGHT) + 2.5 * drift(key("c1-drift"), times)

    def compressor_2(times: Ints) -> Floats:
        running = ~between(times, *_NIGHT)
        if night_running_from is not None:
            running = running | (times >= night_running_from)
        return np.where(running, 158.0, 2.4)

    def compressor_3(times: Ints) -> Floats:
        working = between(times, 8, 18) & (weekday(times) < 5)
        return np.where(working, 118.0, 2.0)

    def pumps(times: Ints) -> Floats:
        return 430.0 + 35.0 * between(times, 7, 23) + 5.0 * drift(key("pump-drift"), times)

    def rest(times: Ints) -> Floats:
        weekend = weekday(times) >= 5
        shift = np.where(between(times, *_NIGHT), 2_350.0, np.where(between(times, 6, 14), 2_700.0, 2_550.0))
        return shift * np.where(weekend, 0.82, 1.0) * (1 + 0.012 * drift(key("rest-drift"), times))

    below: dict[str, Source] = {
        "arc-furnace": ArcFurnace(key("furnace")),
        "compressor-1": Load(key("c1"), compressor_1, 0.02),
        "compressor-2": Load(key("c2"), compressor_2, 0.02),
        "compressor-3": Load(key("c3"), compressor_3, 0.025),
        "pumps": Load(key("pumps"), pumps, 0.015),
        "rolling": Load(key("rolling"), rest, 0.03, flicker=0.03),
    }
    return {"incomer": Total(tuple(below.values()), 0.012), **below}


def paper_mill(seed: int) -> dict[str, Source]:
    """Meters of a paper mill: electricity, and its dryers' steam and gas; felts are changed Wednesdays 8 to 12."""

    def key(name: str) -> int:
        return key_of(seed, "paper", name)

    def making(times: Ints) -> Floats:
        """The paper machine's rate, 1 at full speed."""
        change = (weekday(times) == 2) & between(times, 8, 12)
        return np.where(change, 0.4, 1.0) * (1 + 0.01 * drift(key("rate"), times))

    def machine(times: Ints) -> Floats:
        return 5_600.0 * making(times)

    def pumps(times: Ints) -> Floats:
        return 1_150.0 * (0.3 + 0.7 * making(times))

    def stock(times: Ints) -> Floats:
        day = between(times, 6, 22) & (weekday(times) < 6)
        return np.where(day, 1_850.0, 1_300.0) * (1 + 0.01 * drift(key("stock-drift"), times))

    def steam(times: Ints) -> Floats:
        return 24.0 * (0.2 + 0.8 * making(times)) * (1 + 0.015 * drift(key("steam-drift"), times))

    def gas(times: Ints) -> Floats:
        return 78.0 * steam(times) * 0.85

    machine_load = Load(key("machine"), machine, 0.02, flicker=0.02)
    pump_load = Load(key("pumps"), pumps, 0.015)
    return {
        "incomer": Total((machine_load, pump_load, Load(key("stock"), stock, 0.03)), 0.01),
        "paper-machine": machine_load,
        "pumps": pump_load,
        "steam": Load(key("steam"), steam, 0.02),
        "gas": Load(key("gas"), gas, 0.025),
    }
