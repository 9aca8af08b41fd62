"""What stands where: sites, their meters, and the boundary that a PUE is taken over."""

import re
from dataclasses import dataclass, field
from decimal import Decimal

from energy.errors import InputError
from energy.quantity import QUANTITIES, Kind

NAME = re.compile(r"\w[\w.\-]{0,63}")


def check_name(what: str, name: str) -> str:
    """A site, gateway or meter name that is safe in a topic, a tag and a URL; InputError otherwise.

    >>> check_name("site", "steel-1")
    'steel-1'
    """
    if not NAME.fullmatch(name):
        raise InputError("bad_name", f"{what} {name!r}: use 1 to 64 letters, digits, '_', '.', '-'")
    return name


@dataclass(frozen=True, slots=True)
class Boundary:
    """The meters of a data centre whose sums make PUE: Σ facility ÷ Σ IT, on identical windows."""

    facility: tuple[str, ...]
    it: tuple[str, ...]
    category: str = "PUE1"

    @property
    def meters(self) -> frozenset[str]:
        """Every meter that the boundary names."""
        return frozenset(self.facility) | frozenset(self.it)


DEFAULT = "default"  # the region and unit of a site that was registered without one


@dataclass(frozen=True, slots=True)
class Region:
    """A region, as an officer is responsible for."""

    id: str
    name_zh: str
    name_en: str


@dataclass(frozen=True, slots=True)
class Unit:
    """An energy-using unit (用能单位): the legal person that sites belong to; its 18-digit credit code if known."""

    id: str
    name_zh: str
    name_en: str
    region: str = DEFAULT
    credit_code: str | None = None


@dataclass(frozen=True, slots=True)
class Site:
    """A plant or data centre of a unit; `zone` is the IANA time zone of its day."""

    id: str
    name_zh: str
    name_en: str
    kind: str = "plant"
    zone: str = "Asia/Shanghai"
    boundary: Boundary | None = None
    unit: str = DEFAULT


@dataclass(frozen=True, slots=True)
class Meter:
    """A meter of a site; its register counts in steps of `resolution` and wraps at `modulus` counts.

    register: quantity key of the cumulative register, None for a meter that has only gauges.
    digits, decimals: of the register as displayed; multiplier: CT x PT, applied once, on the display's step.
    parent: the meter that contains this one; a meter without a parent counts for its site's total.
    reports_every: seconds between readings, None where no live feed is expected (no silence alert).
    source: where the values come from, in a person's words.
    """

    site: str
    id: str
    name_zh: str
    name_en: str
    register: str | None = "e_kwh"
    digits: int = 8
    decimals: int = 2
    multiplier: Decimal = field(default=Decimal(1))
    parent: str | None = None
    reports_every: int | None = None
    source: str = ""

    @property
    def resolution(self) -> Decimal:
        """The energy of one register count, in the quantity's unit, multiplier included."""
        return self.multiplier.scaleb(-self.decimals)

    @property
    def modulus(self) -> int:
        """Counts after which the register starts again at 0."""
        return int(10 ** (self.digits + self.decimals))

    @property
    def carrier(self) -> str | None:
        """The energy carrier that the register counts."""
        return QUANTITIES[self.register].carrier if self.register else None

    @property
    def unit(self) -> str:
        """The unit of the register's energy, "" without a register."""
        return QUANTITIES[self.register].unit if self.register else ""


def check_meter(meter: Meter) -> Meter:
    """The meter if every field makes sense, else InputError with the field and the mend."""
    check_name("site", meter.site)
    check_name("meter", meter.id)
    if meter.register is not None:
        quantity = QUANTITIES.get(meter.register)
        if quantity is None or quantity.kind is not Kind.REGISTER:
            raise InputError("bad_register", f"{meter.register!r} is not a register quantity")
    if not (1 <= meter.digits <= 12 and 0 <= meter.decimals <= 6 and meter.digits + meter.decimals <= 15):
        raise InputError("bad_register", "digits 1 to 12, decimals 0 to 6, together at most 15")
    if not (meter.multiplier.is_finite() and meter.multiplier > 0):
        raise InputError("bad_multiplier", f"{meter.multiplier} is not above 0")
    if meter.parent == meter.id:
        raise InputError("own_parent", f"meter {meter.id} is its own parent")
    return meter
