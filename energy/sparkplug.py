"""Topics of Sparkplug B: `spBv1.0/{group}/{type}/{edge}[/{device}]`; a group is a site, an edge node its gateway."""

from typing import NamedTuple

from energy.errors import InputError
from energy.registry import NAME
from energy.topic import MANUAL

ROOT = "spBv1.0"
OF_NODE = ("NBIRTH", "NDEATH", "NDATA")
OF_DEVICE = ("DBIRTH", "DDEATH", "DDATA")
_TO_EDGES = ("NCMD", "DCMD")
_STATE = "STATE"


class EdgeTopic(NamedTuple):
    """The parts of a topic that an edge node publishes on; device is "" for the node's own."""

    site: str
    gateway: str
    kind: str
    device: str = ""


def parse_topic(text: str) -> EdgeTopic:
    """An edge node's topic → its parts; InputError("bad_topic") for any other shape, and for what is no name of ours.

    >>> parse_topic("spBv1.0/steel-1/DDATA/edge-1/m-1")
    EdgeTopic(site='steel-1', gateway='edge-1', kind='DDATA', device='m-1')
    """
    root, *words = text.split("/")
    kinds = {3: OF_NODE, 4: OF_DEVICE}.get(len(words), ())
    if root != ROOT or words[1:2] == [] or words[1] not in kinds:
        raise InputError(
            "bad_topic", f"not of the shape {ROOT}/{{group}}/NDATA/{{edge}} or …/DDATA/{{edge}}/{{device}}"
        )
    group, kind, edge, *device = words
    for what, name in (("group", group), ("edge node", edge), *(("device", name) for name in device)):
        if not NAME.fullmatch(name):
            detail = f"{what} {name[:70]!r} is not a name of 1 to 64 letters, digits, '_', '.', '-'"
            raise InputError("bad_topic", detail)
    if edge == MANUAL:
        raise InputError("bad_topic", f"no edge node may be called {MANUAL!r}: that is for entries by hand")
    return EdgeTopic(group, edge, kind, *device)


def is_for_edges(text: str) -> bool:
    """Whether a topic carries what hosts say: commands, and the state of a host application.

    >>> is_for_edges("spBv1.0/steel-1/NCMD/edge-1"), is_for_edges("spBv1.0/steel-1/NDATA/edge-1")
    (True, False)
    """
    words = text.split("/")
    return words[0] == ROOT and (words[1:2] == [_STATE] or words[2:3] in ([one] for one in _TO_EDGES))


def rebirth_topic(site: str, gateway: str) -> str:
    """Where an edge node is asked for its births.

    >>> rebirth_topic("steel-1", "edge-1")
    'spBv1.0/steel-1/NCMD/edge-1'
    """
    return "/".join([ROOT, site, _TO_EDGES[0], gateway])
