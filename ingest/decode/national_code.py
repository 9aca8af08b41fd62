"""Data codes of the national online monitoring platform: which meter and quantity a value is of."""

import re
from dataclasses import dataclass

from energy.errors import InputError

_CODE = re.compile(r"(\d{2})-?(\d{2})-?(\d{4})-?(\d{2})(\d{4})-?(\d{2})")


@dataclass(frozen=True, slots=True)
class EnergyType:
    """One dated row: the quantity that an energy type of the codes stands for; `valid_from` is plant time, yyyy-MM-dd.

    verified: whether the standard's text was compared. A value counts in the quantity's unit.
    """

    code: str
    quantity: str
    valid_from: str
    source: str
    verified: bool


_SOURCE = "energy types of the statistical reports, as four digits; assumed to be those of the data codes"
ENERGY_TYPES = (
    EnergyType("0100", "coal_t", "2010-01-01", _SOURCE, verified=False),
    EnergyType("1500", "gas_m3", "2010-01-01", _SOURCE, verified=False),
    EnergyType("3300", "e_kwh", "2010-01-01", _SOURCE, verified=False),
)


def target(code: str, day: str, rows: tuple[EnergyType, ...] = ENERGY_TYPES) -> tuple[str, str]:
    """A data code, with or without dashes, on a day (yyyy-MM-dd) → (meter, quantity); InputError where it has none.

    >>> target("01-02-0304-023300-05", "2026-11-22")
    ('0102030402330005', 'e_kwh')
    """
    words = _CODE.fullmatch(code)
    if words is None or not code.isascii():
        raise InputError("bad_reading", f"dataCode {code[:40]!r} is not 16 digits")
    in_force = [row for row in rows if row.code == words[5] and row.valid_from <= day]
    if not in_force:
        raise InputError("unknown_code", f"energy type {words[5]} of dataCode {code} stands for no known quantity")
    return "".join(words.groups()), max(in_force, key=lambda row: row.valid_from).quantity
