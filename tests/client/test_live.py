"""The stream as the client gives it: it goes on where it was cut, and an end of patience is said."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from energy.client import Client, Event, live
from energy.client.live import parse
from energy.errors import OutsideError, SetupError
from tests.api.served import Served
from tests.client.scripted import CUT, Answer, problem, scripted

KIND = {"Content-Type": "text/event-stream"}


def events(*texts: str) -> Answer:
    return Answer(200, "".join(texts).encode(), KIND, whole=False)


def test_a_cut_stream_goes_on_after_the_last_event(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "_WAITS_S", (0.01, 0.02))
    one, two = 'id: 5\nevent: alert\ndata: {"id": 1}\n\n: alive\n\n', 'id: 9\nevent: alert\ndata: {"id": 2}\n\n'
    with scripted(events(one, "event: alert\nda"), CUT, events(two), events()) as api, Client(api.url, "k") as client:
        stream = client.stream()
        assert [next(stream), next(stream)] == [Event("alert", {"id": 1}, "5"), Event("alert", {"id": 2}, "9")]
        with pytest.raises(OutsideError):
            next(stream)
    after = [headers.get("last-event-id") for _, _, headers in api.seen]
    assert after[0] is None
    assert set(after[1:3]) == {"5"}
    assert after[-1] == "9"
    assert len(after) < 12


def test_a_known_event_is_gone_on_from() -> None:
    with scripted(events("id: 8\ndata: 1\n\n")) as api, Client(api.url, "k") as client:
        assert next(client.stream(after="7")) == Event("message", 1, "8")
    assert api.seen[0][2]["last-event-id"] == "7"


def test_who_may_not_listen_is_told_at_once() -> None:
    with scripted(problem(401)) as api, Client(api.url, "k") as client, pytest.raises(SetupError):
        next(client.stream())
    assert len(api.seen) == 1


def test_an_alert_that_moved_while_the_line_was_down_is_told(world: Served, client: Client) -> None:
    stream = client.stream()
    first = next(event for event in stream if event.name == "health")
    stream.close()  # type: ignore[attr-defined]
    client.acknowledge(3, "seen")
    seen = next(event for event in client.stream(first.id) if event.name == "alert" and event.data["id"] == 3)
    assert seen.data["state"] == "acknowledged"


@given(st.lists(st.tuples(st.sampled_from(["readings", "alert"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(), lambda inner: st.lists(inner, max_size=3)))))  # fmt: skip
def test_whatever_json_is_sent_comes_out(sent: list[tuple[str, object]]) -> None:
    import json

    lines = [line for name, data in sent for line in (f"event: {name}", f"data: {json.dumps(data)}", "", ": alive", "")]
    assert [(event.name, event.data) for event in parse(iter(lines))] == sent
