"""Oversized and slow requests: they end soon, as a problem, and nobody else waits for them."""

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import APIRouter, Request

from api.guard import Walls
from tests.api.served import Served, fill, served
from tests.security.talk import ask, head, line

SITE = "/api/v1/sites/never-made"
QUICK = Walls(body=10_000, bodies={"/api/v1/manual-readings": 20_000}, body_s=1.5, pause_s=0.6, answer_s=1.0)


@pytest.fixture
def quick(tmp_path: Path) -> Iterator[Served]:
    """A known world that has little patience."""
    with served(tmp_path, walls=QUICK) as one:
        fill(one)
        yield one


def chunk(size: int) -> bytes:
    return b"%x\r\n" % size + b" " * size + b"\r\n"


def test_a_body_that_says_it_is_too_large_is_not_even_read(quick: Served) -> None:
    with line(quick) as open_:
        status, problem, _ = ask(open_, quick, head("PUT", SITE, "Content-Length: 10001"))
    assert status == problem["status"] == 413
    assert "10000 bytes" in problem["detail"]


def test_a_body_that_does_not_say_is_counted(quick: Served) -> None:
    with line(quick) as open_:
        pieces = [chunk(4000) for _ in range(4)]
        status, problem, _ = ask(open_, quick, head("PUT", SITE, "Transfer-Encoding: chunked"), *pieces, b"0\r\n\r\n")
    assert status == problem["status"] == 413


def test_a_body_of_just_the_size_is_taken(quick: Served) -> None:
    for size, wanted in ((10_000, 201), (10_001, 413)):
        body = b'{"kind": "plant"' + b" " * (size - 17) + b"}"
        put = {"Content-Type": "application/json"}
        assert quick.http.put(SITE, content=body, headers=put).status_code == wanted
        whole = quick.http.put(f"{SITE}-{size}", content=iter([body[:5], body[5:]]), headers=put)  # in chunks
        assert whole.status_code == wanted


def test_readings_by_hand_may_be_larger(quick: Served) -> None:
    for size, wanted in ((19_999, {404, 405, 422}), (20_001, {413})):
        body = b" " * size
        answer = quick.http.post("/api/v1/manual-readings", content=body, headers={"Content-Type": "application/json"})
        assert answer.status_code in wanted
    assert Walls().bodies["/api/v1/manual-readings"] == 16 * 1024 * 1024
    assert Walls().body == 1024 * 1024


@pytest.mark.parametrize("length", ["-1", "1e9", "99999999999999999999", "0x10", "٣"])
def test_a_length_that_is_none_is_no_fault_of_ours(quick: Served, length: str) -> None:
    with line(quick) as open_:
        status, _, _ = ask(open_, quick, head("PUT", SITE, f"Content-Length: {length}"), b"{}")
    assert status in (400, 413)


def test_a_body_that_stands_still_is_given_up(quick: Served) -> None:
    with line(quick) as open_:
        status, problem, seconds = ask(open_, quick, head("PUT", SITE, "Content-Length: 100"), b'{"ki')
    assert status == problem["status"] == 408
    assert 0.5 < seconds < 1.4


def test_a_body_that_trickles_is_given_up(quick: Served) -> None:
    with line(quick) as open_:  # whole after 2.5 s, had it been let
        status, problem, _ = ask(open_, quick, head("PUT", SITE, "Content-Length: 25"), *[b" "] * 25, pause=0.1)
    assert status == problem["status"] == 408


def test_an_answer_that_takes_too_long_is_given_up_and_its_thread_is_not_doubled(quick: Served) -> None:
    router, at_work, most = APIRouter(), [0], [0]

    @router.get("/slow")
    def slow() -> str:
        at_work[0] += 1
        most[0] = max(most[0], at_work[0])
        time.sleep(2.0)
        at_work[0] -= 1
        return "done"

    @router.get("/slow-too")
    async def slow_too(request: Request) -> str:
        try:
            await asyncio.sleep(20)
        finally:
            most.append(-1)
        return "done"

    quick.app.include_router(router)
    began = time.monotonic()
    for path in ("/slow", "/slow-too"):
        answer = quick.bare.get(path)
        assert answer.status_code == answer.json()["status"] == 503
        assert "takes too long" in answer.json()["detail"]
    assert time.monotonic() - began < 3.5
    while most[-1] != -1:  # what can be broken off is
        assert time.monotonic() - began < 10
        time.sleep(0.05)
    assert quick.get("/sites")["items"]
    answers: list[int] = []
    many = [
        threading.Thread(target=lambda: answers.append(httpx.get(f"{quick.url}/slow").status_code)) for _ in range(60)
    ]
    for thread in many:
        thread.start()
    for thread in many:
        thread.join()
    assert answers == [503] * 60
    assert most[0] <= 40, "a slow thread that was given up still takes its place"


def test_a_stream_lasts_longer_than_an_answer_may_take(quick: Served) -> None:
    began = time.monotonic()
    with quick.http.stream("GET", "/api/v1/stream") as answer:
        for _ in answer.iter_lines():
            if time.monotonic() - began > 2 * QUICK.answer_s:
                return


def test_too_many_requests_at_once_are_refused(tmp_path: Path) -> None:
    with served(tmp_path, walls=Walls(at_once=2)) as one:
        with one.http.stream("GET", "/api/v1/stream"), one.http.stream("GET", "/api/v1/stream"):
            answer = one.http.get("/api/v1/sites")
            assert answer.status_code == answer.json()["status"] == 503
            assert answer.headers["retry-after"] == "1"
        until = time.monotonic() + 10
        while one.http.get("/api/v1/sites").status_code != 200:
            assert time.monotonic() < until
            time.sleep(0.2)
