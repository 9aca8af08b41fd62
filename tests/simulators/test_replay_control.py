"""A replay's speed, pause and steps, by a clock of the test's own."""

import pytest

from simulators.replay_control import Control, obey, press


class Clock:
    """A clock that stands unless it is moved."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_message_is_due_by_speed_and_late_when_it_was(clock: Clock) -> None:
    control = Control(60.0, clock=clock)
    assert control.wait(120_000) == pytest.approx(2.0)
    clock.now += 5
    assert control.wait(120_000) == pytest.approx(-3.0)
    assert Control(None, clock=clock).wait(9e9) == 0


def test_a_pause_stops_the_position(clock: Clock) -> None:
    control = Control(1.0, clock=clock)
    clock.now += 2
    control.pause()
    clock.now += 50
    assert control.wait(3000) == float("inf")
    assert (control.paused, control.state()) == (True, "paused")
    control.go()
    assert control.wait(3000) == pytest.approx(1.0)


def test_another_speed_counts_from_here_on(clock: Clock) -> None:
    control = Control(1.0, clock=clock)
    clock.now += 2
    control.change(10.0)
    assert control.wait(12_000) == pytest.approx(1.0)
    control.faster(0.5)
    assert control.wait(12_000) == pytest.approx(2.0)
    assert control.state() == "×5"


def test_from_max_the_position_is_the_newest_message(clock: Clock) -> None:
    control = Control(None, clock=clock)
    clock.now += 1000
    control.took(60_000)
    control.faster(2)
    assert control.state() == "max"
    control.change(1.0)
    assert control.wait(61_000) == pytest.approx(1.0)
    control.change(None)
    assert control.wait(61_000) == 0


def test_steps_are_sent_at_once_and_then_it_is_paused(clock: Clock) -> None:
    control = Control(1.0, clock=clock)
    control.step(2)
    for offset in (5000, 9000):
        assert control.wait(offset) == 0
        control.took(offset)
    assert control.wait(10_000) == float("inf")
    control.go()
    assert control.wait(10_000) == pytest.approx(1.0)


def test_going_on_forgets_steps_that_were_not_taken(clock: Clock) -> None:
    control = Control(1.0, clock=clock)
    control.step(5)
    control.go()
    assert control.wait(1000) == pytest.approx(1.0)


@pytest.mark.parametrize(
    ("lines", "state"),
    [
        (["pause"], "paused"),
        (["pause", "go"], "×1"),
        (["speed 2.5"], "×2.5"),
        (["speed max"], "max"),
        (["step 3"], "paused"),
        (["  step "], "paused"),
    ],
)
def test_lines_of_a_program_are_obeyed(clock: Clock, lines: list[str], state: str) -> None:
    control = Control(1.0, clock=clock)
    assert [obey(control, line) for line in lines] == [""] * len(lines)
    assert control.state() == state


@pytest.mark.parametrize("line", ["stop", "speed", "speed 0", "speed inf", "speed fast", "step 0", "step x", "go on"])
def test_any_other_line_is_said_and_changes_nothing(clock: Clock, line: str) -> None:
    control = Control(1.0, clock=clock)
    assert obey(control, line)
    assert (control.state(), control.ended) == ("×1", False)
    assert control.wait(1000) == pytest.approx(1.0)


def test_keys_do_what_the_help_says(clock: Clock) -> None:
    control = Control(1.0, clock=clock)
    for key, state in ((" ", "paused"), (" ", "×1"), ("+", "×2"), ("-", "×1"), ("x", "×1"), ("s", "paused")):
        press(control, key)
        assert control.state() == state
    press(control, "\n")
    for _ in range(2):
        assert control.wait(9000) == 0
        control.took(9000)
    assert control.wait(9000) == float("inf")
    press(control, "q")
    assert control.ended
    assert obey(Control(1.0), "quit") == ""
