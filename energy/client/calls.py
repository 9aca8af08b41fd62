"""Calls of the HTTP API: waits where it is told to, tries again what is safe, and raises our own errors."""

import re
import secrets
import time
from collections import OrderedDict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Self

import httpx

from energy.client.answers import Json
from energy.errors import InputError, OutsideError, SetupError

Params = Mapping[str, object]
_TRIES = 5
_PATIENCE_S = 90.0  # of all waits of one call together: a limit of a minute is waited for
_BUSY = 429
_READS = ("GET", "HEAD")
_REASONS = {404: "not_found", 409: "conflict", 412: "changed", 413: "too_large"}
_KEY = "Idempotency-Key"
_SECRET = re.compile(r"/sessions|/console-links|/keys|/keys/[^/]+/rotate")  # a POST there takes no key
_CUT_OFF = (httpx.RemoteProtocolError, httpx.ReadError)  # a connection that ended while the answer was awaited


class Calls:
    """An API at `url`/api/v1; every method raises one of our errors, never a bare HTTP status.

    401 and 403 → SetupError, other 4xx → InputError, 5xx, 429 and no answer → OutsideError. A call that is refused for
    now (429) is made again after the Retry-After that the answer names. A call whose connection was cut is made once
    more: a read because it changes nothing, a write because its Idempotency-Key makes both one. What answers with
    a secret takes no such key, and is not made again.
    """

    def __init__(self, url: str, key: str | None = None, timeout: float = 30.0, remember: int = 0) -> None:
        """`timeout` in seconds, for each try; SetupError for an address or a key that cannot be one.

        Without a key, sign in. `remember`: how many answers with an ETag are kept, so that what has not changed is not
        sent again.
        """
        headers = {"Authorization": f"Bearer {key}"} if key is not None else {"X-Carbonwatch": "1"}
        try:
            self._http = httpx.Client(base_url=url.rstrip("/") + "/api/v1", headers=headers, timeout=timeout)
        except (httpx.InvalidURL, UnicodeEncodeError) as error:
            raise SetupError(f"{url!r} or the key is not what an API has: {error}") from error
        self._timeout, self._remember = timeout, remember
        self._known: OrderedDict[str, tuple[str, Json]] = OrderedDict()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def get(self, path: str, **params: object) -> Json:
        """GET → the answer's JSON; parameters that are None are left out."""
        url = str(httpx.URL(path, params=_given(params)))
        known = self._known.get(url)
        answer = self._call("GET", path, params=params, headers={"If-None-Match": known[0]} if known else {})
        if known and answer.status_code == httpx.codes.NOT_MODIFIED:
            self._known.move_to_end(url)
            return known[1]
        body = self._json(answer)
        if self._remember and (etag := answer.headers.get("etag")):
            self._known[url] = (etag, body)
            while len(self._known) > self._remember:
                self._known.popitem(last=False)
        return body

    def put(self, path: str, body: Mapping[str, Any]) -> Json:
        """PUT → the answer's JSON."""
        return self._json(self._call("PUT", path, body=body))

    def change(self, path: str, body: Mapping[str, Any], fields: Iterable[str]) -> Json:
        """PUT of what is there, as far as its `fields` go, with `body` over it → the answer's JSON.

        What somebody else changes meanwhile is not undone: then it is read and changed again.
        """
        for _ in range(_TRIES):
            try:
                there = self._call("GET", path)
                known, condition = self._json(there), {"If-Match": there.headers["etag"]}
            except InputError as error:
                if error.reason != "not_found":
                    raise
                known, condition = {}, {"If-None-Match": "*"}
            whole = {name: known[name] for name in fields if name in known} | dict(body)
            try:
                return self._json(self._call("PUT", path, body=whole, headers=condition))
            except InputError as error:
                if error.reason != "changed":
                    raise
        raise OutsideError(f"{path} is being changed by others all the time")

    def post(self, path: str, body: Mapping[str, Any] | None = None) -> Json:
        """POST → the answer's JSON."""
        return self._json(self._call("POST", path, body=body or {}))

    def patch(self, path: str, body: Mapping[str, Any]) -> Json:
        """PATCH → the answer's JSON."""
        return self._json(self._call("PATCH", path, body=body))

    def delete(self, path: str) -> None:
        """DELETE."""
        self._call("DELETE", path)

    def every(self, path: str, **params: object) -> Iterator[Json]:
        """The items of all pages of a list."""
        cursor: object = params.pop("cursor", None)
        while True:
            page = self.get(path, **{**params, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    @contextmanager
    def _opened(
        self, path: str, params: Params, headers: Mapping[str, str], silence: float
    ) -> Iterator[httpx.Response]:
        """A GET whose answer is read bit by bit by the caller, as long as no wait is longer than `silence` seconds."""
        answer = self._call("GET", path, params=params, headers=headers, silence=silence)
        try:
            yield answer
        except httpx.HTTPError as error:
            raise OutsideError(f"{self._http.base_url} stopped answering: {error}") from error
        finally:
            answer.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        body: Mapping[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
        well: tuple[int, ...] = (),
        silence: float | None = None,
    ) -> httpx.Response:
        """An answer that is a success, a 304 or in `well`; with `silence` its body is not read yet."""
        sent = dict(headers or {})
        if method not in _READS and not (method == "POST" and _SECRET.fullmatch(path)):
            sent[_KEY] = secrets.token_urlsafe(24)
        request = self._http.build_request(
            method, path, params=_given(params or {}), json=None if body is None else dict(body), headers=sent,
            timeout=httpx.Timeout(self._timeout, read=silence or self._timeout),
        )  # fmt: skip
        answer = self._send(request, whole=silence is None)
        if answer.is_success or answer.status_code in (httpx.codes.NOT_MODIFIED, *well):
            return answer
        try:
            answer.read()
        finally:
            answer.close()
        raise _problem(answer)

    def _send(self, request: httpx.Request, *, whole: bool) -> httpx.Response:
        """The answer to a request, sent again as long as that is safe and of use; OutsideError where there is none."""
        until, again = time.monotonic() + _PATIENCE_S, request.method in _READS or _KEY in request.headers
        cut = False
        for turn in range(1, _TRIES + 1):
            try:
                answer = self._http.send(request, stream=not whole)
            except httpx.HTTPError as error:
                if cut or not again or not isinstance(error, _CUT_OFF):
                    raise OutsideError(f"{self._http.base_url} does not answer: {error}") from error
                cut = True
                continue
            # The first of two may still be at work when the second comes.
            if answer.status_code != _BUSY and not (cut and _kind(answer) == "idempotency_pending"):
                return answer
            wait = _retry_after(answer, turn)
            if turn == _TRIES or time.monotonic() + wait > until:
                return answer
            answer.close()
            time.sleep(wait)
        raise OutsideError(f"{self._http.base_url} does not answer")

    def _json(self, answer: httpx.Response) -> Json:
        try:
            return dict(answer.json())
        except (ValueError, TypeError) as error:
            raise OutsideError(f"{self._http.base_url} is no API of carbonwatch: it answers no JSON") from error


def _given(params: Params) -> dict[str, Any]:
    return {name: value for name, value in params.items() if value is not None}


def _retry_after(answer: httpx.Response, turn: int) -> float:
    """Seconds to wait before the next try: what the answer says, else longer each time."""
    try:
        return max(0.0, float(answer.headers["retry-after"]))
    except (KeyError, ValueError):
        return 0.5 * 2.0**turn


def _kind(answer: httpx.Response) -> str:
    """The type of a problem, "" where it has none and for any other answer."""
    if answer.headers.get("content-type") != "application/problem+json":
        return ""
    try:
        answer.read()
        kind = str(answer.json()["type"])
    except (ValueError, KeyError, TypeError):
        return ""
    return "" if kind == "about:blank" else kind


def _problem(answer: httpx.Response) -> InputError | OutsideError | SetupError:
    """An answer that is not a success → the error for whoever must act."""
    try:
        text = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {answer.status_code}"
    if answer.status_code == httpx.codes.UNAUTHORIZED:
        return SetupError(f"the key was not taken: {text}")
    if answer.status_code == httpx.codes.FORBIDDEN:
        return SetupError(f"not allowed: {text}")
    if answer.status_code < httpx.codes.INTERNAL_SERVER_ERROR and answer.status_code != _BUSY:
        return InputError(_kind(answer) or _REASONS.get(answer.status_code, "refused"), text)
    return OutsideError(f"{answer.request.url.path}: {text}")
