"""Readings entered by hand, as they lie in the journal that is theirs alone: by whom, why, and what."""

import msgspec

from energy.errors import InputError
from energy.reading import Quality, Reading
from energy.topic import MANUAL, Topic

WORKER = "manual"  # the journal's, which no broker's message gets into
GATEWAY = MANUAL  # what the ledger knows the entries by; no gateway may call itself so
MAX_READINGS = 10_000


class Entered(msgspec.Struct, frozen=True):
    """One reading of an entry: time in ms UTC, quantity key → value, quality measured or estimated."""

    time: int
    values: dict[str, float]
    quality: str


class Entry(msgspec.Struct, frozen=True):
    """Readings of one meter, who entered them, and why."""

    author: str
    reason: str
    meter: str
    readings: list[Entered]

    def taken(self) -> list[Reading]:
        """The readings as every decoder gives them; InputError for a quality that nobody can enter."""
        allowed = {"measured": Quality.MEASURED, "estimated": Quality.ESTIMATED}
        try:
            return [Reading(self.meter, one.time, one.values, allowed[one.quality]) for one in self.readings]
        except KeyError as error:
            raise InputError("bad_message", f"quality {error} is not measured or estimated") from error


_decoder = msgspec.json.Decoder(Entry)


def topic(site: str) -> str:
    """The topic under which an entry of a site is journaled.

    >>> topic("steel-1"), parse_topic("ecm/v1/steel-1/manual/entry")
    ('ecm/v1/steel-1/manual/entry', 'steel-1')
    """
    return Topic(site, GATEWAY, "entry").text


def parse_topic(text: str) -> str:
    """A topic → its site; InputError("bad_topic") for any other shape."""
    words = text.split("/")
    if len(words) != 5 or text != topic(words[2]) or not words[2]:
        raise InputError("bad_topic", "not of the shape ecm/v1/{site}/manual/entry")
    return words[2]


def encode(entry: Entry) -> bytes:
    """An entry as it is journaled: JSON."""
    return msgspec.json.encode(entry)


def decode(payload: bytes) -> Entry:
    """What `encode` gave; InputError for anything else."""
    try:
        return _decoder.decode(payload)
    except msgspec.ValidationError as error:
        raise InputError("bad_message", str(error)) from error
    except msgspec.DecodeError as error:
        raise InputError("not_json", str(error)) from error
