"""Idempotency-Key: sent again, a write has its effect once and the first answer; whatever dies in between."""

import threading
from typing import Any

import httpx
import pytest
from sqlalchemy import func, select, update
from sqlalchemy.exc import OperationalError

from api import idempotency
from energy.access import Role, Scope
from energy.books import people
from energy.books import tables as t
from energy.books.open import look
from tests.api.served import KEY, Served

BASE = "/api/v1"
ACK = f"{BASE}/alerts/1/acknowledge"


def keyed(key: str, **more: str) -> dict[str, str]:
    return {"Idempotency-Key": key, **more}


def steps(one: Served) -> int:
    with look(one.context.books) as db:
        return int(db.execute(select(func.count()).where(t.alert_step.c.action == "acknowledge")).scalar_one())


def rows(one: Served) -> list[Any]:
    with look(one.context.books) as db:
        return list(db.execute(select(t.idempotency)).mappings().all())


def test_sent_again_it_is_done_once_and_answered_the_same(fresh: Served) -> None:
    first = fresh.http.post(ACK, json={"note": "看到"}, headers=keyed("a"))
    again = fresh.http.post(ACK, json={"note": "看到"}, headers=keyed("a"))
    assert (first.status_code, again.status_code) == (200, 200)
    assert first.content == again.content
    assert "idempotency-replayed" not in first.headers
    assert again.headers["idempotency-replayed"] == "true"
    assert again.headers["content-type"] == "application/json"
    assert steps(fresh) == 1
    assert fresh.http.post(ACK, json={"note": "看到"}).status_code == 409


@pytest.mark.parametrize(
    ("method", "path", "body", "status"),
    [
        ("PUT", "/sites/new-1", {"name_zh": "新"}, 201),
        ("PATCH", "/accounts/wang", {"disabled": True}, 200),
        ("DELETE", "/keys/1", None, 204),
        ("POST", "/accounts/li", {"password": "a long sentence", "role": "admin", "scope": {"everything": True}}, 201),
    ],
)
def test_every_kind_of_write_takes_one(fresh: Served, method: str, path: str, body: Any, status: int) -> None:
    wang = {"password": "a long sentence", "role": "admin", "scope": {"everything": True}}
    assert fresh.http.post(f"{BASE}/accounts/wang", json=wang).status_code == 201
    key = {"name": "k", "role": "admin", "scope": {"everything": True}}
    assert fresh.http.post(f"{BASE}/keys", json=key).status_code == 201
    answers = [fresh.http.request(method, BASE + path, json=body, headers=keyed("k")) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [status, status]
    assert answers[0].content == answers[1].content
    assert answers[1].headers["idempotency-replayed"] == "true"


def test_another_request_with_the_same_key_is_refused(fresh: Served) -> None:
    assert fresh.http.post(ACK, json={"note": "a"}, headers=keyed("a")).status_code == 200
    for method, path, body in (
        ("POST", ACK, {"note": "b"}),
        ("POST", f"{BASE}/alerts/2/acknowledge", {"note": "a"}),
        ("PUT", ACK, {"note": "a"}),
        ("POST", f"{ACK}?x=1", {"note": "a"}),
    ):
        answer = fresh.http.request(method, path, json=body, headers=keyed("a"))
        assert (answer.status_code, answer.json()["type"]) == (422, "idempotency_key_reused")
    assert steps(fresh) == 1


def test_somebody_elses_key_is_another(fresh: Served) -> None:
    now = fresh.context.now()
    with fresh.context.books.begin() as db:
        _, secret = people.add_key(db, "k", Role.OFFICER, Scope(regions=frozenset({"default"})), now + 10**6, "t", now)
    other = {"Authorization": f"Bearer {secret}"}
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).status_code == 200
    assert fresh.bare.post(ACK, json={}, headers=keyed("a", **other)).status_code == 409  # done already, by the other
    done = fresh.bare.post(f"{BASE}/alerts/2/acknowledge", json={}, headers=keyed("b", **other))
    assert done.status_code == 200
    with fresh.context.books.begin() as db:
        db.execute(update(t.api_key).values(role="auditor", scope={"everything": True}))
    changed = fresh.bare.post(f"{BASE}/alerts/2/acknowledge", json={}, headers=keyed("b", **other))
    assert changed.status_code == 422
    with fresh.context.books.begin() as db:
        people.revoke_key(db, 1, now, now)
    assert fresh.bare.post(f"{BASE}/alerts/2/acknowledge", json={}, headers=keyed("b", **other)).status_code == 401


