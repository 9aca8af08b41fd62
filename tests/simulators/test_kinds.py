"""What holds for every kind of site: names, sums, sameness, and changes that totals see."""

import ast
import inspect

import numpy as np
import pytest

from energy.quantity import QUANTITIES, REGISTERS
from energy.registry import Meter, check_meter
from energy.window import QUARTER, parse_time
from simulators.kind import Kind
from simulators.kinds import KINDS
from simulators.noise import DAY, Ints
from simulators.source import Scaled

FIRST = parse_time("2026-06-29", "Asia/Shanghai") // QUARTER
WEEK: Ints = np.arange(FIRST, FIRST + 7 * 96, dtype=np.int64)
each_kind = pytest.mark.parametrize("kind", KINDS.values(), ids=KINDS)
# Sums of all counts of one day with seed 20: what a recording of another machine must find again.
DAY_SUMS = {
    "steel_works": 93_047_742,
    "cement_works": 98_238_215,
    "glass_works": 37_671_343,
    "petrochemical_works": 114_532_595,
    "dyeing_mill": 5_043_286,
    "paper_mill": 40_861_869,
    "power_plant": 2_297_858_104,
    "data_centre": 4_856_228,
    "data_centre_small_old": 1_304_884,
    "data_centre_new": 29_047_529,
    "utilities": 25_805_599,
    "pv_storage": 7_142_211,
}


def children(kind: Kind, parent: str, register: str) -> list[str]:
    return [meter.id for meter in kind.meters if (meter.parent, meter.register) == (parent, register)]


def test_all_industries_are_there() -> None:
    assert len(KINDS) == 12
    assert all(name == kind.name for name, kind in KINDS.items())
    assert len({kind.name_zh for kind in KINDS.values()}) == len({kind.name_en for kind in KINDS.values()}) == 12


@each_kind
def test_meters_are_such_as_can_be_registered(kind: Kind) -> None:
    seen: dict[str, str | None] = {}
    for meter in kind.meters:
        check_meter(Meter("s-1", meter.id, meter.name_zh, meter.name_en, meter.register, parent=meter.parent))
        assert meter.parent is None or meter.parent in seen, "parents come first"
        assert meter.flow_key in QUANTITIES
        assert meter.register is None or meter.register in REGISTERS
        seen[meter.id] = meter.register
    assert len(seen) == len(kind.meters) == len({meter.name_zh for meter in kind.meters})
    assert set(kind.build(1, {})) == set(seen)
    assert kind.boundary is None or kind.boundary.meters <= set(seen)
    assert kind.boundary is not None or kind.name in ("utilities", "power_plant") or seen["product"] == "product_t"


@each_kind
@pytest.mark.parametrize("seed", [1, 20])
def test_a_parent_and_what_is_delivered_into_it_cover_the_meters_below(kind: Kind, seed: int) -> None:
    sources = kind.build(seed, {})
    for parent in {meter.parent for meter in kind.meters} - {None}:
        assert parent is not None
        used = sum(sources[name].counts(WEEK) for name in children(kind, parent, "e_kwh"))
        given = sum((sources[name].counts(WEEK) for name in children(kind, parent, "e_out_kwh")), np.zeros_like(WEEK))
        assert (sources[parent].counts(WEEK) + given >= used).all()
        assert (sources[parent].counts(WEEK) + given <= 1.7 * used + 100_000).all()


@each_kind
def test_no_count_is_negative_and_every_meter_moves(kind: Kind) -> None:
    for name, source in kind.build(20, {}).items():
        counts = source.counts(WEEK)
        assert counts.dtype == np.int64
        assert (counts >= 0).all()
        registered = next(meter for meter in kind.meters if meter.id == name).register
        assert (len(np.unique(counts)) > 4) == (registered is not None)
        flow = source.flow(WEEK * QUARTER)
        assert np.isfinite(flow).all()
        assert len(np.unique(flow)) > 4
        assert registered is None or (flow >= 0).all()


@each_kind
def test_the_same_seed_gives_the_same_in_any_order_and_any_part(kind: Kind) -> None:
    one, other, third = kind.build(20, {}), kind.build(20, {}), kind.build(21, {})
    mixed = WEEK[np.argsort((WEEK * 7919) % 1009, kind="stable")]
    for name, source in one.items():
        whole = dict(zip(WEEK.tolist(), source.counts(WEEK).tolist(), strict=True))
        assert dict(zip(mixed.tolist(), other[name].counts(mixed).tolist(), strict=True)) == whole
        for slot in WEEK[5::97]:
            assert other[name].counts(np.array([slot])).tolist() == [whole[int(slot)]]
        assert (source.flow(mixed * QUARTER) == other[name].flow(mixed * QUARTER)).all()
        assert (source.flow(WEEK * QUARTER + 7_000) != third[name].flow(WEEK * QUARTER + 7_000)).any()


@each_kind
def test_the_same_seed_gives_the_same_everywhere(kind: Kind) -> None:
    sums = sum(int(source.counts(WEEK[:96]).sum()) for source in kind.build(20, {}).values())
    assert sums == DAY_SUMS[kind.name]


@each_kind
def test_a_change_of_a_meter_is_seen_by_what_is_above_it(kind: Kind) -> None:
    child = next(meter for meter in kind.meters if meter.parent and meter.register == "e_kwh")
    assert child.parent is not None
    before = kind.build(20, {})
    after = kind.build(20, {child.id: lambda source: Scaled(source, lambda times: np.full(len(times), 2.0))})
    more = after[child.id].counts(WEEK) - before[child.id].counts(WEEK)
    assert (more == before[child.id].counts(WEEK)).all()
    free = np.zeros_like(WEEK) if "export" not in before else before["export"].counts(WEEK)
    assert (after[child.parent].counts(WEEK) + free >= before[child.parent].counts(WEEK) + more).all()


@each_kind
def test_a_change_reaches_every_meter(kind: Kind) -> None:
    for meter in kind.meters:
        if meter.register is not None:
            sources = kind.build(20, {meter.id: lambda source: Scaled(source, lambda times: np.zeros(len(times)))})
            assert not sources[meter.id].counts(WEEK[:96]).any()


@each_kind
def test_energy_and_flow_agree(kind: Kind) -> None:
    times = np.arange(WEEK[0] * QUARTER, WEEK[0] * QUARTER + 2 * DAY, 15_000, dtype=np.int64)
    sources = kind.build(20, {})
    for meter in kind.meters:
        if meter.register is not None:
            counted = sources[meter.id].counts(WEEK[:192]).sum() / 100
            assert sources[meter.id].flow(times).mean() * 48 == pytest.approx(counted, rel=0.008, abs=0.5)


@each_kind
def test_the_module_says_where_its_shapes_come_from(kind: Kind) -> None:
    build = kind.build if inspect.isfunction(kind.build) else kind.build.func  # type: ignore[attr-defined]
    text = ast.get_docstring(ast.parse(inspect.getsource(inspect.getmodule(build) or build))) or ""
    assert "Invented:" in text or "Source:" in text
