"""A board's queries as Grafana would send them: macros and variables replaced."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

_MACRO = re.compile(r"\$\{(\w+)(?::\w+)?\}|\$(\w+)")


class Asked(NamedTuple):
    """One query of one panel, ready for a database."""

    panel: str
    ref: str
    text: str


def queries(
    board: Mapping[str, Any], start: int, end: int, interval: str = "15m", values: Mapping[str, str] | None = None
) -> Iterator[Asked]:
    """Every panel's queries for the times from `start` to `end` (ms UTC) at a width of `interval`.

    values: what stands for a variable, as InfluxQL's regular expression or text; a variable without one takes its
    choice of all, or its current one. KeyError for a macro that is neither Grafana's nor a variable of the board.
    """
    known = {each["name"]: each.get("allValue") or each["current"]["value"] for each in board["templating"]["list"]}
    known |= {
        "timeFilter": f"time >= {start}ms and time <= {end}ms",
        "__interval": interval,
        "__range_s": str((end - start) // 1000),
        **(values or {}),
    }
    for panel in board["panels"]:
        for target in panel["targets"]:
            text = _MACRO.sub(lambda match: known[match[1] or match[2]], target["query"])
            yield Asked(panel["title"], target["refId"], text)
