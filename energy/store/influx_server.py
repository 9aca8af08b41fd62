"""One organisation of an InfluxDB 2.x server, by the session of influxdb-client: its buckets, writes and queries."""

import email.utils
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode, urlsplit

from influxdb_client.client.influxdb_client import InfluxDBClient
from influxdb_client.domain.bucket_retention_rules import BucketRetentionRules
from influxdb_client.domain.dbrp_create import DBRPCreate
from influxdb_client.rest import ApiException
from influxdb_client.service.dbr_ps_service import DBRPsService
from urllib3.exceptions import HTTPError

from energy.errors import OutsideError, SetupError
from energy.store.port import BusyError

_TIMEOUT_MS = 10_000  # to connect, and for each pause of an answer
_HERE = ("127.0.0.1", "::1", "localhost")  # to compress what stays on the loopback costs more than all the rest
_BUSY = (429, 503)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A bucket as it is now: how long it keeps points (s; 0: for ever), and InfluxQL's names of it."""

    id: str
    keeps_s: int
    names: tuple[str, str]  # database, retention policy
    made: bool  # just now, by us
    mapped: bool  # likewise its names


class InfluxServer:
    """Safe to use from several threads; every method raises OutsideError when the server does not answer."""

    def __init__(self, url: str, token: str, org: str) -> None:
        """Nothing is sent yet; SetupError for a bad `url`."""
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise SetupError(f"InfluxDB's address must look like http://host:8086, not {url!r}")
        self.where = f"InfluxDB at {parts.scheme}://{parts.hostname}:{parts.port or 8086}"
        self.org = org
        self._compress = parts.hostname not in _HERE
        self._client: Any = InfluxDBClient(url.rstrip("/"), token=token, org=org, timeout=(_TIMEOUT_MS, _TIMEOUT_MS))

    def close(self) -> None:
        """Let go of connections; they come again with the next call."""
        self._client.api_client.rest_client.pool_manager.clear()

    def write(self, bucket: str, lines: bytes) -> str | None:
        """Write lines of millisecond precision; None, or what the server says when some are older than it keeps.

        SetupError for another writer's types, a token without the right, no such organisation.
        """
        query = urlencode({"org": self.org, "bucket": bucket, "precision": "ms"})
        headers = {"Content-Type": "text/plain; charset=utf-8"}
        if self._compress:
            packer = zlib.compressobj(level=1, wbits=31)
            lines = packer.compress(lines) + packer.flush()
            headers["Content-Encoding"] = "gzip"
        with self._errors(bucket):
            try:
                self._call(f"/api/v2/write?{query}", headers, body=lines)
            except ApiException as error:
                message = str(error.message)
                if error.status != 422 or "retention policy" not in message or "conflict" in message:
                    raise
                return message
        return None

    @contextmanager
    def query(self, form: Mapping[str, Any]) -> Iterator[Any]:
        """An InfluxQL query's answer, as an iterable of lines for the time of the context."""
        with self._errors(str(form.get("db"))):
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            answer = self._call("/query", headers, post_params=dict(form), _preload_content=False)
            try:
                yield answer
            except BaseException:
                answer.close()  # half read, it must not go back to the pool
                raise
            answer.release_conn()

    def open(self, bucket: str, keeps_s: int = 0) -> Bucket:
        """The bucket, made if absent so that it keeps points for `keeps_s` (0: for ever).

        SetupError for a refused token, a token that may not make it, no such organisation.
        """
        with self._errors(bucket):
            found = self._find(bucket)
            made = found is None
            if found is None:
                found = self._make(bucket, keeps_s)
            names, mapped = self._names(str(found.id), bucket)
            return Bucket(str(found.id), _keeps(found), names, made, mapped)

    def keep(self, bucket: str, keeps_s: int) -> None:
        """Have an existing bucket keep points for `keeps_s` (0: for ever)."""
        with self._errors(bucket):
            found = self._find(bucket)
            if found is not None:
                found.retention_rules = [BucketRetentionRules(type="expire", every_seconds=keeps_s)]  # type: ignore[no-untyped-call]
                self._client.buckets_api().update_bucket(bucket=found)

    def version(self) -> str:
        """The server's version, such as 2.7.11."""
        with self._errors(""):
            return str(self._client.version()).removeprefix("v")

    def may_write(self, bucket: str) -> bool:
        """Whether the token may write; nothing is written."""
        try:
            self.write(bucket, b"")
        except SetupError:
            return False
        return True

    def may_read(self, bucket: str) -> bool:
        """Whether the token may read: who may not is shown no bucket."""
        with self._errors(bucket):
            return self._find(bucket) is not None

    def _call(self, path: str, headers: dict[str, str], **rest: Any) -> Any:
        return self._client.api_client.call_api(
            path, "POST", header_params=headers, _return_http_data_only=True, **rest
        )

    def _find(self, bucket: str) -> Any:
        """The bucket or None; where there is none a server says 404 or lists nothing, as the token's rights are."""
        try:
            found = self._client.buckets_api().find_buckets(name=bucket, org=self.org).buckets
        except ApiException as error:
            if error.status != 404 or "bucket" not in str(error.message):
                raise
            return None
        return found[0] if found else None

    def _make(self, bucket: str, keeps_s: int) -> Any:
        organisations = self._client.organizations_api().find_organizations(org=self.org)
        if not organisations:
            raise SetupError(
                f"{self.where}: INFLUX_TOKEN may not make buckets: make bucket {bucket!r} of organisation "
                f"{self.org!r}, or set INFLUX_TOKEN to an all-access token"
            )
        rules = BucketRetentionRules(type="expire", every_seconds=keeps_s)  # type: ignore[no-untyped-call]
        try:
            return self._client.buckets_api().create_bucket(
                bucket_name=bucket, org=organisations[0], retention_rules=rules
            )
        except ApiException as error:
            if "already exists" not in str(error.message):
                raise
            return self._find(bucket)  # another process was faster

    def _names(self, bucket_id: str, bucket: str) -> tuple[tuple[str, str], bool]:
        """The database and retention policy that InfluxQL knows the bucket by; made where the server has none."""
        service: Any = DBRPsService(self._client.api_client)  # type: ignore[no-untyped-call]
        mappings = service.get_dbr_ps(org=self.org, bucket_id=bucket_id).content
        if mappings:
            return (mappings[0].database, mappings[0].retention_policy), False
        wish = DBRPCreate(  # type: ignore[no-untyped-call]
            org=self.org, bucket_id=bucket_id, database=bucket, retention_policy="autogen", default=True
        )
        made = service.post_dbrp(wish)
        return (made.database, made.retention_policy), True

    @contextmanager
    def _errors(self, bucket: str) -> Iterator[None]:
        try:
            yield
        except ApiException as error:
            raise self._refusal(error, bucket) from error
        except (HTTPError, OSError) as error:
            reason = str(error).rsplit(": ", 1)[-1] or type(error).__name__
            raise OutsideError(f"{self.where} does not answer: {reason}") from error

    def _refusal(self, error: ApiException, bucket: str) -> OutsideError | SetupError:
        message = str(error.message)
        if error.status in (401, 403):
            return SetupError(
                f"{self.where} refuses the token ({message}): set INFLUX_TOKEN to one that may read and write "
                f"bucket {bucket!r} of organisation {self.org!r}"
            )
        if error.status == 404 and "organization" in message:
            return SetupError(f"{self.where} has no organisation {self.org!r}: make it, or name another")
        if error.status == 422 and "field type conflict" in message:
            return SetupError(f"{self.where}: another writer's types are in bucket {bucket!r}: {message}")
        if error.status in _BUSY:
            headers: Any = error.headers or {}
            wait_s = _wait_s(headers.get("Retry-After"), time.time())
            return BusyError(f"{self.where} answers {error.status}: {message}", wait_s)
        return OutsideError(f"{self.where} answers {error.status}: {message}")


def _keeps(bucket: Any) -> int:
    rules = [rule.every_seconds for rule in bucket.retention_rules or [] if rule.type == "expire"]
    return int(rules[0] or 0) if rules else 0


def _wait_s(text: str | None, now: float) -> float | None:
    """A Retry-After header, seconds or a date → seconds from `now` (s UTC); None where it says nothing.

    >>> _wait_s("7", 0), _wait_s("Thu, 01 Jan 1970 00:01:00 GMT", 20), _wait_s("soon", 0), _wait_s(None, 0)
    (7.0, 40.0, None, None)
    """
    if text is None:
        return None
    if re.fullmatch(r"\d{1,9}", text.strip()):
        return float(text)
    try:
        return max(0.0, email.utils.parsedate_to_datetime(text).timestamp() - now)
    except ValueError:
        return None
