"""The neighbours beside the broker: clocks, InfluxDB with its retention, PostgreSQL with what its commits are worth."""

import time
from collections.abc import Iterator
from datetime import date
from email.utils import parsedate_to_datetime
from typing import Any

import httpx
from sqlalchemy import create_engine, func, select, text
from sqlalchemy.exc import SQLAlchemyError

from deploy.doctor.finding import Finding, fail, ok, warn
from energy.books.open import parse
from energy.errors import OutsideError
from energy.journal import JournalReader, workers
from energy.settings import Settings

_TIMEOUT_S = 5.0
_SKEW_WARN_S, _SKEW_FAIL_S = 3.0, 60.0  # an HTTP date has whole seconds
_SETTINGS = ("synchronous_commit", "fsync", "full_page_writes")


def look(settings: Settings, api: str | None) -> Iterator[Finding]:
    """Every check; `api` is the address of the running API, None where there is none."""
    if api is None:
        yield warn("API", f"no system runs on {settings.data}", "start one with `carbonwatch up`")
    else:
        yield _clock("API", f"{api}/api/v1/health")
    yield from _influx(settings)
    yield from _postgresql(settings)


def _clock(name: str, url: str) -> Finding:
    """How far another's clock is from ours, by the Date of an answer."""
    try:
        before = time.time()
        answer = httpx.get(url, timeout=_TIMEOUT_S)
        here = (before + time.time()) / 2
        there = parsedate_to_datetime(answer.headers["date"]).timestamp() + 0.5
    except (httpx.HTTPError, KeyError, ValueError) as error:
        return fail(f"{name} clock", f"{url} does not answer with a date: {error}", "start it")
    return _skew(name, there - here)


def _skew(name: str, by: float) -> Finding:
    said = f"{abs(by):.1f} s {'ahead of' if by > 0 else 'behind'} this machine"
    if abs(by) > _SKEW_FAIL_S:
        return fail(f"{name} clock", said, "set both by NTP", skew_s=round(by, 1))
    if abs(by) > _SKEW_WARN_S:
        return warn(f"{name} clock", said, "set both by NTP", skew_s=round(by, 1))
    return ok(f"{name} clock", "the same as this machine's, to the second", skew_s=round(by, 1))


def _influx(settings: Settings) -> Iterator[Finding]:
    if settings.influx is None:
        yield ok("retention", "the embedded store keeps everything")
        return
    yield _clock("InfluxDB", f"{settings.influx.rstrip('/')}/health")
    token = settings.influx_token.get_secret_value() if settings.influx_token else ""
    try:
        with httpx.Client(
            base_url=settings.influx, headers={"Authorization": f"Token {token}"}, timeout=_TIMEOUT_S
        ) as api:
            version = str(api.get("/health").json().get("version", "unknown"))
            ask = {"name": settings.influx_bucket, "org": settings.influx_org}
            answer = api.get("/api/v2/buckets", params=ask)
    except (httpx.HTTPError, ValueError) as error:
        yield fail("InfluxDB", f"it does not answer: {error}", "start it, or give its address by --influx")
        return
    buckets = answer.json().get("buckets", []) if answer.is_success else []
    if not buckets:
        said = f"{version}: HTTP {answer.status_code}, no bucket {settings.influx_bucket!r} is open to us"
        yield fail("InfluxDB", said, "check INFLUX_TOKEN, organisation and bucket", version=version)
        return
    yield ok("InfluxDB", f"{version}, bucket {settings.influx_bucket!r} is there", version=version)
    yield _retention(settings, buckets[0])


def _retention(settings: Settings, bucket: dict[str, Any]) -> Finding:
    """A store that forgets what the journal has cannot be rebuilt, and refuses what comes late."""
    keeps = min((rule["everySeconds"] for rule in bucket.get("retentionRules", []) if rule["everySeconds"]), default=0)
    first = min((day for worker in workers(settings.journal)
                 for day in JournalReader(settings.journal, worker).days()), default="")  # fmt: skip
    if keeps == 0:
        return ok("retention", "the bucket keeps everything", keeps_s=0)
    spans = (date.today() - date.fromisoformat(first)).days * 86_400 if first else 0
    said = f"the bucket keeps {keeps / 86_400:g} days"
    if spans > keeps:
        return warn("retention", f"{said}, the journal has {spans // 86_400}: what is older is refused as too_old",
                    "a bucket with unlimited retention", keeps_s=keeps, journal_s=spans)  # fmt: skip
    return warn("retention", f"{said}: what comes later than that is refused as too_old",
                "a bucket with unlimited retention", keeps_s=keeps, journal_s=spans)  # fmt: skip


def _postgresql(settings: Settings) -> Iterator[Finding]:
    """What a commit of ours is worth there."""
    if settings.books is None:
        return
    url = parse(settings.books.get_secret_value())
    if url.get_backend_name() != "postgresql":
        return
    # Our own connections set it on, unless the address has options of its own.
    ours = {} if "options" in url.query else {"options": "-c synchronous_commit=on"}
    engine = create_engine(url, hide_parameters=True, connect_args={"connect_timeout": int(_TIMEOUT_S), **ours})
    try:
        with engine.connect() as db:
            said = {name: str(db.execute(select(func.current_setting(name))).scalar()) for name in _SETTINGS}
            version, there = str(db.execute(text("SHOW server_version")).scalar()), db.execute(text(
                "SELECT extract(epoch FROM clock_timestamp())")).scalar_one()  # fmt: skip
            here = time.time()
    except (SQLAlchemyError, OutsideError) as error:
        yield fail("PostgreSQL", f"it does not answer: {getattr(error, 'orig', None) or error}", "start it")
        return
    finally:
        engine.dispose()
    off = [name for name, value in said.items() if value in ("off", "local")]
    if off:
        yield fail("PostgreSQL", f"{version}: {', '.join(off)} off: a commit that was answered may be lost",
                   "switch it on for this database", version=version, **said)  # fmt: skip
    else:
        yield ok("PostgreSQL", f"{version}: commits are durable when they are answered", version=version, **said)
    yield _skew("PostgreSQL", float(there) - here)
