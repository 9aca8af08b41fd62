"""The demo's curves: exactly two faults, whenever the demo is first started."""

import numpy as np
import pytest

from analytics.detectors import off_profile, pue_over_limit
from energy.alert import Finding
from energy.window import QUARTER, parse_time
from simulators.demo_sites import DemoSite, demo_sites
from simulators.noise import DAY, Floats, Ints

HOUR = 4 * QUARTER
ZONE = "Asia/Shanghai"
FIRST = parse_time("2026-03-02T00:07:11", ZONE)
# A step of 31 h 25 min comes by every weekday and most hours of the day.
STARTS = [FIRST + k * (31 * HOUR + 25 * 60_000) for k in range(24)]
LIVE_DAYS = 3


def quarters(site: DemoSite, start: int, end: int) -> tuple[Ints, dict[str, Floats]]:
    slots = np.arange(start // QUARTER, end // QUARTER, dtype=np.int64)
    return slots * QUARTER, {feed.meter.id: feed.source.counts(slots) / 100 for feed in site.feeds}


def off_profiles(site: DemoSite, end: int) -> list[Finding]:
    out = []
    begin = -(-site.epoch // HOUR) * HOUR
    starts, amounts = quarters(site, begin, end // HOUR * HOUR)
    for feed in site.feeds:
        amount = amounts[feed.meter.id].reshape(-1, 4).sum(axis=1)
        known = np.ones(len(amount), dtype=np.bool_)
        out += off_profile.find(feed.meter, starts[::4], amount, known, ZONE)
    return out


def pue_findings(site: DemoSite, end: int) -> list[Finding]:
    start, amounts = quarters(site, site.epoch, end)
    below = {meter: amount for meter, amount in amounts.items() if meter not in ("facility", "it")}
    none = np.zeros(len(start), dtype=np.bool_)
    names = {meter: (meter, meter) for meter in below}
    return pue_over_limit.find(
        site.site, start, amounts["facility"], amounts["it"], none, below, names, limit=1.3, clear=1.28, floor=0.9
    )


@pytest.mark.parametrize("anchor", STARTS)
def test_exactly_two_alerts_whenever_the_demo_starts(anchor: int) -> None:
    sites = demo_sites(20, anchor)
    for end in (anchor, anchor + LIVE_DAYS * DAY):
        found = [f for site in sites if site.site.boundary is None for f in off_profiles(site, end)]
        assert [(f.site, f.meter) for f in found] == [("steel-1", "compressor-2")]
        assert found[0].until is None
        assert anchor - 8 * DAY - HOUR < found[0].since <= anchor - 7 * DAY + HOUR
        [pue] = pue_findings(sites[2], end)
        assert pue.until is None
        assert anchor - 12 * DAY < pue.since < anchor - 6 * DAY
        assert pue.evidence["cause"]["meter"] == "chiller"


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_other_seeds_have_the_same_two_alerts_only(seed: int) -> None:
    sites = demo_sites(seed, FIRST + 3 * DAY)
    found = [f for site in sites if site.site.boundary is None for f in off_profiles(site, FIRST + 10 * DAY)]
    assert [(f.site, f.meter) for f in found] == [("steel-1", "compressor-2")]
    assert len(pue_findings(sites[2], FIRST + 10 * DAY)) == 1


def test_pue_over_24_hours_goes_from_1_22_to_a_plateau_near_1_36() -> None:
    anchor = FIRST
    site = demo_sites(20, anchor)[2]
    _, amounts = quarters(site, site.epoch, anchor + 10 * DAY)
    rolling = [np.convolve(amounts[meter], np.ones(96), "valid") for meter in ("facility", "it")]
    pue = rolling[0] / rolling[1]
    before, plateau = pue[: 22 * 96], pue[31 * 96 :]
    assert 1.20 < before.min() < before.max() < 1.24
    assert 1.34 < plateau.min() < plateau.max() < 1.38


def test_a_parent_is_never_less_than_its_meters() -> None:
    for site in demo_sites(20, FIRST):
        _, amounts = quarters(site, site.epoch, site.epoch + 7 * DAY)
        for parent in {feed.meter.parent for feed in site.feeds} - {None}:
            below = sum(amounts[feed.meter.id] for feed in site.feeds if feed.meter.parent == parent)
            assert (amounts[str(parent)] >= below).all()


def test_compressor_2_stands_still_at_night_until_the_fault() -> None:
    site = demo_sites(20, FIRST)[0]
    night = parse_time("2026-02-10T23:00", ZONE) // QUARTER
    late = parse_time("2026-02-25T23:00", ZONE) // QUARTER
    feed = next(feed for feed in site.feeds if feed.meter.id == "compressor-2")
    before, after = feed.source.counts(np.array([night, late]))
    assert before < 100 < 3_000 < after


def test_boundary_and_parents_name_registered_meters() -> None:
    for site in demo_sites(20, FIRST):
        names = [feed.meter.id for feed in site.feeds]
        assert all(feed.meter.parent is None or feed.meter.parent in names for feed in site.feeds)
        assert site.site.boundary is None or site.site.boundary.meters <= set(names)
