"""The race as a picture: readings per CPU-second, and how soon a message can be queried."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from benchmarks.ingest.freshness import Fresh
from benchmarks.ingest.tables import OURS, PEER, Runs, ratio

_COLOURS = {OURS: "#2e7d32", PEER: "#8a8a8a"}


def figure(runs: Mapping[int, Runs], fresh: Sequence[Fresh]) -> Figure:
    """A panel of bars for each size of message, each run as a dot, and one of the times to query."""
    out = Figure(figsize=(11, 2.9), dpi=100, facecolor="white", layout="constrained")
    panels = out.subplots(1, len(runs) + 1)
    for axes, (per_message, some) in zip(panels, runs.items(), strict=False):
        _draw_runs(axes, per_message, some)
    _draw_fresh(panels[-1], fresh)
    return out


def save(path: Path, runs: Mapping[int, Runs], fresh: Sequence[Fresh]) -> None:
    """Write the picture as PNG."""
    path.parent.mkdir(parents=True, exist_ok=True)
    figure(runs, fresh).savefig(path, metadata={"Software": None})


def _draw_runs(axes: Axes, per_message: int, some: Runs) -> None:
    for place, name in enumerate((OURS, PEER)):
        each = [run[name].per_cpu / 1000 for run in some]
        middle = median(each)
        axes.barh(place, middle, color=_COLOURS[name], height=0.6)
        axes.plot(each, [place] * len(each), ".", color="#222222", markersize=3)
        axes.annotate(f"{middle:.1f}", (max(each), place), (5, 0), textcoords="offset points", va="center", fontsize=8)
    _dress(axes, [OURS, "telegraf, tuned"])
    axes.set_title(f"{per_message} to a message: × {ratio(some):.2f}", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("1,000 readings per CPU-second", fontsize=8)


def _draw_fresh(axes: Axes, fresh: Sequence[Fresh]) -> None:
    for place, one in enumerate(fresh):
        colour = _COLOURS[OURS if place == 0 else PEER]
        axes.plot([one.p50, one.p99], [place, place], color=colour, lw=4, solid_capstyle="round")
        axes.plot(one.p50, place, ".", color="#222222", markersize=5)
        text = f"{one.p50:.0f} … {one.p99:.0f} ms, {100 * one.cpu:.0f} % CPU"
        axes.annotate(text, (one.p50, place), (0, -9), textcoords="offset points", va="top", fontsize=7)
    _dress(axes, [one.name for one in fresh])
    axes.set_ylim(len(fresh) - 0.3, -0.5)
    axes.set_title("publish to query: p50 to p99", loc="left", fontsize=9, fontweight="bold")
    axes.set_xlabel("ms", fontsize=8)


def _dress(axes: Axes, names: Sequence[str]) -> None:
    axes.set_yticks(range(len(names)), names, fontsize=8)
    axes.invert_yaxis()
    axes.margins(x=0.2)
    axes.set_xlim(left=0)
    axes.tick_params(axis="x", labelsize=7)
    axes.tick_params(axis="y", length=0)
    axes.spines[["top", "right", "left"]].set_visible(False)
