"""What goes wrong on the way: at the gateway, its clock and its line; the meter itself is well."""

from typing import Literal

from energy.duration import parse_duration
from simulators.faults.fault import Fault, share_trouble


class WireFault(Fault, frozen=True, kw_only=True):
    """A fault between meter and broker: `at` is a site, `site/gateway` or `site/meter`."""


class GatewayFault(WireFault, frozen=True, kw_only=True):
    """A fault of a whole gateway: `at` is a site or `site/gateway`."""


class Gap(WireFault, frozen=True, kw_only=True, tag="gap"):
    """The gateway does not reach the meters: nothing is read, and nothing is sent later."""


class Late(WireFault, frozen=True, kw_only=True, tag="late"):
    """What is read comes `delay` later."""

    delay: str

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if parse_duration(self.delay) > 0 else "delay must be above 0"


class Shared(WireFault, frozen=True, kw_only=True):
    """A fault that hits a `share` of the readings or messages, by chance."""

    share: float = 1.0

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return share_trouble(self.share)


class Duplicate(Shared, frozen=True, kw_only=True, tag="duplicate"):
    """Readings are sent once more, the same, `after` later."""

    after: str = "40 s"

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return Shared.trouble(self) or ("" if parse_duration(self.after) > 0 else "after must be above 0")


class Contradiction(Duplicate, frozen=True, kw_only=True, tag="contradiction"):
    """Readings are sent once more with the same time and other values (1 + `by` times)."""

    by: float = 0.01

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return Duplicate.trouble(self) or ("" if -1 < self.by != 0 else "by must be above -1 and not 0")


class Impossible(Shared, frozen=True, kw_only=True, tag="impossible"):
    """The gauge's value cannot be: not a number, infinite, or out of all bounds."""

    how: Literal["nan", "infinite", "out_of_bounds"] = "nan"


class Malformed(GatewayFault, frozen=True, kw_only=True, tag="malformed"):
    """Messages are mangled beyond reading, each in another way; what was in them is lost with them."""

    share: float = 1.0

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return share_trouble(self.share)


class Reorder(WireFault, frozen=True, kw_only=True, tag="reorder"):
    """Readings are kept for `block` and sent in another order."""

    block: str = "1 h"

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if parse_duration(self.block) > 0 else "block must be above 0"


class ClockSkew(GatewayFault, frozen=True, kw_only=True, tag="clock_skew"):
    """The gateway's clock is `by` ahead (or behind, when it is negative)."""

    by: str

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if parse_duration(self.by) else "by must not be 0"


class Outage(GatewayFault, frozen=True, kw_only=True, tag="outage"):
    """The line is down: what is read is kept, and sent as a backlog afterwards."""

    def trouble(self) -> str:
        """See `Fault.trouble`."""
        return "" if self.length else "it needs `for`"


class GatewayDead(Outage, frozen=True, kw_only=True, tag="gateway_dead"):
    """The gateway has no power: nothing is read; it comes back with a new boot, and what it kept."""


class Reboot(GatewayFault, frozen=True, kw_only=True, tag="reboot"):
    """The gateway starts anew, with a new boot and nothing lost."""


class Unregistered(WireFault, frozen=True, kw_only=True, tag="unregistered"):
    """The meters are not in the registry: what they say is held."""
