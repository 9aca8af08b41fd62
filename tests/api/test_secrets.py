"""No password, key, session, link or hash of one is on record, in an answer, or in any line of the log."""

import logging
import re
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from sqlalchemy import select, text

from api.access import COOKIE
from energy.books import tables as t
from tests.api.calls import calls, said
from tests.api.served import KEY, Served

PASSWORD = "a password that nobody may see"
GIVEN = {
    "site": "steel-1", "meter": "incomer", "unit": "default", "region": "default", "from": "2018-01-01",
    "to": "2018-01-02", "ident": 1, "name": "li", "form": "csv", "gateway": "gw-1",
}  # fmt: skip
ADMIN = {"role": "admin", "scope": {"everything": True}}
ACCOUNT = {"password": PASSWORD, **ADMIN}
# Every row that keeps a secret's hash can then not be written, and no account be looked up.
BROKEN = (
    "ALTER TABLE account RENAME COLUMN disabled TO gone", "ALTER TABLE api_key RENAME COLUMN created_by TO gone",
    "ALTER TABLE login RENAME COLUMN address TO gone",
)  # fmt: skip


class Lines(logging.Handler):
    """What a handler of the whole program is given, as the program's own is; but for what the tests' client says."""

    def __init__(self) -> None:
        super().__init__()
        self.text = ""

    def emit(self, record: logging.LogRecord) -> None:
        if record.name.partition(".")[0] not in ("httpx", "httpcore"):
            self.text += f"{self.format(record)} {record.args} {record.exc_info}\n"


@pytest.fixture
def lines(caplog: pytest.LogCaptureFixture) -> Iterator[Lines]:
    caplog.set_level(logging.INFO)
    for name in ("api", "energy", "uvicorn", "analytics"):
        caplog.set_level(logging.DEBUG, name)
    kept = Lines()
    logging.getLogger().addHandler(kept)
    yield kept
    logging.getLogger().removeHandler(kept)


class Talk:
    """Calls of the API, whose answers are kept unless they hold a secret that is theirs to show."""

    def __init__(self, one: Served) -> None:
        self._one, self.heard = one, ""

    def show(self, method: str, path: str, body: Any = None) -> httpx.Response:
        """An answer that shows a secret, once."""
        answer = self._one.bare.request(
            method, f"/api/v1{path}", json=body, headers={"Authorization": f"Bearer {KEY}"}
        )  # fmt: skip
        self._one.bare.cookies.clear()
        return answer

    def keep(self, method: str, path: str, body: Any = None, status: int = 200) -> None:
        """An answer that shows none."""
        answer = self.show(method, path, body)
        assert answer.status_code == status, answer.text
        self.heard += said(answer)


def refuse(one: Served, talk: Talk, key: str, token: str) -> None:
    """Whatever is refused, with secrets in every place where one may be sent."""
    talk.keep("POST", "/accounts/li", ACCOUNT, 422)
    talk.keep("POST", "/accounts/x", {"password": PASSWORD, "role": "admin", "scope": {}}, 422)
    talk.keep("POST", "/accounts/y", {**ACCOUNT, "password": [PASSWORD], "role": PASSWORD}, 422)
    talk.keep("POST", "/sessions", {"name": "li", "password": PASSWORD + "3"}, 401)
    for header in (f"Bearer {key}x", f"Basic {PASSWORD}", f"{key} {PASSWORD}"):
        talk.heard += said(one.bare.get("/api/v1/me", headers={"Authorization": header}))
    for path in (f"/enter?token={token}", f"/api/v1/me?key={key}"):
        talk.heard += said(one.bare.get(path))


def test_no_secret_is_on_record_in_an_answer_or_in_a_log(fresh: Served, lines: Lines) -> None:
    talk = Talk(fresh)
    talk.keep("POST", "/accounts/li", ACCOUNT, 201)
    talk.keep("PATCH", "/accounts/li", {"password": PASSWORD + "2"})
    signed = talk.show("POST", "/sessions", {"name": "li", "password": PASSWORD + "2"})
    key = talk.show("POST", "/keys", {"name": "k", **ADMIN}).json()
    rotated = talk.show("POST", f"/keys/{key['id']}/rotate", {}).json()
    link = talk.show("POST", "/console-links").json()["url"]
    entered = fresh.bare.get(link)
    fresh.bare.cookies.clear()
    token = link.partition("token=")[2]
    refuse(fresh, talk, key["secret"], token)
    secrets = [KEY, PASSWORD, signed.cookies[COOKIE], entered.cookies[COOKIE], key["secret"], rotated["secret"], token]
    for call in calls(fresh.app):
        if call.method == "GET" and not call.path.endswith("/stream"):
            answer = fresh.http.request(**call.request(GIVEN))
            assert answer.status_code < 500
            talk.heard += said(answer)
    with fresh.context.books.begin() as db:
        columns = (t.account.c.password_hash, t.api_key.c.hash, t.login.c.hash)
        hashes = [one for column in columns for one in db.execute(select(column)).scalars()]
        for statement in BROKEN:
            db.execute(text(statement))
    talk.keep("POST", "/accounts/zhao", ACCOUNT, 503)
    talk.keep("POST", "/keys", {"name": "k", **ADMIN}, 503)
    talk.keep("POST", "/console-links", None, 503)
    talk.keep("POST", "/sessions", {"name": "li", "password": PASSWORD + "2"}, 503)
    assert len(hashes) >= 5
    assert lines.text.count("does not answer") >= 4, "the failures are logged"
    assert not re.findall(r"\$argon2\S+|\b[0-9a-f]{64}\b", lines.text + talk.heard), "nor of what was not kept"
    for secret in (*secrets, *hashes):
        assert secret not in lines.text
        assert secret not in talk.heard
