"""Turns what was measured into the tables of docs/benchmarks.md."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from benchmarks.load import Seen, Streamed
from benchmarks.watch import Watch


def text(
    runs: Mapping[str, tuple[Seen, Seen]], paths: Sequence[str], streamed: Streamed, watch: Watch, machine: str,
    readers: int, streams: int,
) -> str:  # fmt: skip
    """The tables in Markdown; `runs`: name → (ours, bare)."""
    rows = []
    for name, (ours, bare) in runs.items():
        for who, seen in (("carbonwatch", ours), ("bare FastAPI route", bare)):
            rows.append([f"{readers} readers, {name}", who, *_row(seen)])
    head = ["", "", "requests/s", "p50 ms", "p99 ms", "5xx", "429", "other than 200", "broken"]
    both = [ours for ours, _ in runs.values()]
    routes = [
        [f"`{_short(path)}`", *(f"{seen.percentile(share, path):.0f}" for seen in both for share in (0.5, 0.99))]
        for path in paths
    ]  # fmt: skip
    half = len(watch.memory) // 2
    memory = (
        f"{watch.memory[0]:.0f} at the beginning, {watch.memory[half]:.0f} half-way, {watch.memory[-1]:.0f} at the end"
    )
    facts = [
        ["stream clients", f"{streams} opened, {streamed.clients} served, {streamed.ended} ended before time"],
        ["events that they got", ", ".join(f"{n} {name}" for name, n in sorted(streamed.events.items()))],
        ["memory of the API's process, MiB", f"{memory}, {max(watch.memory):.0f} at most"],
        ["messages landed meanwhile", f"{watch.landed[-1] - watch.landed[0]}"],
        ["messages that waited to land", f"{max(watch.lag)} at most, {watch.lag[-1]} at the end"],
    ]
    return "\n\n".join([
        f"Measured on {machine}.",
        tabulate(rows, head, tablefmt="github", disable_numparse=True),
        tabulate(facts, ["", "in the same run"], tablefmt="github", disable_numparse=True),
        tabulate(routes, ["route", "full: p50 ms", "p99 ms", "calm: p50 ms", "p99 ms"], tablefmt="github",
                 disable_numparse=True),
    ])  # fmt: skip


def write(page: Path, name: str, made: str) -> None:
    """Put the tables between the page's marks of this name."""
    begin, end = f"<!-- {name}: made by python -m benchmarks.{name} --write -->", f"<!-- end of {name} -->"
    before = page.read_text("utf-8")
    pattern = re.compile(f"{re.escape(begin)}.*?{re.escape(end)}", re.DOTALL)
    assert pattern.search(before), f"{page.name} has no place for {name}"
    page.write_text(pattern.sub(lambda _: f"{begin}\n{made}\n{end}", before), "utf-8")


def _row(seen: Seen) -> list[str]:
    worse = sum(n for status, n in seen.status.items() if status >= 500)
    other = sum(n for status, n in seen.status.items() if status != 200)
    return [f"{seen.answers / seen.took:.0f}", f"{seen.percentile(0.5):.0f}", f"{seen.percentile(0.99):.0f}",
            str(worse), str(seen.status[429]), str(other), str(seen.broken)]  # fmt: skip


def _short(path: str) -> str:
    return re.sub(r"from=\d{4}-\d\d-\d\d", "from=…", path.removeprefix("/api/v1"))
