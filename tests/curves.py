"""Draws one week of every kind of site for the documentation: electricity, what is made, and the weather."""

from collections.abc import Sequence
from pathlib import Path

import click
import matplotlib as mpl
import numpy as np
from matplotlib import font_manager
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from energy.errors import SetupError
from energy.window import QUARTER, parse_time
from simulators.kind import Kind, MeterKind
from simulators.kinds import KINDS
from simulators.noise import Floats, Ints
from simulators.source import Source

SEED, MONDAY, COLUMNS = 20, "2026-04-13", 2
_FONT = "Noto Sans CJK"
_DAYS = ("周一 Mon", "周二 Tue", "周三 Wed", "周四 Thu", "周五 Fri", "周六 Sat", "周日 Sun")
_AREAS = ("#4e79a7", "#f28e2b", "#76b7b2", "#e6b422", "#b07aa1", "#9c755f", "#86bc86")
_GIVEN = ("#c2185b", "#6a1b9a", "#2e7d32")
_REST = "#cfcfcf"
_HALO = [withStroke(linewidth=2.4, foreground="white")]
_INK, _PALE, _MADE, _WARM = "#222222", "#dddddd", "#5b8c5a", "#d1495b"
_SLOTS: Ints = parse_time(MONDAY, "Asia/Shanghai") // QUARTER + np.arange(7 * 96, dtype=np.int64)
_X = np.arange(7 * 96) / 96  # days
# What a kind without a product shows in its place.
_INSTEAD = {"utilities": "air", "power_plant": "coal"}


def use_font() -> None:
    """Draw with the font that has Chinese; SetupError where it is not installed."""
    names = sorted(font.name for font in font_manager.fontManager.ttflist if font.name.startswith(_FONT))
    if not names:
        raise SetupError("no Chinese font is installed (on Debian: apt install fonts-noto-cjk)")
    best = next((name for name in names if name.endswith("SC")), names[0])
    mpl.rcParams.update({"font.family": best, "font.size": 8, "axes.unicode_minus": False})


def label(meter: MeterKind) -> str:
    """The name in both languages."""
    return f"{meter.name_zh} {meter.name_en}"


def hourly(source: Source) -> Floats:
    """What a meter's source measures, per hour, in each slot of the week [672]."""
    return np.asarray(source.counts(_SLOTS) / 25, dtype=np.float64)


def draw_power(axes: Axes, kind: Kind, sources: dict[str, Source]) -> None:
    """Areas of the meters that have none below and of what has no meter, lines of what is above them or delivers."""
    parents = {meter.parent for meter in kind.meters}
    used = [meter for meter in kind.meters if meter.register == "e_kwh" and meter.id not in parents]
    given = [meter for meter in kind.meters if meter.register == "e_out_kwh"]
    [above] = [meter for meter in kind.meters if meter.id in parents and not meter.parent]
    parts = [hourly(sources[meter.id]) / 1_000 for meter in used]
    whole = hourly(sources[above.id]) / 1_000
    inside = [hourly(sources[meter.id]) / 1_000 for meter in given if meter.parent == above.id]
    back = [hourly(sources[meter.id]) / 1_000 for meter in given if inside and not meter.parent]
    rest = whole + sum(inside) - sum(back) - sum(parts)
    names = [*(label(meter) for meter in used), "其余及损耗 the rest and losses"]
    axes.stackplot(_X, *parts, rest, labels=names, colors=(*_AREAS[: len(used)], _REST), step="post", linewidth=0)
    lines = axes if inside or not given else axes.twinx()
    for meter, colour in zip(given, _GIVEN, strict=False):
        lines.step(_X, hourly(sources[meter.id]) / 1_000, where="post", color=colour, lw=1.2, path_effects=_HALO)
        axes.plot([], [], color=colour, lw=1.1, label=label(meter))
    if lines is not axes:
        lines.set_ylim(0, 720)
        lines.set_ylabel("MW", color=_GIVEN[0])
        lines.tick_params(colors=_GIVEN[0], length=2)
        lines.spines[["top", "left", "right"]].set_visible(False)
    axes.step(_X, whole, where="post", color=_INK, lw=0.5, label=label(above))
    axes.set_ylabel("MW")
    axes.set_ylim(0, 1.08 * max(float((sum(parts) + rest).max()), *(float(one.max()) for one in (*inside, whole))))


