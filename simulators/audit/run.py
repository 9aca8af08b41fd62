"""The run that is audited: which sites, gateways and meters, since when, and what the ledgers said before."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from energy.errors import SetupError
from energy.window import parse_time, to_text
from simulators.audit.evidence import Evidence
from simulators.truth import Truth

Place = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Run:
    """What a truth says of its run as a whole; times in ms UTC, before: each gateway's ledger before it.

    repeated: how often a gateway handed a message over again."""

    zone: str
    start: int
    end: int
    played_at: int
    finished_at: int
    meters: frozenset[Place]
    gateways: frozenset[Place]
    before: Mapping[Place, Mapping[str, int]]
    repeated: int

    @property
    def sites(self) -> tuple[str, ...]:
        """The run's sites, in order."""
        return tuple(sorted({site for site, _ in self.gateways}))

    def days(self, now: int) -> list[str]:
        """Every UTC day from the run's beginning to `now` (ms UTC), as the journal names them."""
        first, last = (datetime.fromtimestamp(ms / 1000, UTC).date().toordinal() for ms in (self.played_at, now))
        return [datetime.fromordinal(day).date().isoformat() for day in range(first, max(first, last) + 1)]

    def clock(self, ms: int) -> str:
        """A time as a person reads it."""
        return to_text(ms, self.zone)


def run_of(truth: Truth) -> Run:
    """SetupError when the run was not finished, or its files do not say what they should."""
    played, said = truth.played, truth.run
    if not played.get("finished_at"):
        raise SetupError(
            "the run was not played to its end (played.json names no finished_at): there is no whole truth"
        )
    try:
        return Run(
            said["zone"], int(said["start"]), int(said["end"]), parse_time(played["played_at"], "UTC"),
            parse_time(played["finished_at"], "UTC"),
            frozenset((site["site"], meter["meter"]) for site in said["sites"] for meter in site["meters"]),
            frozenset((site["site"], gateway) for site in said["sites"] for gateway in site["gateways"]),
            {_place(name): dict(ledger) for name, ledger in played["ledgers"].items()},
            int(played["repeated"]),
        )  # fmt: skip
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise SetupError(f"the truth's run.json or played.json is not whole: {error!r}") from error


def take_sent(evidence: Evidence, truth: Truth) -> None:
    """Everything that was sent; SetupError for a table that cannot be read."""
    try:
        evidence.add("message", (
            (int(row["message"]), row["site"], row["gateway"], row["kind"], row["boot"], int(row["seq"]), row["topic"],
             row["sha256"], row["expect"] == "refuse", row["how"])
            for row in truth.messages()
        ))  # fmt: skip
        evidence.add("sent", (_sent(evidence, row) for row in truth.values()))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise SetupError(f"the truth's messages.csv or values.csv cannot be read: {error}") from error


def _sent(evidence: Evidence, row: Mapping[str, Any]) -> tuple[Any, ...]:
    series = evidence.series(evidence.meter(row["site"], row["meter"]), row["quantity"])
    return (None, int(row["message"]), int(row["item"]), series, int(row["time"]), float(row["value"]),
            row["expect"] == "refuse", row["labels"], None)  # fmt: skip


def _place(name: str) -> Place:
    site, _, gateway = name.partition("/")
    return site, gateway