def test_many_at_once_are_one(fresh: Served) -> None:
    answers: list[httpx.Response] = []

    def send() -> None:
        headers = {**fresh.http.headers, **keyed("a")}
        answers.append(httpx.post(fresh.url + ACK, json={}, headers=headers, timeout=20))

    threads = [threading.Thread(target=send) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert len({answer.content for answer in answers if answer.status_code == 200}) == 1
    assert {a.json()["type"] for a in answers if a.status_code == 409} <= {"idempotency_pending"}
    assert steps(fresh) == 1


def test_what_was_refused_may_be_sent_again_mended(fresh: Served) -> None:
    assert fresh.http.post(ACK, json={"note": 5}, headers=keyed("a")).status_code == 422
    assert fresh.http.post(ACK, json={"note": "5"}, headers=keyed("a")).status_code == 200
    assert steps(fresh) == 1


def test_killed_between_effect_and_keeping_it_is_not_done_twice(fresh: Served, monkeypatch: pytest.MonkeyPatch) -> None:
    def killed(*_: Any) -> None:
        raise RuntimeError("the end of the process, as far as the books can see it")

    monkeypatch.setattr(idempotency, "_settle", killed)
    headers = {**fresh.http.headers, **keyed("a")}
    assert httpx.post(fresh.url + ACK, json={}, headers=headers).status_code == 500  # which ends its connection
    monkeypatch.undo()
    assert steps(fresh) == 1
    again = fresh.http.post(ACK, json={}, headers=keyed("a"))
    assert (again.status_code, again.json()["type"]) == (409, "idempotency_pending")
    assert "new key" in again.json()["detail"]
    assert steps(fresh) == 1


def test_books_that_go_away_in_between_change_nothing_of_the_answer(
    fresh: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: Any) -> None:
        raise OperationalError("UPDATE", {}, Exception("away"))

    monkeypatch.setattr(idempotency, "update", away)
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).json()["state"] == "acknowledged"
    monkeypatch.undo()
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).json()["type"] == "idempotency_pending"


def test_it_is_kept_for_a_day(fresh: Served) -> None:
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).status_code == 200
    with fresh.context.books.begin() as db:
        db.execute(update(t.idempotency).values(at=fresh.context.now() - idempotency.KEPT_MS + 60_000))
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).status_code == 200
    with fresh.context.books.begin() as db:
        db.execute(update(t.idempotency).values(at=fresh.context.now() - idempotency.KEPT_MS - 1))
    assert fresh.http.post(ACK, json={}, headers=keyed("a")).status_code == 409  # it is acknowledged already
    assert rows(fresh) == []


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/keys", {"name": "k", "role": "admin", "scope": {"everything": True}}),
        ("/keys/1/rotate", {}),
        ("/console-links", {}),
        ("/sessions", {"name": "wang", "password": "a long sentence"}),
    ],
)
def test_what_answers_with_a_secret_takes_none(one: Served, path: str, body: Any) -> None:
    answer = one.http.post(BASE + path, json=body, headers=keyed("a"))
    assert (answer.status_code, answer.json()["type"]) == (422, "no_idempotency_key")
    assert rows(one) == []


@pytest.mark.parametrize("key", ["", "x" * 256, "é", "a b"])
def test_what_can_be_no_key_is_refused(one: Served, key: str) -> None:
    answer = one.http.post(ACK, json={}, headers={b"Idempotency-Key": key.encode("latin-1")})
    assert (answer.status_code, answer.json()["type"]) == (422, "bad_idempotency_key")


def test_without_a_credential_nothing_is_claimed(one: Served) -> None:
    assert one.bare.post(ACK, json={}, headers=keyed("a")).status_code == 401
    assert one.bare.post(ACK, json={}, headers=keyed("a", Authorization="Bearer wrong")).status_code == 401
    assert rows(one) == []


def test_the_books_hold_neither_credential_nor_key_nor_what_a_password_can_be_guessed_by(fresh: Served) -> None:
    body = {"password": "a long sentence", "role": "admin", "scope": {"everything": True}}
    assert fresh.http.post(f"{BASE}/accounts/li", json=body, headers=keyed("my-key")).status_code == 201
    (row,) = rows(fresh)
    kept = str(dict(row))
    assert not any(secret in kept for secret in (KEY, "my-key", "a long sentence"))
    with fresh.context.books.begin() as db:
        db.execute(update(t.idempotency).values(fingerprint="0" * 64))
    assert fresh.http.post(f"{BASE}/accounts/li", json=body, headers=keyed("my-key")).status_code == 422


def test_a_read_takes_no_notice(one: Served) -> None:
    assert one.http.get(f"{BASE}/sites", headers=keyed("a")).status_code == 200
    assert rows(one) == []
