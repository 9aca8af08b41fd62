"""What the system answers about a run, read from its HTTP API page by page."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from energy.client import Client
from energy.client.answers import Gateway
from energy.errors import InputError
from energy.window import parse_time, to_text
from simulators.audit.evidence import Evidence
from simulators.audit.run import Place, Run

_PAGE = 5000


@dataclass(frozen=True, slots=True)
class Answers:
    """What needs no table: the ledgers, and why the journal could not be read ("" when it was).

    others: sites where somebody else has landed values too.
    """

    gateways: Mapping[Place, Gateway]
    others: frozenset[str]
    no_journal: str

    def other_boots(self, evidence: Evidence, run: Run, place: Place) -> list[str]:
        """Boots of a gateway that are not of this run, and were heard since it began."""
        query = "SELECT DISTINCT boot FROM message WHERE site = ? AND gateway = ?"
        own = {boot for (boot,) in evidence.rows(query, *place)}
        return [
            boot["boot"] for boot in (self.gateways[place]["boots"] if place in self.gateways else ())
            if boot["boot"] not in own and parse_time(boot["last_at"], "UTC") >= run.played_at
        ]  # fmt: skip


def take_answers(evidence: Evidence, run: Run, client: Client, now: int, *, journal: bool) -> Answers:
    """Read all that the API says about the run; `now` in ms UTC. OutsideError or SetupError when it does not answer."""
    gateways: dict[Place, Gateway] = {}
    others: set[str] = set()
    for site in run.sites:
        if not _is_there(client, site):
            continue
        evidence.add("held", _held(evidence, client, site, run))
        evidence.add("conflict", _conflicts(evidence, client, site))
        evidence.add("quarantine", _quarantine(client, site))
        for item in client.gateways(site):
            place = item["site"], item["gateway"]
            if place in run.gateways:
                gateways[place] = item
            elif item["ledger"]["landed"]:
                others.add(site)
        for meter in client.meters(site):
            if (site, meter["id"]) in run.meters:
                _take_readings(evidence, client, run, site, meter["id"])
    trouble = _take_journal(evidence, client, run, now) if journal else "it was not asked for"
    evidence.index()
    return Answers(gateways, frozenset(others), trouble)


def _is_there(client: Client, site: str) -> bool:
    try:
        client.site(site)
    except InputError as error:
        if error.reason != "not_found":
            raise
        return False
    return True


def _take_readings(evidence: Evidence, client: Client, run: Run, site: str, meter: str) -> None:
    """What is stored of a meter in the run's time, which faulty clocks may have widened."""
    ident = evidence.meter(site, meter)
    query = "SELECT {}(time) FROM sent WHERE series IN (SELECT id FROM series WHERE meter = ?)"
    first, last = evidence.one(query.format("min"), ident), evidence.one(query.format("max"), ident)
    start = min(run.start, run.start if first is None else first)
    end = max(run.end, run.end if last is None else last) + 1
    doubtful: list[tuple[int, int, str]] = []

    def stored() -> Iterator[tuple[int, int, float]]:
        for reading in client.readings(site, meter, to_text(start), to_text(end), limit=_PAGE):
            if reading["quality"] != "measured":
                doubtful.append((ident, reading["ms"], reading["quality"]))
            for name, value in reading["values"].items():
                yield evidence.series(ident, name), reading["ms"], value

    evidence.add("stored", stored())
    evidence.add("doubtful", doubtful)


def _held(evidence: Evidence, client: Client, site: str, run: Run) -> Iterator[tuple[Any, ...]]:
    for row in client.held(site, limit=_PAGE):
        if (site, row["gateway"]) not in run.gateways:
            continue
        meter = evidence.meter(site, row["meter"])
        for name, value in row["values"].items():
            evidence.run("INSERT INTO held_value VALUES (?, ?, ?, ?)", row["id"], evidence.series(meter, name),
                         row["ms"], value)  # fmt: skip
        yield (row["id"], parse_time(row["at"], "UTC"), site, row["gateway"], meter, row["ms"], row["quality"],
               row["landed_at"] is None, *_journal_place(row["journal"]))  # fmt: skip


def _conflicts(evidence: Evidence, client: Client, site: str) -> Iterator[tuple[Any, ...]]:
    for row in client.conflicts(site, limit=_PAGE):
        series = evidence.series(evidence.meter(site, row["meter"]), row["quantity"])
        yield (row["id"], parse_time(row["at"], "UTC"), series, row["ms"], row["kept"], row["refused"],
               *_journal_place(row["journal"]))  # fmt: skip


def _quarantine(client: Client, site: str) -> Iterator[tuple[Any, ...]]:
    for row in client.every("/quarantine", site=site, limit=_PAGE):
        yield (row["id"], parse_time(row["at"], "UTC"), site, row["gateway"], row["reason"], row["detail"],
               row["values"], *_journal_place(row["journal"]))  # fmt: skip


def _journal_place(place: Mapping[str, Any]) -> tuple[str, str, int, int]:
    return place["worker"], place["day"], place["row"], place["item"]


def _take_journal(evidence: Evidence, client: Client, run: Run, now: int) -> str:
    """The journal's rows of the run's sites since its first day, and what is missing; why not, "" when it was read."""
    gone: set[tuple[str, str, int, int]] = set()

    def rows(site: str, day: str) -> Iterator[tuple[Any, ...]]:
        for page in client.journal_pages(site, day=day, limit=_PAGE):
            gone.update((hole["worker"], hole["day"], hole["first"], hole["last"]) for hole in page["holes"])
            gone.update((cut["worker"], cut["day"], cut["last"] + 1, cut["landed"]) for cut in page["cut_short"])
            for row in page["items"]:
                ours = (row["site"], row["gateway"]) in run.gateways
                yield (None, row["worker"], row["day"], row["row"], ours, row["ms"] >= run.played_at,
                       row["ms"] > run.finished_at, row["site"], row["gateway"], row["topic"], row["sha256"],
                       row["leaf"], row["intact"], False, row["ms"])  # fmt: skip

    for site in run.sites:
        for day in run.days(now) if _is_there(client, site) else ():
            try:
                evidence.add("journal", rows(site, day))
            except InputError as error:
                if error.reason != "no_journal":
                    raise
                return error.detail
    evidence.add("gone", sorted(gone))
    return ""
