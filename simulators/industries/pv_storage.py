"""A machine works with solar panels and a battery behind its incomer.

Invented: 2,600 kW of panels at 82 % of what sun and clouds give (`simulators.weather`), a battery that takes 2,000 kWh
on working days between 0 and 6 and gives 88 % of them back between 17 and 21, two shifts of work, a quiet weekend.
What the works does not use then goes to the grid: bought and given away have a register each.
"""

from dataclasses import dataclass

import numpy as np

from energy.window import QUARTER
from simulators.kind import Kind, MeterKind
from simulators.noise import DAY, Floats, Ints, drift, key_of
from simulators.plant_clock import HOUR, between, weekday
from simulators.shifts import crew
from simulators.source import COUNTS_PER_UNIT, Changes, Load, Rest, Source, Total, changed
from simulators.weather import Weather

_PEAK_KW, _YIELD = 2_600.0, 0.82
_SLOTS_A_DAY = 96
_CHARGED_BY, _CHARGING_KW = 6, 2_000 / 6
_BEGIN, _END = 17, 21  # hours in which the battery gives back
_EFFICIENCY = 0.88
_OFFSET = 8 * HOUR  # of plant time


@dataclass(frozen=True, slots=True)
class Discharge:
    """What a battery gives back in the evening: never more than it took on the same day before."""

    charge: Source

    def counts(self, slots: Ints) -> Ints:
        """See `Source.counts`; the day's share is the same in each slot of the evening."""
        first = (slots * QUARTER + _OFFSET) // DAY * _SLOTS_A_DAY - _OFFSET // QUARTER
        days, place = np.unique(first, return_inverse=True)
        taking = days[:, None] + np.arange(_BEGIN * 4)
        taken = self.charge.counts(taking.ravel()).reshape(taking.shape).sum(axis=1)
        share = (taken * _EFFICIENCY / ((_END - _BEGIN) * 4)).astype(np.int64)
        return np.where(between(slots * QUARTER, _BEGIN, _END), share[place], 0)

    def flow(self, times: Ints) -> Floats:
        """See `Source.flow`."""
        return np.asarray(self.counts(times // QUARTER) * (4 / COUNTS_PER_UNIT), dtype=np.float64)


def _working(key: int, times: Ints) -> Floats:
    """The works' rate, 1 when all machines run: two shifts, a few machines at night, almost none at weekends."""
    shifts = np.where(between(times, 8, 24), 1.0, 0.16) * np.where(between(times, 12, 12.75), 0.7, 1.0)
    return np.where(weekday(times) < 5, shifts, 0.06) * crew(key, times, 0.025) * (1 + 0.01 * drift(key + 1, times))


def _charging(times: Ints) -> Floats:
    return np.where(between(times, 0, _CHARGED_BY) & (weekday(times) < 5), _CHARGING_KW, 0.0)


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "pv-storage", name)

    weather = Weather(key("weather"))

    def working(times: Ints) -> Floats:
        return _working(key("working"), times)

    def sun(times: Ints) -> Floats:
        # W/m2 against the 1,000 at which panels give their peak, in the middle of the slot
        return _PEAK_KW * _YIELD / 1000 * weather.irradiance(times + QUARTER // 2)

    lines = changed(
        {
            "machining": Load(key("machining"), lambda t: 120.0 + 1_150.0 * working(t), 0.03, flicker=0.03),
            "painting": Load(key("painting"), lambda t: 45.0 + 520.0 * working(t), 0.02),
            "charge": Load(key("charge"), _charging, 0.01),
        },
        changes,
    )
    given = changed({"pv": Load(key("pv"), sun, 0.03), "discharge": Discharge(lines["charge"])}, changes)
    used, own = Total(tuple(lines.values()), 0.015), Total(tuple(given.values()), 0.0)
    single: dict[str, Source] = {
        "incomer": Rest(used, own),
        "export": Rest(own, used),
        "product": Load(key("product"), lambda t: 3.4 * np.maximum(working(t) - 0.08, 0), 0.015),
        "weather": weather.gauge(),
    }
    return changed(single, changes) | lines | given


PV_STORAGE = Kind(
    "pv_storage",
    "光储工厂",
    "works with solar power and a battery",
    (
        MeterKind("incomer", "总进线（购电）", "main incomer (bought)"),
        MeterKind("machining", "机加工车间", "machining", parent="incomer"),
        MeterKind("painting", "涂装车间", "painting", parent="incomer"),
        MeterKind("charge", "储能充电", "battery charge", parent="incomer"),
        MeterKind("discharge", "储能放电", "battery discharge", "e_out_kwh", parent="incomer"),
        MeterKind("pv", "光伏发电", "solar power", "e_out_kwh", parent="incomer"),
        MeterKind("export", "上网电量", "export to the grid", "e_out_kwh"),
        MeterKind("product", "零件产量", "parts made", "product_t"),
        MeterKind("weather", "室外气温", "outdoor temperature", None, gauge="temp_c"),
    ),
    _build,
)
