"""A dyeing mill: sixteen machines that dye in batches, and stenters that dry in two shifts.

Invented: batches of 450 minutes with four fillings and two heatings, 0.9 t of cloth in each; crews leave one batch in
twenty-five out by day and more at night, most on Sundays; stenters run from 6 to 22.
"""

from dataclasses import dataclass
from functools import partial

import numpy as np

from energy.window import QUARTER
from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of, uniform
from simulators.plant_clock import between, hour, weekday
from simulators.source import Changes, Load, Shape, Source, Total, changed

_MACHINES = 16
_BATCH = 30  # slots: 450 min
_LOT = 0.9  # t of cloth
# What one machine takes in each slot of a batch: water (m3/h) to fill, steam (t/h) to heat, kW while it turns.
_WATER = np.array([32, 6, 0, 0, 0, 0, 0, 0, 24, 2, 0, 0, 0, 0, 0, 0, 24, 2, 0, 0, 0, 0, 24, 2, 0, 0, 0, 0, 0, 0.0])
_STEAM = np.array([0, 6, 19, 19, 15, 5, 3, 3, 0, 5, 14, 14, 8, 3, 3, 3, 0, 2, 5, 3, 1, 1, 0, 2, 4, 2, 1, 0, 0, 0]) / 10
_POWER = np.array([9.0] + [21.0] * 27 + [7.0, 4.0])
_MADE = np.array([0.0] * 29 + [4 * _LOT])  # t/h in the slot in which the cloth comes out


@dataclass(frozen=True, slots=True)
class _Batches:
    """The machines' batches, each machine at its own place in its batch."""

    key: int

    def sum(self, profile: Floats, times: Ints) -> Floats:
        """What all machines take of a batch's `profile` [30 slots] at `times` [n] → [n]."""
        machine = np.arange(_MACHINES, dtype=np.int64)
        at = (times // QUARTER)[:, None] + (uniform(self.key, machine) * _BATCH).astype(np.int64)
        batch, phase = at // _BATCH, at % _BATCH
        begun = (times[:, None] // QUARTER - phase) * QUARTER
        odds = np.where(between(begun, 6, 22), 0.96, 0.80) * np.where(weekday(begun) == 6, 0.4, 1.0)
        runs = uniform(self.key + 1, batch * _MACHINES + machine) < odds
        return np.asarray((profile[phase] * runs).sum(axis=1), dtype=np.float64)

    def shape(self, profile: Floats, base: float) -> Shape:
        """The machines' sum above `base`."""
        return lambda times: base + self.sum(profile, times)


def _drying(key: int, times: Ints) -> Floats:
    """How many of the stenters' places run, 1 when all do; none on Sundays and at night."""
    shift = between(times, 6, 22) & (weekday(times) < 6)
    change = (hour(times) % 8 >= 5.75) & (hour(times) % 8 < 6.25)
    return np.where(shift, np.where(change, 0.7, 0.95 + 0.02 * drift(key, times)), 0.0)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "dyeing", name)

    batches = _Batches(key("batches"))
    drying = partial(_drying, key("drying"))
    lit = Load(key("rest"), lambda t: np.where(between(t, 6, 22), 155.0, 85.0), 0.02)
    below = changed(
        {
            "dyeing": Load(key("dyeing"), batches.shape(_POWER, 16.0), 0.025, flicker=0.02),
            "stenters": Load(key("stenters"), lambda t: 18.0 + 610.0 * drying(t), 0.02),
            "wastewater": Load(key("wastewater"), lambda t: np.where(between(t, 8, 24), 160.0, 145.0), 0.02),
        },
        changes,
    )
    single: dict[str, Source] = {
        "steam": Load(key("steam"), batches.shape(_STEAM, 0.7), 0.02),
        "gas": Load(key("gas"), lambda t: 6.0 + 330.0 * drying(t), 0.02),
        "water": Load(key("water"), batches.shape(_WATER, 4.0), 0.03),
        "product": Load(key("product"), batches.shape(_MADE, 0.0), 0.015),
    }
    return changed({"incomer": Total((*below.values(), lit), 0.015)}, changes) | below | changed(single, changes)


DYEING_MILL = Kind(
    "dyeing_mill",
    "印染厂",
    "dyeing mill",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("dyeing", "染色机", "dyeing machines", parent="incomer"),
        MeterKind("stenters", "定型机", "stenters", parent="incomer"),
        MeterKind("wastewater", "污水处理", "waste water plant", parent="incomer"),
        MeterKind("steam", "蒸汽总表", "steam", "steam_t"),
        MeterKind("gas", "定型机天然气", "stenter gas", "gas_m3"),
        MeterKind("water", "新鲜水", "fresh water", "water_m3"),
        MeterKind("product", "染布产量", "cloth dyed", "product_t"),
    ),
    _build,
)
