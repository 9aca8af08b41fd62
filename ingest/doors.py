"""Whether a message's gateway may send for its site: the broker's rule, checked once more behind it."""

from collections.abc import Mapping

from energy.errors import InputError

Doors = Mapping[str, frozenset[str]]
OPEN: Doors = {}  # no site has registered gateways


def check(doors: Doors, site: str, gateway: str) -> None:
    """Let a message pass, or InputError("gateway_not_let_in"), which refuses all of it.

    doors: site → the gateways that may send for it; a site that is not in it has none registered and takes every one.

    >>> check({"steel-1": frozenset({"gw-1"})}, "paper-1", "gw-9")
    >>> check({"steel-1": frozenset({"gw-1"})}, "steel-1", "gw-9")
    Traceback (most recent call last):
    energy.errors.InputError: gateway_not_let_in: gateway 'gw-9' is not registered for site 'steel-1', or is disabled
    """
    known = doors.get(site)
    if known is not None and gateway not in known:
        detail = f"gateway {gateway!r} is not registered for site {site!r}, or is disabled"
        raise InputError("gateway_not_let_in", detail)
