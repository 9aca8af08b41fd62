"""A paper mill: one paper machine, its pumps and stock preparation, and its dryers' steam and gas.

Invented: 13.5 t/h of paper at full speed, 415 kWh and 1.8 t of steam for a tonne in the machine and its dryers, stock
made by day, felts changed on Wednesdays from 8 to 12; crews have more or less broke.
"""

import numpy as np

from simulators.kind import Kind, MeterKind
from simulators.noise import Floats, Ints, drift, key_of
from simulators.plant_clock import between, weekday
from simulators.shifts import crew
from simulators.source import Changes, Load, Source, Total, changed


def _build(seed: int, changes: Changes) -> dict[str, Source]:
    def key(name: str) -> int:
        return key_of(seed, "paper", name)

    def making(times: Ints) -> Floats:
        """The paper machine's rate, 1 at full speed; felts are changed Wednesdays 8 to 12."""
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

    def made(times: Ints) -> Floats:
        return 13.5 * np.maximum(making(times) - 0.03, 0) * crew(key("crew"), times, 0.02)

    electric = changed(
        {"paper-machine": Load(key("machine"), machine, 0.02, flicker=0.02), "pumps": Load(key("pumps"), pumps, 0.015)},
        changes,
    )
    unmetered = Load(key("stock"), stock, 0.03)
    single: dict[str, Source] = {
        "incomer": Total((*electric.values(), unmetered), 0.01),
        "steam": Load(key("steam"), steam, 0.02),
        "gas": Load(key("gas"), gas, 0.025),
        "product": Load(key("product"), made, 0.012),
    }
    return changed(single, changes) | electric


PAPER_MILL = Kind(
    "paper_mill",
    "造纸厂",
    "paper mill",
    (
        MeterKind("incomer", "总进线", "main incomer"),
        MeterKind("paper-machine", "造纸机", "paper machine", parent="incomer"),
        MeterKind("pumps", "水泵", "pumps", parent="incomer"),
        MeterKind("steam", "蒸汽总表", "steam", "steam_t"),
        MeterKind("gas", "天然气总表", "natural gas", "gas_m3"),
        MeterKind("product", "纸产量", "paper made", "product_t"),
    ),
    _build,
)
