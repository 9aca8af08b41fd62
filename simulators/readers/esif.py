"""A data centre's power series with the columns of NREL's ESIF → five meters with integrated registers."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import pairwise
from pathlib import Path
from statistics import median_low

from energy.errors import InputError
from energy.reading import Reading
from energy.registry import Boundary, Meter, Site
from simulators.readers.recording import Recording, checked
from simulators.readers.rows import bad_row, moment, number, rows

# column → meter, Chinese name, English name
_METERS = {
    "it_power_kw": ("it", "IT设备", "IT equipment"),
    "cooling_kw": ("cooling", "制冷", "cooling"),
    "hvac_kw": ("hvac", "暖通", "HVAC"),
    "pump_kw": ("pump", "水泵", "pumps"),
    "plug_and_light_kw": ("plug_light", "插座与照明", "plugs and lighting"),
}
_COLUMNS = ("ts", *_METERS)
_DECIMALS = 3
_COUNT = 3_600  # kW·ms of one register count, 0.001 kWh
_HOLE = 4  # times the usual spacing


class HeldRegister:
    """Integrates power by sample-and-hold; after a hole, or where power was not known, it starts again at 0.

    A register that went on would say that nothing was used in the hole, one that starts again makes it missing.
    A sample without power ends what was held before it. Negative power counts as 0: import does not run backwards.
    """

    def __init__(self, longest: int) -> None:
        """A sample holds for at most `longest` ms: when the next one comes later, nothing of it counts."""
        self._longest = longest
        self._energy = Decimal(0)  # kW·ms
        self._before: tuple[int, Decimal | None] | None = None

    def at(self, time: int, power: Decimal | None) -> int:
        """The register's counts at a sample's time (ms UTC); `power` in kW holds from here on."""
        if self._before is not None:
            since, held = self._before
            if held is None or time - since > self._longest:
                self._energy = Decimal(0)
            else:
                self._energy += max(held, Decimal(0)) * (time - since)
        self._before = (time, power)
        return int(self._energy // _COUNT)


def read_esif(path: Path, site: str, zone: str = "Asia/Shanghai") -> Recording:
    """A recording of five meters whose PUE boundary is all ÷ IT; InputError with the row number for a bad row."""
    longest = _HOLE * _spacing(path, zone)
    source = (
        f"replayed from {path.name}: power integrated by sample-and-hold in steps of 0.001 kWh; "
        f"after a hole of more than {longest / 1000:g} s the register starts again at 0, so that the hole is missing"
    )
    meters = tuple(
        Meter(site, name, name_zh, name_en, digits=10, decimals=_DECIMALS, source=source)
        for name, name_zh, name_en in _METERS.values()
    )
    boundary = Boundary(tuple(meter.id for meter in meters), ("it",))
    place = Site(site, site, site, "data_centre", zone, boundary)
    return checked(place, meters, lambda: _readings(path, zone, longest))


def _readings(path: Path, zone: str, longest: int) -> Iterator[Reading]:
    registers = {column: HeldRegister(longest) for column in _METERS}
    for line, row in rows(path, _COLUMNS):
        time = moment(row["ts"], zone, line)
        for column, (meter, _, _) in _METERS.items():
            power = number(row, column, line)
            counts = registers[column].at(time, power)
            gauge = {} if power is None else {"p_kw": float(power)}
            yield Reading(meter, time, {"e_kwh": counts / 10**_DECIMALS, **gauge})


def _spacing(path: Path, zone: str) -> int:
    """The usual time between samples, ms."""
    times: list[int] = []
    for line, row in rows(path, _COLUMNS):
        time = moment(row["ts"], zone, line)
        if times and time <= times[-1]:
            raise bad_row(line, f"time {row['ts']!r} is not after the row before it")
        times.append(time)
    if len(times) < 2:
        raise InputError("bad_file", "at least two samples are needed")
    return median_low([after - before for before, after in pairwise(times)])
