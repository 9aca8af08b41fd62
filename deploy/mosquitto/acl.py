"""Mosquitto's access list: each gateway has its own topics, carbonwatch reads them all and gives receipts."""

from collections.abc import Iterable, Iterator

from energy.topic import KINDS, base_topic

SERVICE = "carbonwatch"  # the name that ingest and the doctor sign in with; a gateway's has an @
_BEGIN = "# carbonwatch: begin; written by `carbonwatch gateway`, your own rules go above or below"
_END = "# carbonwatch: end"
_RECEIPT = "receipt"
_SERVICE_RULES = (
    "read ecm/#", "read spBv1.0/#", "write ecm/v1/+/+/receipt", "write spBv1.0/+/NCMD/+", "read $SYS/#",
    "readwrite carbonwatch/doctor/#",
)  # fmt: skip
_NODE, _DEVICE = ("NBIRTH", "NDEATH", "NDATA"), ("DBIRTH", "DDEATH", "DDATA")


def user_of(site: str, gateway: str) -> str:
    """The name that a gateway signs in with; no name has an @, so no two gateways share one.

    >>> user_of("steel-1", "gw-1")
    'gw-1@steel-1'
    """
    return f"{gateway}@{site}"


def gateway_of(user: str) -> tuple[str, str] | None:
    """(site, gateway) of a name, None for one that is no gateway's."""
    gateway, at, site = user.partition("@")
    return (site, gateway) if at and site and gateway else None


def topics(site: str, gateway: str) -> tuple[list[str], list[str]]:
    """What a gateway may publish to, and what it may receive; InputError for a name that cannot be in a topic."""
    base = base_topic(site, gateway)
    publish = [f"{base}/{kind}" for kind in KINDS if kind != _RECEIPT]
    publish += [f"spBv1.0/{site}/{kind}/{gateway}" for kind in _NODE]
    publish += [f"spBv1.0/{site}/{kind}/{gateway}/+" for kind in _DEVICE]
    receive = [f"{base}/{_RECEIPT}", f"spBv1.0/{site}/NCMD/{gateway}", f"spBv1.0/{site}/DCMD/{gateway}/+"]
    return publish, receive


def written(users: Iterable[str], before: str = "") -> str:
    """The text of an access list for these names; what stands outside our part of `before` stays."""
    block = "\n".join([_BEGIN, *_rules(users), _END]) + "\n"
    head, begin, rest = before.partition(_BEGIN)
    if not begin:
        return before + ("\n" if before and not before.endswith("\n") else "") + block
    return head + block + rest.partition(_END)[2].lstrip("\n")


def _rules(users: Iterable[str]) -> Iterator[str]:
    yield f"user {SERVICE}"
    yield from (f"topic {rule}" for rule in _SERVICE_RULES)
    for user in users:
        where = gateway_of(user)
        if where is not None:
            publish, receive = topics(*where)
            yield f"user {user}"
            yield from (f"topic write {topic}" for topic in publish)
            yield from (f"topic read {topic}" for topic in receive)
