"""How a replay shows itself: lines on stderr for a person, lines of JSON on stdout for a program."""

import csv
import io
import json
import sys
import time

import click
from tabulate import tabulate

from energy.window import to_text
from simulators.replay import Progress

_EVERY_S = 2.0


class Show:
    """At most a line in two seconds, and one for each pause, step and change of the speed."""

    def __init__(self, output: str, unit: str, zone: str) -> None:
        """`unit` is what is counted, `zone` that of the times."""
        self._output, self._unit, self._zone = output, unit, zone
        self._said = time.monotonic()
        self._mark: tuple[str, int] | None = None

    def note(self, text: str) -> None:
        """What a person wants to know now."""
        click.echo(text, err=True)

    def word(self, text: str) -> None:
        """How far something else is, not each time."""
        if time.monotonic() - self._said >= _EVERY_S:
            self._said = time.monotonic()
            click.echo(text, err=True)

    def progress(self, now: Progress) -> None:
        """How far the replay is, not each time."""
        paused = now.state == "paused"
        mark = now.state, now.sent if paused else 0
        changed, self._mark = mark != self._mark and (paused or self._mark is not None), mark
        if not changed and time.monotonic() - self._said < _EVERY_S:
            return
        self._said = time.monotonic()
        at = to_text(now.position, self._zone)
        if self._output == "json":
            line = {
                "sent": now.sent, "total": now.total, "acknowledged": now.acknowledged, "rate": round(now.rate, 1),
                "position": at, "lag": round(now.lag, 2), "state": now.state,
            }  # fmt: skip
            click.echo(json.dumps(line))
            sys.stdout.flush()
        else:
            late = f", {now.lag:.1f} s late" if now.lag > 1 else ""
            click.echo(f"{now.sent} of {now.total} {self._unit}, {now.rate:.0f} a second, at {at}, {now.state}{late}",
                       err=True)  # fmt: skip

    def summary(self, summary: dict[str, object]) -> None:
        """The last word, on stdout."""
        if self._output == "json":
            click.echo(json.dumps(summary, ensure_ascii=False))
        elif self._output == "csv":
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([summary.keys(), summary.values()])
            click.echo(text.getvalue().rstrip("\n"))
        else:
            click.echo(tabulate(list(summary.items()), tablefmt="plain", disable_numparse=True))
