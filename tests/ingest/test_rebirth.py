"""Requests for births: at once, then at longer and longer intervals, and never to more than can be sent."""

from ingest import rebirth as module
from ingest.decode.sparkplug_payload import rebirth
from ingest.rebirth import Rebirths

NOW = 1_795_306_500_000


class Wire:
    """What was published; full when it `takes` no more."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, bytes]] = []
        self.takes = 1000

    def publish(self, topic: str, payload: bytes) -> bool:
        if len(self.sent) >= self.takes:
            return False
        self.sent.append((topic, payload))
        return True


def asked_at(rebirths: Rebirths, wire: Wire, boot: str, until: int, start: int = 0) -> list[int]:
    """The seconds at which an edge node is asked that lacks a birth in every second."""
    found = []
    for second in range(start, until):
        before = len(wire.sent)
        rebirths.ask({("s", "e", boot)}, float(second), NOW)
        if len(wire.sent) > before:
            found.append(second)
    return found


def test_one_that_does_not_answer_is_asked_less_and_less() -> None:
    wire = Wire()
    rebirths = Rebirths(wire.publish)
    assert asked_at(rebirths, wire, "b", 3000) == [0, 10, 30, 70, 150, 310, 630, 1230, 1830, 2430]
    assert wire.sent[0] == ("spBv1.0/s/NCMD/e", rebirth(NOW))
    assert rebirths.requests == 10


def test_a_birth_begins_the_intervals_anew_and_not_at_once() -> None:
    wire = Wire()
    rebirths = Rebirths(wire.publish)
    assert asked_at(rebirths, wire, "b", 75) == [0, 10, 30, 70]
    assert asked_at(rebirths, wire, "c", 120, start=75) == [80, 90, 110]


def test_what_the_broker_does_not_take_is_asked_with_the_next_message() -> None:
    wire = Wire()
    wire.takes = 0
    rebirths = Rebirths(wire.publish)
    rebirths.ask({("s", "e", "")}, 0.0, NOW)
    wire.takes = 1
    rebirths.ask({("s", "e", "")}, 0.1, NOW)
    assert len(wire.sent) == rebirths.requests == 1


def test_many_are_asked_in_turn_and_few_are_remembered() -> None:
    wire = Wire()
    rebirths = Rebirths(wire.publish)
    many = {("s", f"e-{number}", "") for number in range(250)}
    for _ in range(3):
        rebirths.ask(many, 0.0, NOW)
    assert len({topic for topic, _ in wire.sent}) == len(wire.sent) == 250
    module._REMEMBERED, before = 100, module._REMEMBERED
    rebirths.ask({("s", "e-1", "x")}, 20.0, NOW)
    module._REMEMBERED = before
    assert len(rebirths._asked) == 1
