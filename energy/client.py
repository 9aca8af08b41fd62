"""The client of our own HTTP API, for the command line, the simulators and other people's programs."""

from collections.abc import Iterator
from typing import Any

import httpx

from energy.errors import InputError, OutsideError, SetupError

Json = dict[str, Any]


class Client:
    """Calls `url`/api/v1 with an API key; every method raises one of our errors, never a bare HTTP status.

    401 and 403 → SetupError, other 4xx → InputError, 5xx and no answer → OutsideError.
    """

    def __init__(self, url: str, key: str, timeout: float = 30.0) -> None:
        """`timeout` in seconds, for each call."""
        self._http = httpx.Client(
            base_url=url.rstrip("/") + "/api/v1", headers={"Authorization": f"Bearer {key}"}, timeout=timeout
        )

    def get(self, path: str, **params: object) -> Json:
        """GET → the answer's JSON; parameters that are None are left out."""
        return self._call("GET", path, params=params)

    def put(self, path: str, body: Json) -> Json:
        """PUT → the answer's JSON."""
        return self._call("PUT", path, body=body)

    def post(self, path: str, body: Json | None = None) -> Json:
        """POST → the answer's JSON."""
        return self._call("POST", path, body=body or {})

    def every(self, path: str, **params: object) -> Iterator[Json]:
        """The items of all pages of a list."""
        cursor: object = None
        while True:
            page = self.get(path, **{**params, "cursor": cursor})
            yield from page["items"]
            cursor = page.get("next")
            if cursor is None:
                return

    def health(self) -> Json:
        """The state of every part, whether it is well (200) or not (503)."""
        return self._call("GET", "/health", well=(200, 503))

    def sites(self) -> list[Json]:
        """Every site."""
        return list(self.every("/sites"))

    def put_site(self, site: str, body: Json) -> Json:
        """Register a site, or change it."""
        return self.put(f"/sites/{site}", body)

    def meters(self, site: str | None = None) -> list[Json]:
        """The meters of a site, or all, with their newest values."""
        return list(self.every("/meters", site=site))

    def put_meter(self, site: str, meter: str, body: Json) -> Json:
        """Register a meter, or change it."""
        return self.put(f"/sites/{site}/meters/{meter}", body)

    def gateways(self, site: str | None = None) -> list[Json]:
        """Sequence and ledger of each gateway."""
        return list(self.every("/gateways", site=site))

    def alerts(self, **filters: object) -> list[Json]:
        """Alerts, newest first."""
        return list(self.every("/alerts", **filters))

    def close(self) -> None:
        """Let go of the connection."""
        self._http.close()

    def _call(
        self,
        method: str,
        path: str,
        *,
        params: Json | None = None,
        body: Json | None = None,
        well: tuple[int, ...] = (),
    ) -> Json:
        sent = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            answer = self._http.request(method, path, params=sent, json=body)
        except httpx.HTTPError as error:
            raise OutsideError(f"{self._http.base_url} does not answer: {error}") from error
        if answer.is_success or answer.status_code in well:
            return dict(answer.json())
        raise _problem(answer)


def _problem(answer: httpx.Response) -> InputError | OutsideError | SetupError:
    """An answer that is not a success → the error for whoever must act."""
    try:
        text = str(answer.json()["detail"])
    except (ValueError, KeyError, TypeError):
        text = f"HTTP {answer.status_code}"
    if answer.status_code in (401, 403):
        return SetupError(f"the key was not taken: {text}")
    if answer.status_code < 500:
        return InputError("refused", text)
    return OutsideError(f"{answer.request.url.path}: {text}")
