"""Connections: what is no request, comes too slowly, or is never read, does not hold one for long."""

import socket
import time
from contextlib import ExitStack

import pytest
from fastapi import APIRouter

from deploy import listen
from tests.api.served import Served
from tests.security.talk import ask, head, line

SITE = "/api/v1/sites/never-made"


def test_a_head_that_is_too_large_is_refused(known: Served) -> None:
    for fields in ([f"X-Long: {'x' * 40_000}"], [f"X-{n}: {'x' * 100}" for n in range(400)]):
        with line(known) as open_:
            status, problem, _ = ask(open_, known, head("GET", "/api/v1/sites", *fields))
        assert status == problem["status"] == 431
    with line(known) as open_:
        status, problem, _ = ask(open_, known, b"GET /" + b"x" * 40_000)
    assert status == problem["status"] == 431


@pytest.mark.parametrize(
    "said", [b"hello\r\n\r\n", b"GET / HTTP/1.1\r\n\r\n", b"GET /\x00 HTTP/1.1\r\nHost: x\r\n\r\n",
             b"\x16\x03\x01\x02\x00\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
             b"PUT / HTTP/1.1\r\nHost: HOST\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
             b"GET / HTTP/1.1\r\nHost: HOST\r\nX: a\n\rb: c\r\n\r\n"]
)  # fmt: skip
def test_what_is_no_request_is_refused_as_a_problem(known: Served, said: bytes) -> None:
    with line(known) as open_:
        status, problem, _ = ask(open_, known, said)
    assert status == problem["status"] == 400


def test_a_broken_body_ends_its_request(known: Served) -> None:
    with line(known) as open_:
        status, problem, _ = ask(open_, known, head("PUT", SITE, "Transfer-Encoding: chunked"), b"zz\r\n")
    assert status == problem["status"] == 400
    assert known.get("/sites")["items"]


def test_a_slow_head_is_given_up(known: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "HEAD_S", 1.0)
    with line(known) as open_:  # one byte after the other
        said = head("GET", "/api/v1/sites")
        status, problem, seconds = ask(open_, known, *[said[n : n + 1] for n in range(15)], pause=0.1)
    assert status == problem["status"] == 408
    assert 0.9 < seconds < 2.5
    with line(known) as open_:  # nothing at all
        began = time.monotonic()
        assert open_.recv(1) == b""
        assert time.monotonic() - began < 2


def test_a_second_slow_head_is_given_up_too(known: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "HEAD_S", 1.0)
    monkeypatch.setattr(listen, "KEEP_ALIVE_S", 1)
    with line(known) as open_:
        assert ask(open_, known, head("GET", "/"))[0] in (200, 0)
        open_.sendall(b"GET / HTTP/1.1\r\nHost: loc")
        began = time.monotonic()
        while open_.recv(65536):
            pass
        assert 1.0 < time.monotonic() - began < 4


def trickle(open_: socket.socket, seconds: float) -> None:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        open_.sendall(b" ")
        time.sleep(0.05)


def test_a_body_that_nobody_reads_does_not_keep_its_connection(known: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "HEAD_S", 0.5)
    monkeypatch.setattr(listen, "KEEP_ALIVE_S", 1)
    with line(known) as open_:
        assert ask(open_, known, head("GET", "/api/v1/nothing", "Content-Length: 9000000"))[0] in (404, 413)
        began = time.monotonic()
        with pytest.raises((BrokenPipeError, ConnectionResetError)):
            trickle(open_, 6)
        assert time.monotonic() - began < 4


def test_who_does_not_take_an_answer_is_dropped(known: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "STALL_S", 1.0)
    router = APIRouter()

    @router.get("/large")
    def large() -> str:
        return "x" * 50_000_000

    known.app.include_router(router)
    with line(known) as open_:
        open_.sendall(head("GET", "/large").replace(b"HOST", known.url.removeprefix("http://").encode()))
        time.sleep(3)
        taken = 0
        while piece := open_.recv(1 << 20):
            taken += len(piece)
        assert taken < 50_000_000


def test_connections_are_bounded(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listen, "CONNECTIONS", 5)
    with ExitStack() as stack:
        for _ in range(20):  # whoever leaves his connections open hinders nobody: the oldest that rests goes
            assert ask(stack.enter_context(line(fresh)), fresh, head("GET", "/api/v1/nothing"))[0] == 404
        for _ in range(20):  # nor does who never ends a head
            stack.enter_context(line(fresh)).sendall(b"GET / HTTP/1.1\r\nX-Slow: ")
        assert fresh.bare.get("/api/v1/nothing").status_code == 404
    with ExitStack() as stack:
        streams = [stack.enter_context(fresh.http.stream("GET", "/api/v1/stream")) for _ in range(5)]
        assert [answer.status_code for answer in streams] == [200] * 5
        with line(fresh) as open_:  # those that are at work stay, and this one is one too many
            assert ask(open_, fresh, head("GET", "/api/v1/nothing"))[0] == 0
        assert next(streams[0].iter_lines())
