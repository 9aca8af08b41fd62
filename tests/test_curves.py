"""The page about plants and its picture show every kind of site and every meter."""

import re
from pathlib import Path

import pytest

from simulators.kind import Kind
from simulators.kinds import KINDS
from tests.curves import figure

PAGE = (Path(__file__).parent.parent / "docs" / "plants.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
def test_the_page_has_each_meter_of_the_kind_and_no_other(kind: Kind) -> None:
    section = PAGE.split(f"### {kind.name}: {kind.name_zh}, {kind.name_en}\n")[1].split("\n#")[0]
    rows = re.findall(r"^\| `([^`]+)` \| (.+) \| `([^`]+)` \| (?:`([^`]+)`)? *\|$", section, re.M)
    assert rows == [
        (meter.id, f"{meter.name_zh} {meter.name_en}", meter.register or meter.gauge, meter.parent or "")
        for meter in kind.meters
    ]
    assert "invented" in section


def test_the_page_has_no_other_kind() -> None:
    assert re.findall(r"^### (\w+):", PAGE, re.M) == list(KINDS)


def test_the_picture_has_every_kind_and_every_meter_of_its_electricity() -> None:
    drawn = figure(list(KINDS.values()))
    titles = [axes.get_title(loc="right") for axes in drawn.axes]
    assert [title for title in titles if title] == list(KINDS)
    for kind in KINDS.values():
        axes = drawn.axes[titles.index(kind.name)]
        names = axes.get_legend_handles_labels()[1]
        inner = {meter.id for meter in kind.meters if meter.parent} & {meter.parent for meter in kind.meters}
        electric = [
            meter for meter in kind.meters if meter.register in ("e_kwh", "e_out_kwh") and meter.id not in inner
        ]
        assert {f"{meter.name_zh} {meter.name_en}" for meter in electric} < set(names)
        assert 0.5 < axes.dataLim.ymax / axes.get_ylim()[1] <= 1
