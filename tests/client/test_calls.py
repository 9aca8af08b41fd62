"""How a call is made: what is tried again and what never, what each refusal becomes, what need not be sent twice."""

import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from energy.client import Client
from energy.client.calls import _SECRET
from energy.errors import CarbonwatchError, InputError, OutsideError, SetupError
from tests.api.served import KEY, Served
from tests.client.scripted import CUT, Answer, problem, scripted
from tests.neighbours import free_port

BUSY = problem(429, Retry_After="0.2")


def test_a_busy_api_is_asked_again_when_it_says(tmp_path: Path) -> None:
    began = time.monotonic()
    with scripted(BUSY, BUSY, Answer(body=b'{"id": 1}')) as api, Client(api.url, "k") as client:
        assert client.get("/x") == {"id": 1}
        assert client.post("/alerts/1/resolve") == {"id": 1}
    assert [method for method, _, _ in api.seen] == ["GET"] * 3 + ["POST"]
    assert 0.4 <= time.monotonic() - began < 5


def test_patience_with_a_busy_api_has_an_end() -> None:
    with scripted(BUSY) as api, Client(api.url, "k") as client, pytest.raises(OutsideError, match="/api/v1/x: no"):
        client.get("/x")
    assert len(api.seen) == 5
    began = time.monotonic()
    with (
        scripted(problem(429, Retry_After="86400")) as api,
        Client(api.url, "k") as client,
        pytest.raises(OutsideError),
    ):
        client.get("/x")
    assert len(api.seen) == 1
    assert time.monotonic() - began < 5


@pytest.mark.parametrize("method", ["get", "put", "post", "patch", "delete"])
def test_a_call_whose_line_was_cut_is_made_once_more_as_the_same(method: str) -> None:
    with scripted(CUT, Answer()) as api, Client(api.url, "k") as client:
        getattr(client, method)("/alerts/1", *([{}] if method in ("put", "patch") else []))
    assert len(api.seen) == 2
    keys = [headers.get("idempotency-key") for _, _, headers in api.seen]
    assert keys[0] == keys[1]
    assert (keys[0] is None) == (method == "get")
    with scripted(CUT) as api, Client(api.url, "k") as client, pytest.raises(OutsideError, match="does not answer"):
        client.get("/x")
    assert len(api.seen) == 2


def test_each_write_has_a_key_of_its_own() -> None:
    with scripted(Answer()) as api, Client(api.url, "k") as client:
        for _ in range(3):
            client.acknowledge(1)
    assert len({headers["idempotency-key"] for _, _, headers in api.seen}) == 3


def test_while_the_first_of_two_is_at_work_the_second_waits() -> None:
    pending = problem(409, "idempotency_pending", Retry_After="0.1")
    with scripted(CUT, pending, Answer(body=b'{"state": "resolved"}')) as api, Client(api.url, "k") as client:
        assert client.resolve(1)["state"] == "resolved"
    with scripted(pending) as api, Client(api.url, "k") as client, pytest.raises(InputError) as refused:
        client.resolve(1)
    assert refused.value.reason == "idempotency_pending"
    assert len(api.seen) == 1


def test_what_answers_with_a_secret_has_no_key_and_is_not_made_again() -> None:
    calls: list[Callable[[Client], object]] = [
        lambda c: c.sign_in("wang", "x"),
        lambda c: c.console_link(),
        lambda c: c.add_key("x", "admin", {"everything": True}),
        lambda c: c.rotate_key(1),
    ]
    for call in calls:
        with scripted(CUT, Answer()) as api, Client(api.url, "k") as client, pytest.raises(OutsideError):
            call(client)
        assert len(api.seen) == 1
        assert "idempotency-key" not in api.seen[0][2]


def test_client_and_api_agree_on_what_answers_with_a_secret(world: Served) -> None:
    for path, methods in world.app.openapi()["paths"].items():
        if "post" not in methods:
            continue
        short = re.sub(r"\{\w+\}", "1", path.removeprefix("/api/v1"))
        answer = world.http.post(f"/api/v1{short}", json={}, headers={"Idempotency-Key": "a b"})
        refused = answer.json().get("type") == "no_idempotency_key"
        assert refused == bool(_SECRET.fullmatch(short)), path


@pytest.mark.parametrize(
    ("answer", "kind", "text"),
    [
        (problem(401), SetupError, "the key was not taken: no"),
        (problem(403), SetupError, "not allowed: no"),
        (problem(404, "not_found"), InputError, "not_found: no"),
        (problem(409, "bad_transition"), InputError, "bad_transition: no"),
        (problem(422), InputError, "refused: no"),
        (problem(503), OutsideError, "/api/v1/x: no"),
        (Answer(500, b"<html>"), OutsideError, "HTTP 500"),
        (Answer(404, b"[]"), InputError, "not_found: HTTP 404"),
        (Answer(200, b"<html>"), OutsideError, "no API of carbonwatch"),
        (Answer(200, b"3"), OutsideError, "no API of carbonwatch"),
        (Answer(200, b"{", whole=False), OutsideError, "does not answer"),
    ],
)
def test_a_refusal_is_an_error_for_whoever_must_act(answer: Answer, kind: type[CarbonwatchError], text: str) -> None:
    with scripted(answer) as api, Client(api.url, "k") as client, pytest.raises(kind, match=re.escape(text)):
        client.get("/x")


def test_nobody_there_is_said_at_once() -> None:
    began = time.monotonic()
    with Client(f"http://127.0.0.1:{free_port()}", "k") as client, pytest.raises(OutsideError, match="does not answer"):
        client.sites()
    assert time.monotonic() - began < 2


@pytest.mark.parametrize("url", ["http://[::1", "http://x:port"])
def test_what_cannot_be_an_address_is_the_operators(url: str) -> None:
    with pytest.raises(SetupError):
        Client(url, "k")


def test_what_has_not_changed_is_not_sent_again(world: Served) -> None:
    statuses: list[int] = []
    with Client(world.url, KEY, remember=1) as client:
        client._http.event_hooks = {"response": [lambda answer: statuses.append(answer.status_code)]}
        assert client.site("dc-1") == client.site("dc-1")
        assert statuses == [200, 304]
        client.change_site("dc-1", {"name_en": "Changed"})
        assert client.site("dc-1")["name_en"] == "Changed"
        client.site("steel-1")
        client.site("dc-1")  # forgotten: only one answer is kept
        assert statuses[-3:] == [200, 200, 200]
    with Client(world.url, KEY) as client:
        client._http.event_hooks = {"response": [lambda answer: statuses.append(answer.status_code)]}
        client.site("dc-1")
        client.site("dc-1")
        assert statuses[-2:] == [200, 200]
