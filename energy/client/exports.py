"""The client's exports: what the lists show, as a file that is written piece by piece."""

from pathlib import Path

from energy.client.calls import Calls
from energy.client.figures import AlertKind, AlertState, EnergyStep, PueStep
from energy.errors import SetupError

KINDS = ("csv", "xlsx", "parquet")
_SILENCE_S = 120.0  # a workbook's first piece comes when all of it is made
_PIECE = 1 << 16


class Exports(Calls):
    """Each method writes a file whose ending says its kind, and returns its size in bytes.

    Memory stays bounded however much it is. A file appears when it is whole, in the place of one that was there; an
    export that breaks leaves nothing. SetupError where the file cannot be written or is of no kind that there is.
    """

    def export_readings(
        self, file: Path, site: str | None = None, meter: str | None = None, start: str | None = None,
        end: str | None = None,
    ) -> int:  # fmt: skip
        """Readings of a meter, of a site, or of all that is open to you; the last day without `start`."""
        return self._export(file, "readings", site=site, meter=meter, **{"from": start, "to": end})

    def export_energy(
        self, file: Path, site: str | None = None, meter: str | None = None, start: str | None = None,
        end: str | None = None, step: EnergyStep = "day", *, each_meter: bool = False,
    ) -> int:  # fmt: skip
        """Energy by window, of a meter, of a site, of each site, or with `each_meter` of all their meters."""
        ask = {"site": site, "meter": meter, "from": start, "to": end, "step": step, "each_meter": each_meter or None}
        return self._export(file, "energy", **ask)

    def export_pue(
        self, file: Path, site: str | None = None, start: str | None = None, end: str | None = None,
        step: PueStep = "day",
    ) -> int:  # fmt: skip
        """PUE by window, of a data centre or of each one."""
        return self._export(file, "pue", site=site, step=step, **{"from": start, "to": end})

    def export_alerts(
        self, file: Path, site: str | None = None, meter: str | None = None, state: AlertState | None = None,
        kind: AlertKind | None = None, start: str | None = None, end: str | None = None,
    ) -> int:  # fmt: skip
        """Alerts with evidence and steps; `start` and `end` are of the time when they were raised."""
        ask = {"site": site, "meter": meter, "state": state, "kind": kind, "from": start, "to": end}
        return self._export(file, "alerts", **ask)

    def export_quarantine(
        self, file: Path, site: str | None = None, reason: str | None = None, start: str | None = None,
        end: str | None = None,
    ) -> int:  # fmt: skip
        """What was refused, with its reason and its place in the journal."""
        return self._export(file, "quarantine", site=site, reason=reason, **{"from": start, "to": end})

    def export_audit(
        self, file: Path, actor: str | None = None, action: str | None = None, site: str | None = None,
        start: str | None = None, end: str | None = None,
    ) -> int:  # fmt: skip
        """Who did what; an auditor's and an administrator's."""
        return self._export(file, "audit", actor=actor, action=action, site=site, **{"from": start, "to": end})

    def _export(self, file: Path, what: str, **ask: object) -> int:
        kind = file.suffix.removeprefix(".").lower()
        if kind not in KINDS:
            raise SetupError(f"{file} must end in one of {', '.join(f'.{one}' for one in KINDS)}")
        draft = file.with_name(f".{file.name}.part")
        try:
            with draft.open("wb") as out:
                with self._opened(f"/exports/{what}.{kind}", ask, {}, _SILENCE_S) as answer:
                    for piece in answer.iter_bytes(_PIECE):
                        out.write(piece)
                size = out.tell()
            draft.replace(file)
        except OSError as error:
            raise SetupError(f"{file} cannot be written: {error.strerror}") from error
        finally:
            draft.unlink(missing_ok=True)
        return size
