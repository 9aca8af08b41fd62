"""Stored values at a place where nothing was sent: moved there, doubled, or from nobody knows where."""

from collections.abc import Iterator
from itertools import groupby
from typing import NamedTuple

from simulators.audit.evidence import Evidence
from simulators.audit.finding import Finding, Findings
from simulators.audit.run import Run

_STRANGE = """SELECT e.meter, t.time, e.quantity, t.value FROM stored t JOIN series e ON e.id = t.series
  WHERE NOT EXISTS (SELECT 1 FROM sent s WHERE s.series = t.series AND s.time = t.time
    AND (NOT s.refuse OR s.fate = 'taken'))
  ORDER BY 1, 2, 3"""
# Own places that are empty come first, then the same time at another meter, then the nearest time.
_SOURCES = """SELECT e.meter, s.time, min(s.message), s.fate = 'lost' AS empty FROM sent s
  JOIN series e ON e.id = s.series WHERE s.value = ? AND e.quantity = ? AND NOT s.refuse GROUP BY e.meter, s.time
  ORDER BY empty DESC, s.time <> ?, e.meter <> ?, abs(s.time - ?) LIMIT 200"""
_HOW_OFTEN = """SELECT count(*) FROM (SELECT 1 FROM sent s JOIN series e ON e.id = s.series
  WHERE s.value = ? AND e.quantity = ? LIMIT 1000)"""
_SENT_THERE = """SELECT 1 FROM sent s JOIN series e ON e.id = s.series
  WHERE e.meter = ? AND e.quantity = ? AND s.time = ? AND s.value = ? AND NOT s.refuse"""
_OF_METER = """UPDATE sent SET fate = 'moved' WHERE fate = 'lost' AND time = ?
  AND series = (SELECT id FROM series WHERE meter = ? AND quantity = ?)"""


class _Stranger(NamedTuple):
    """What stands at one meter (its number) and time without having been sent."""

    meter: int
    time: int
    values: dict[str, float]


class _Source(NamedTuple):
    meter: int
    time: int
    message: int
    empty: int


def check_strangers(evidence: Evidence, run: Run, findings: Findings) -> None:
    """Name where each of them comes from; what was moved is not lost."""
    if evidence.one(_STRANGE) is None:
        return
    evidence.run("CREATE INDEX sent_value ON sent (value)")
    for (meter, time), group in groupby(list(evidence.rows(_STRANGE)), lambda row: row[:2]):
        whole = _Stranger(meter, time, {name: value for *_, name, value in group})
        for one, source in _explained(evidence, whole):
            _report(evidence, run, findings, one, source)


def _explained(evidence: Evidence, whole: _Stranger) -> Iterator[tuple[_Stranger, _Source | None]]:
    """The whole point from one source, or else each value from its own."""
    source = _source(evidence, whole)
    if source is not None or len(whole.values) == 1:
        yield whole, source
        return
    for name, value in whole.values.items():
        one = whole._replace(values={name: value})
        yield one, _source(evidence, one)


def _source(evidence: Evidence, one: _Stranger) -> _Source | None:
    """Where all of its values were sent together: looked for by the rarest of them."""
    name = min(one.values, key=lambda key: int(evidence.one(_HOW_OFTEN, one.values[key], key)))
    for row in list(evidence.rows(_SOURCES, one.values[name], name, one.time, one.meter, one.time)):
        source = _Source(*row)
        if all(
            evidence.one(_SENT_THERE, source.meter, key, source.time, value) is not None
            for key, value in one.values.items()
        ):
            return source
    return None


def _report(evidence: Evidence, run: Run, findings: Findings, one: _Stranger, source: _Source | None) -> None:
    site, meter = next(evidence.rows("SELECT site, meter FROM meter WHERE id = ?", one.meter))
    values = ", ".join(f"{name} {value!r}" for name, value in one.values.items())
    kind, text, gateway = "unexplained", f"{values} stands there, and nobody sent it", ""
    if source is not None:
        from_site, from_meter = next(evidence.rows("SELECT site, meter FROM meter WHERE id = ?", source.meter))
        gateway = evidence.one("SELECT gateway FROM message WHERE number = ?", source.message)
        own = f"{from_site}/{from_meter} at {run.clock(source.time)} in message {source.message}"
        if source.empty:
            kind, text = "moved", f"{values} stands there; it was sent for {own}, where nothing is"
            for name in one.values:
                evidence.run(_OF_METER, source.time, source.meter, name)
        else:
            kind, text = "doubled", f"{values} stands there too; it was sent for {own}"
    findings.add(Finding(kind, text, site, gateway, meter, " ".join(sorted(one.values)), run.clock(one.time),
                         None if source is None else source.message, len(one.values)))  # fmt: skip
