"""The scenarios of the matrix: paper mills with several gateways each, and one thing that goes wrong on the way."""

from dataclasses import dataclass, field

_GATEWAYS = (("power", ("incomer", "paper-machine")), ("heat", ("steam", "gas")), ("rest", ()))


@dataclass(frozen=True, slots=True)
class Play:
    """So many paper mills for `days` days; `faults` are tables of a scenario, the same for each of them.

    every: between readings; batch: most readings of a message; seconds: how long it is to take, as fast as it goes
    without.
    """

    every: str = "5 min"
    days: int = 1
    sites: int = 4
    batch: int = 1
    seconds: float | None = None
    faults: tuple[dict[str, object], ...] = field(default=())

    @property
    def speed(self) -> str:
        """Simulated seconds in each second, as `carbonwatch simulate` takes it."""
        return "max" if self.seconds is None else f"{self.days * 86_400 / self.seconds:.3f}"

    def toml(self) -> str:
        """The scenario's file."""
        lines = ['name = "faults"', "start = 2026-03-02", f"days = {self.days}", f'every = "{self.every}"']
        for site in (f"mill-{number}" for number in range(1, self.sites + 1)):
            lines += ["[[site]]", f'id = "{site}"', 'kind = "paper_mill"', "gateway = ["]
            for name, meters in _GATEWAYS:
                lines.append(f'  {{ name = "{name}", batch = {self.batch}, meters = {_value(list(meters))} }},')
            lines.append("]")
            for fault in self.faults:
                lines += ["[[fault]]", f'at = "{site}"', *(f"{name} = {_value(one)}" for name, one in fault.items())]
        return "\n".join(lines) + "\n"


def _value(one: object) -> str:
    if isinstance(one, list):
        return "[" + ", ".join(map(_value, one)) + "]"
    return f'"{one}"' if isinstance(one, str) else str(one)
