"""The lifecycle: one fault is one alert, whatever is judged again, comes late or was resolved."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analytics.lifecycle import Clear, Decision, Judged, Raise, StoredAlert, Update, reconcile
from energy.alert import Finding, Kind, State

HOUR = 3_600_000
NOW = 1000 * HOUR


def finding(since: int, until: int | None = None, kind: Kind = Kind.OFF_PROFILE, meter: str | None = "m") -> Finding:
    """Times in hours."""
    end = None if until is None else until * HOUR
    confirmed = (since + 4) * HOUR
    return Finding(kind, "s", meter, since * HOUR, confirmed, end, 2.0, 1.0, "kWh", 1.0, {"zh": "", "en": ""}, {})


def alert(since: int, until: int | None = None, state: State = State.ACTIVE, number: int = 1) -> StoredAlert:
    end = None if until is None else until * HOUR
    return StoredAlert(number, Kind.OFF_PROFILE, "s", "m", since * HOUR, end, state)


def judged(start: int, end: int, meter: str | None = "m") -> Judged:
    return Judged(Kind.OFF_PROFILE, "s", meter, start * HOUR, end * HOUR)


def test_a_new_finding_is_raised_and_late_when_it_could_have_been_known_before() -> None:
    assert reconcile([finding(996)], [], NOW) == [Raise(finding(996), late=False)]
    assert reconcile([finding(995)], [], NOW) == [Raise(finding(995), late=False)]
    assert reconcile([finding(994)], [], NOW) == [Raise(finding(994), late=True)]


@pytest.mark.parametrize("state", [State.ACTIVE, State.ACKNOWLEDGED])
def test_the_same_episode_updates_its_alert(state: State) -> None:
    assert reconcile([finding(900)], [alert(900, state=state)], NOW) == [Update(1, finding(900))]


@pytest.mark.parametrize(("since", "until"), [(890, None), (910, None), (890, 905), (850, 900)])
def test_an_episode_that_overlaps_or_touches_is_the_same(since: int, until: int | None) -> None:
    decisions = reconcile([finding(since, until)], [alert(900)], NOW)
    assert Update(1, finding(since, until)) in decisions
    assert not any(isinstance(one, Raise) for one in decisions)


def test_an_episode_that_ended_updates_and_clears_once() -> None:
    ended = finding(900, 950)
    assert reconcile([ended], [alert(900)], NOW) == [Update(1, ended), Clear(1, 950 * HOUR)]
    assert reconcile([ended], [alert(900, 950)], NOW) == [Update(1, ended)]


def test_an_episode_apart_is_a_new_alert() -> None:
    assert reconcile([finding(951)], [alert(900, 950)], NOW) == [Raise(finding(951), late=True)]
    assert reconcile([finding(950)], [alert(900, 950)], NOW) == [Update(1, finding(950))]


def test_an_open_alert_does_not_swallow_the_next_episode() -> None:
    first, second = finding(900, 920), finding(950)
    expected = [Update(1, first), Clear(1, 920 * HOUR), Raise(second, late=True)]
    assert reconcile([second, first], [alert(900)], NOW) == expected


def test_a_resolved_alert_is_not_raised_again_and_learns_its_end() -> None:
    assert reconcile([finding(900)], [alert(900, state=State.RESOLVED)], NOW) == []
    ended = reconcile([finding(900, 950), finding(980)], [alert(900, state=State.RESOLVED)], NOW)
    assert ended == [Clear(1, 950 * HOUR), Raise(finding(980), late=True)]


@pytest.mark.parametrize(
    "other",
    [finding(900, meter="other"), finding(900, kind=Kind.SILENT_METER), replace(finding(900), site="t")],
)
def test_another_subject_or_kind_is_another_alert(other: Finding) -> None:
    assert reconcile([other], [alert(900)], NOW) == [Raise(other, late=True)]


def test_an_open_alert_is_cleared_only_when_its_whole_range_was_judged_and_nothing_found() -> None:
    assert reconcile([], [alert(900)], NOW) == []
    assert reconcile([], [alert(900)], NOW, [judged(901, 1000)]) == []
    assert reconcile([], [alert(900)], NOW, [judged(800, 900)]) == []
    assert reconcile([], [alert(900)], NOW, [judged(800, 1000, meter="other")]) == []
    assert reconcile([], [alert(900)], NOW, [judged(800, 990)]) == [Clear(1, 990 * HOUR)]
    assert reconcile([], [alert(900, 950)], NOW, [judged(800, 990)]) == []
    assert reconcile([finding(900)], [alert(900)], NOW, [judged(800, 990)]) == [Update(1, finding(900))]


def test_two_alerts_that_late_data_joins_go_on_as_the_open_one() -> None:
    stored = [alert(900, 920, number=1), alert(950, number=2)]
    assert reconcile([finding(900)], stored, NOW) == [Update(2, finding(900))]


def test_an_alert_that_turns_out_to_be_two_episodes_keeps_the_first() -> None:
    first, second = finding(900, 910), finding(950, 960)
    assert reconcile([first, second], [alert(900, 960)], NOW) == [Update(1, first), Raise(second, late=True)]
    assert reconcile([first, second], [alert(900, 960, state=State.RESOLVED)], NOW) == []


def apply(decisions: list[Decision], stored: list[StoredAlert]) -> list[StoredAlert]:
    kept = {one.id: one for one in stored}
    for decision in decisions:
        match decision:
            case Raise(found):
                number = len(kept) + 1
                kept[number] = alert(0, number=number)
                kept[number] = replace(kept[number], since=found.since, until=found.until)
            case Update(number, found):
                kept[number] = replace(kept[number], since=found.since, until=found.until)
            case Clear(number, until):
                kept[number] = replace(kept[number], until=until)
    return list(kept.values())


@st.composite
def episodes(draw: st.DrawFn) -> list[Finding]:
    """One subject's findings: apart from each other, only the last may be open."""
    edges = sorted(draw(st.sets(st.integers(1, 60), min_size=2, max_size=10)))
    pairs = list(zip(edges[::2], edges[1::2], strict=False))
    found = [finding(3 * a, 3 * b) for a, b in pairs]
    return [*found[:-1], replace(found[-1], until=None)] if draw(st.booleans()) else found


STORED = st.lists(st.sampled_from(list(State)), max_size=4)


@given(now=episodes(), before=episodes(), states=STORED)
def test_judging_again_decides_nothing_new(now: list[Finding], before: list[Finding], states: list[State]) -> None:
    stored = [
        StoredAlert(at + 1, one.kind, one.site, one.meter, one.since, one.until, state)
        for at, (one, state) in enumerate(zip(before, states, strict=False))
    ]
    whole = [judged(0, 1000)]
    after = apply(reconcile(now, stored, NOW, whole), stored)
    again = reconcile(now, after, NOW, whole)
    assert not [one for one in again if isinstance(one, Raise | Clear)]
