"""The matrix in Markdown, and its place in docs/faults.md."""

import re
from collections.abc import Sequence
from pathlib import Path

from tabulate import tabulate

from tests.faults.rows import Outcome, Row

_BEGIN, _END = "<!-- matrix: made by scripts/faults --write -->", "<!-- end of matrix -->"
_HEAD = ["row", "on", "values sent", "messages that came again", "lost", "doubled", "unexplained", "Telegraf lost",
         "Telegraf wrong or from nowhere"]  # fmt: skip


def text(matrix: Sequence[Row], done: Sequence[Outcome], *, telegraf: bool) -> str:
    """What every row does, what came of it, and what was seen on the way."""
    whats = {row.name: row for row in matrix}
    order = {row.name: place for place, row in enumerate(matrix)}
    some = sorted(done, key=lambda one: order.get(one.name, len(order)))
    lines = [_line(one, whats.get(one.name)) for one in some]
    notes = [
        f"- **{one.name}**, {one.pair}\n" + "\n".join(f"  - {note}" for note in one.notes) for one in some if one.notes
    ]
    parts = [tabulate([[row.name, row.what] for row in matrix], ["row", "what is done"], tablefmt="github"),
             tabulate(lines, _HEAD, tablefmt="github", disable_numparse=True), "\n".join(notes)]  # fmt: skip
    if not telegraf:
        parts.append("Telegraf was not there.")
    return "\n\n".join(part for part in parts if part)


def write(page: Path, made: str) -> None:
    """Put it between the page's marks."""
    before = page.read_text("utf-8")
    pattern = re.compile(f"{re.escape(_BEGIN)}.*?{re.escape(_END)}", re.DOTALL)
    assert pattern.search(before), f"{page.name} has no place for the matrix"
    page.write_text(pattern.sub(lambda _: f"{_BEGIN}\n{made}\n{_END}", before), "utf-8")


def _line(one: Outcome, row: Row | None) -> list[str]:
    if one.telegraf is not None:
        peer = [f"{one.telegraf['lost']:,}", f"{one.telegraf['wrong'] + one.telegraf['more']:,}"]
    else:
        peer = [row.why if row is not None and row.why else "–", "–"]
    if one.trouble:
        return [one.name, one.pair, f"no verdict: {one.trouble.splitlines()[0][:120]}", *["–"] * 4, *peer]
    other = f" (and {one.other:,} other findings)" if one.other else ""
    return [one.name, one.pair, f"{one.values:,}", f"{one.redelivered:,}", f"{one.lost:,}", f"{one.doubled:,}",
            f"{one.unexplained:,}{other}", *peer]  # fmt: skip
