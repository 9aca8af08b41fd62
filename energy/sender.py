"""Who sent a message, by its topic, whatever dialect it speaks."""

from energy import sparkplug
from energy.topic import parse_topic


def sender(topic: str) -> tuple[str, str]:
    """A topic → (site, gateway); InputError("bad_topic") where it names none.

    >>> sender("ecm/v1/steel-1/gw-1/telemetry"), sender("spBv1.0/steel-1/NDATA/edge-1")
    (('steel-1', 'gw-1'), ('steel-1', 'edge-1'))
    """
    parse = sparkplug.parse_topic if topic.startswith(sparkplug.ROOT + "/") else parse_topic
    return parse(topic)[:2]
