"""Who may what, and where: roles, permissions, and the scope that a person or key is bound to."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from energy.errors import InputError


class Permission(StrEnum):
    """A kind of thing that a route does."""

    READ = "read"  # sites, meters, readings, energy, PUE, alerts
    INTAKE = "intake"  # gateways, quarantine: how the data came
    ACT = "act"  # acknowledge and resolve alerts
    ENTER = "enter"  # readings by hand
    REGISTER = "register"  # sites and meters
    EXPORT = "export"  # take data away
    AUDIT = "audit"  # see who did what
    ADMINISTER = "administer"  # regions, units, accounts, keys, sessions


class Role(StrEnum):
    """What somebody is."""

    OFFICER = "officer"
    ENERGY_MANAGER = "energy_manager"
    PLANT_OPERATOR = "plant_operator"
    DEVELOPER = "developer"
    AUDITOR = "auditor"
    ADMIN = "admin"


_P = Permission
ALLOWED: Mapping[Role, frozenset[Permission]] = {
    Role.OFFICER: frozenset({_P.READ, _P.INTAKE, _P.ACT, _P.EXPORT}),
    Role.ENERGY_MANAGER: frozenset({_P.READ, _P.INTAKE, _P.ACT, _P.ENTER, _P.REGISTER, _P.EXPORT}),
    Role.PLANT_OPERATOR: frozenset({_P.READ, _P.INTAKE, _P.ACT, _P.ENTER}),
    Role.DEVELOPER: frozenset({_P.READ, _P.INTAKE, _P.REGISTER, _P.EXPORT}),
    Role.AUDITOR: frozenset({_P.READ, _P.INTAKE, _P.EXPORT, _P.AUDIT}),
    Role.ADMIN: frozenset(Permission),
}
# What bounds each role: the level at which its scope is given; None sees everything.
LEVEL: Mapping[Role, str | None] = {
    Role.OFFICER: "regions",
    Role.ENERGY_MANAGER: "units",
    Role.PLANT_OPERATOR: "sites",
    Role.DEVELOPER: "units",
    Role.AUDITOR: None,
    Role.ADMIN: None,
}


@dataclass(frozen=True, slots=True)
class Scope:
    """Regions, units and sites that are open to somebody; `everything` overrides them."""

    everything: bool = False
    regions: frozenset[str] = frozenset()
    units: frozenset[str] = frozenset()
    sites: frozenset[str] = frozenset()

    def covers(self, region: str, unit: str, site: str | None = None) -> bool:
        """Whether a site of that unit and region is open; without `site`, whether the whole unit is.

        >>> Scope(units=frozenset({"u1"})).covers("r", "u1", "s9"), Scope(sites=frozenset({"s1"})).covers("r", "u1")
        (True, False)
        """
        return self.everything or region in self.regions or unit in self.units or site in self.sites

    def to_json(self) -> dict[str, Any]:
        """As it is kept and shown."""
        if self.everything:
            return {"everything": True}
        return {level: sorted(getattr(self, level)) for level in ("regions", "units", "sites") if getattr(self, level)}

    @classmethod
    def from_json(cls, kept: Mapping[str, Any]) -> "Scope":
        """What `to_json` gave."""
        return cls(
            bool(kept.get("everything", False)),
            *(frozenset(kept.get(level, ())) for level in ("regions", "units", "sites")),
        )


EVERYTHING = Scope(everything=True)


def check_scope(role: Role, scope: Scope) -> Scope:
    """The scope if it suits the role, else InputError: each role is bound at its own level, and never without bounds.

    >>> check_scope(Role.AUDITOR, EVERYTHING).everything
    True
    """
    level = LEVEL[role]
    if level is None:
        if not scope.everything:
            raise InputError("bad_scope", f"the role {role} sees everything: give the scope {{'everything': true}}")
        return scope
    given = {name for name in ("regions", "units", "sites") if getattr(scope, name)}
    if scope.everything or given != {level}:
        raise InputError("bad_scope", f"the role {role} is bound to {level}: name at least one there, and nothing else")
    return scope
