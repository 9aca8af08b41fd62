"""Topics of wire format 1: `ecm/v1/{site}/{gateway}/{kind}`."""

from typing import NamedTuple

from energy.errors import InputError
from energy.registry import NAME, check_name

KINDS = ("telemetry", "national", "birth", "death", "event", "receipt")
MANUAL = "manual"  # no gateway may call itself so: it stands for entries by hand
_ROOT = ["ecm", "v1"]


class Topic(NamedTuple):
    """The parts of a topic; kind is one of KINDS, or `entry` under `manual`."""

    site: str
    gateway: str
    kind: str

    @property
    def text(self) -> str:
        """The topic as it is published.

        >>> Topic("steel-1", "gw-1", "telemetry").text
        'ecm/v1/steel-1/gw-1/telemetry'
        """
        return "/".join([*_ROOT, *self])


def parse_topic(text: str) -> Topic:
    """A gateway's topic → its parts; InputError("bad_topic") for any other shape."""
    words = text.split("/")
    if len(words) != 5 or words[:2] != _ROOT or words[4] not in KINDS:
        raise InputError("bad_topic", "not of the shape ecm/v1/{site}/{gateway}/telemetry")
    if not (NAME.fullmatch(words[2]) and NAME.fullmatch(words[3])):
        raise InputError("bad_topic", "site or gateway is not a name of 1 to 64 letters, digits, '_', '.', '-'")
    if words[3] == MANUAL:
        raise InputError("bad_topic", f"no gateway may be called {MANUAL!r}: that is for entries by hand")
    return Topic(words[2], words[3], words[4])


def base_topic(site: str, gateway: str) -> str:
    """What all topics of a gateway begin with; InputError("bad_name") for a name that cannot be in a topic.

    >>> base_topic("steel-1", "gw-1")
    'ecm/v1/steel-1/gw-1'
    """
    return "/".join([*_ROOT, check_name("site", site), check_name("gateway", gateway)])
