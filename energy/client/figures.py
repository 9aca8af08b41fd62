"""The client's calls about what was measured and what follows: readings, energy, PUE, alerts."""

from collections.abc import Iterator, Sequence
from typing import Literal, cast

from energy.client.answers import Alert, EnergyPage, Entry, PuePage, Reading
from energy.client.bodies import ReadingBody
from energy.client.calls import Calls

EnergyStep = Literal["15m", "hour", "day", "month", "year"]
PueStep = Literal["hour", "day", "month", "rolling"]
AlertState = Literal["active", "acknowledged", "resolved"]
AlertKind = Literal["pue_over_limit", "off_profile", "silent_meter"]


class Figures(Calls):
    """Readings, figures and alerts; times are dates, times in the site's zone, or RFC 3339."""

    def readings(
        self, site: str, meter: str, start: str | None = None, end: str | None = None, limit: int = 1000
    ) -> Iterator[Reading]:
        """Every reading of a meter in [start, end), oldest first, read in pages of `limit`."""
        for item in self.every("/readings", site=site, meter=meter, limit=limit, **{"from": start, "to": end}):
            yield cast(Reading, item)

    def enter_readings(self, site: str, meter: str, reason: str, readings: Sequence[ReadingBody]) -> Entry:
        """Enter readings of a meter by hand, all or none, at most 10,000; they land within seconds."""
        body = {"site": site, "meter": meter, "reason": reason, "readings": list(readings)}
        return cast(Entry, self.post("/manual-readings", body))

    def energy(
        self, site: str, meter: str | None = None, start: str | None = None, end: str | None = None,
        step: EnergyStep = "day", limit: int = 10_000,
    ) -> EnergyPage:  # fmt: skip
        """Energy in [start, end) by window, every window of it, and the total; read in pages of `limit`."""
        ask = {"site": site, "meter": meter, "step": step, "limit": limit, "from": start, "to": end}
        first = self.get("/energy", **ask)
        if first["next"] is not None:
            rest = self.every("/energy", **ask, cursor=first["next"])
            first = {**first, "items": [*first["items"], *rest], "next": None}
        return cast(EnergyPage, first)

    def pue(
        self, site: str, start: str | None = None, end: str | None = None, step: PueStep = "day", limit: int = 10_000
    ) -> PuePage:
        """PUE in [start, end) by window, every window of it; read in pages of `limit`."""
        ask = {"site": site, "step": step, "limit": limit, "from": start, "to": end}
        first = self.get("/pue", **ask)
        if first["next"] is not None:
            rest = self.every("/pue", **ask, cursor=first["next"])
            first = {**first, "items": [*first["items"], *rest], "next": None}
        return cast(PuePage, first)

    def alerts(
        self, site: str | None = None, meter: str | None = None, state: AlertState | None = None,
        kind: AlertKind | None = None,
    ) -> list[Alert]:  # fmt: skip
        """Alerts, newest first."""
        found = self.every("/alerts", site=site, meter=meter, state=state, kind=kind)
        return [cast(Alert, item) for item in found]

    def alert(self, ident: int) -> Alert:
        """One alert with its evidence."""
        return cast(Alert, self.get(f"/alerts/{ident}"))

    def acknowledge(self, ident: int, note: str = "") -> Alert:
        """Say that a person has seen an alert and takes care."""
        return cast(Alert, self.post(f"/alerts/{ident}/acknowledge", {"note": note}))

    def resolve(self, ident: int, note: str = "") -> Alert:
        """Say that an alert is done with."""
        return cast(Alert, self.post(f"/alerts/{ident}/resolve", {"note": note}))
