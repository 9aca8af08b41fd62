"""Every route of an application, also of what is included or mounted, with the rules that guard it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from starlette.routing import BaseRoute, Mount

from energy.access import ALLOWED, Permission, Role


@dataclass(frozen=True, slots=True)
class Found:
    """A route: its methods ("*" for files and whatever else takes any), its whole path, the permissions of its rules.

    A route that is as it should be has exactly one permission, or is one of the few that are open to all.
    """

    methods: tuple[str, ...]
    path: str
    permissions: tuple[Permission, ...]

    @property
    def roles(self) -> tuple[Role, ...]:
        """The roles that may call it."""
        return tuple(role for role in Role if all(one in ALLOWED[role] for one in self.permissions))


def walk(routes: Sequence[Any], prefix: str = "") -> Iterator[Found]:
    """The routes of `app.routes`, included routers and mounted applications opened up."""
    for route in routes:
        if hasattr(route, "effective_route_contexts"):
            inner = list(route.effective_route_contexts())
            yield from walk([getattr(one, "starlette_route", None) or one for one in inner], prefix)
        elif isinstance(route, Mount) and route.routes:
            yield from walk(route.routes, prefix + route.path)
        else:
            yield Found(_methods(route), prefix + getattr(route, "path", ""), tuple(_permissions(route)))


def _methods(route: BaseRoute) -> tuple[str, ...]:
    return tuple(sorted(getattr(route, "methods", None) or ("*",)))


def _permissions(route: BaseRoute) -> Iterator[Permission]:
    waiting = [getattr(route, "dependant", None)]
    while waiting:
        one = waiting.pop()
        if one is not None:
            if (permission := getattr(one.call, "permission", None)) is not None:
                yield permission
            waiting += one.dependencies
