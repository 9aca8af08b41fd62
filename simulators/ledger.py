"""What the system did with what was sent, as its ledger says."""

from dataclasses import dataclass, fields

from energy.client import answers


@dataclass(frozen=True, slots=True)
class Ledger:
    """What became of a gateway's values, and how many of its messages could not be read."""

    received: int = 0
    landed: int = 0
    duplicate: int = 0
    conflict: int = 0
    held: int = 0
    refused: int = 0
    undecodable: int = 0

    def since(self, before: "Ledger") -> "Ledger":
        """What came after `before`."""
        return Ledger(*(getattr(self, f.name) - getattr(before, f.name) for f in fields(self)))

    def plus(self, other: "Ledger") -> "Ledger":
        """Both together."""
        return Ledger(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))


def ledger_in(item: answers.Gateway | None) -> Ledger:
    """The ledger of an item of the API's gateways, all 0 where there is none."""
    counts = item["ledger"] if item else {}
    return Ledger(*(int(counts.get(f.name, 0)) for f in fields(Ledger)))