def draw_made(axes: Axes, kind: Kind, sources: dict[str, Source]) -> None:
    """PUE of each hour, or bars of what is made in each shift; and the temperature outside."""
    if kind.boundary is not None:
        [whole], [it] = kind.boundary.facility, kind.boundary.it
        pue = np.divide(*(sources[name].counts(_SLOTS).reshape(-1, 4).sum(axis=1) for name in (whole, it)))
        axes.step(np.arange(168) / 24, pue, where="post", color=_MADE, lw=1.2, label="每小时 PUE of each hour")
        middle = float(np.median(pue))
        axes.set_ylim(middle - 0.16, middle + 0.16)
        axes.set_ylabel("PUE")
    else:
        meter = next(one for one in kind.meters if one.id == _INSTEAD.get(kind.name, "product"))
        shifts = (sources[meter.id].counts(_SLOTS) / 100).reshape(-1, 32).sum(axis=1)
        axes.bar(
            (np.arange(21) + 0.5) / 3,
            shifts,
            width=0.29,
            color=_MADE,
            label=f"{meter.name_zh}（每班） {meter.name_en}",
        )
        axes.set_ylabel("t" if str(meter.register).endswith("_t") else "m³")
        axes.set_ylim(0, 1.25 * shifts.max())
    if "weather" in sources:
        air = axes.twinx()
        air.plot(_X, sources["weather"].flow(_SLOTS * QUARTER), color=_WARM, lw=1.0)
        axes.plot([], [], color=_WARM, lw=1.0, label="室外气温 outdoor temperature")
        air.set_ylim(0, 36)
        air.set_yticks([0, 15, 30])
        air.tick_params(colors=_WARM, length=2)
        air.set_ylabel("°C", color=_WARM)
        air.spines[["top", "left"]].set_visible(False)
        air.spines["right"].set_color(_PALE)


def dress(axes: Axes, *, dated: bool) -> None:
    """Days below, a grid between them, the weekend shaded, the legend at the right."""
    axes.set_xlim(0, 7)
    axes.set_xticks(range(8))
    axes.tick_params(axis="x", length=0, labelbottom=False)
    axes.tick_params(axis="y", length=2)
    axes.grid(axis="x", color=_PALE, lw=0.6)
    axes.axvspan(5, 7, color="#f3f1ea", zorder=0, lw=0)
    axes.set_axisbelow(True)
    axes.spines[["top", "right"]].set_visible(False)
    axes.spines[["left", "bottom"]].set_color(_PALE)
    handles, names = axes.get_legend_handles_labels()
    axes.legend(handles[::-1], names[::-1], loc="upper left", bbox_to_anchor=(1.085, 1.05), frameon=False, fontsize=7.2,
                handlelength=1.2, labelspacing=0.45, borderaxespad=0)  # fmt: skip
    if dated:
        for day, name in enumerate(_DAYS):
            axes.annotate(name, (day + 0.5, 0), (0, -4), xycoords=("data", "axes fraction"), textcoords="offset points",
                          ha="center", va="top", fontsize=6.8, color="#555555")  # fmt: skip


def figure(kinds: Sequence[Kind]) -> Figure:
    """Small multiples, each with its electricity above and what it makes below."""
    rows = -(-len(kinds) // COLUMNS)
    out = Figure(figsize=(17, 2.75 * rows + 0.8), dpi=100, facecolor="white")
    outer = out.add_gridspec(rows, COLUMNS, left=0.038, right=0.832, top=1 - 0.95 / (2.75 * rows), bottom=0.02,
                             wspace=0.66, hspace=0.27)  # fmt: skip
    for place, kind in enumerate(kinds):
        inner = outer[place // COLUMNS, place % COLUMNS].subgridspec(2, 1, height_ratios=(2.6, 1), hspace=0.1)
        power, made = (out.add_subplot(inner[row]) for row in (0, 1))
        sources = kind.build(SEED, {})
        draw_power(power, kind, sources)
        draw_made(made, kind, sources)
        power.set_title(f"{kind.name_zh}  {kind.name_en}", loc="left", fontsize=11, fontweight="bold", pad=5)
        power.set_title(kind.name, loc="right", fontsize=7.5, color="#777777", pad=5)
        dress(power, dated=False)
        dress(made, dated=True)
        out.align_ylabels([power, made])
    out.text(
        0.045, 1 - 0.12 / rows, "各类场所的一周  One week of each kind of site", fontsize=15, va="center", weight="bold"
    )
    out.text(0.985, 1 - 0.12 / rows, f"{MONDAY} …, seed {SEED}", fontsize=9, va="center", ha="right", color="#777777")
    return out


@click.command(epilog="Example: scripts/curves")
@click.option("--out", type=click.Path(path_type=Path), default=Path("docs/pictures/curves.png"), show_default=True,
              help="The file to write.")  # fmt: skip
def curves(out: Path) -> None:
    """Draw one week of every kind of site; the same versions and font give the same bytes."""
    use_font()
    out.parent.mkdir(parents=True, exist_ok=True)
    figure(list(KINDS.values())).savefig(out, metadata={"Software": None})
    click.echo(out)


if __name__ == "__main__":
    curves()
