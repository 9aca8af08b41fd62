"""What only InfluxDB can do to us: refuse, drop what is too old, be away, be killed."""

import socket
import time
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from energy.errors import InputError, OutsideError, SetupError
from energy.store.influx import InfluxStore
from energy.store.port import Point, Series, TooOldError
from energy.window import to_ms
from tests import neighbours
from tests.neighbours import ORG

pytestmark = pytest.mark.needs("influxdb")

M1 = Series("meter", "steel-1", "m-1")
NOW = to_ms(datetime.now(UTC))


@pytest.fixture
def bucket(influx: tuple[str, str]) -> Iterator[str]:
    """The name of a bucket that does not exist yet."""
    name = f"influx-{uuid.uuid4().hex}"
    yield name
    neighbours.drop_bucket(*influx, name)


@pytest.fixture
def http(influx: tuple[str, str]) -> Iterator[httpx.Client]:
    """The database's own API, by the all-access token."""
    with httpx.Client(base_url=influx[0], headers={"Authorization": f"Token {influx[1]}"}, timeout=30) as client:
        yield client


def make_bucket(http: httpx.Client, name: str, keep_s: int = 0) -> dict[str, Any]:
    org = http.get("/api/v2/orgs", params={"org": ORG}).json()["orgs"][0]["id"]
    rules = [{"type": "expire", "everySeconds": keep_s}]
    made = http.post("/api/v2/buckets", json={"orgID": org, "name": name, "retentionRules": rules})
    made.raise_for_status()
    return dict(made.json())


def write_raw(http: httpx.Client, bucket: str, line: str) -> None:
    http.post(
        "/api/v2/write", params={"org": ORG, "bucket": bucket, "precision": "ms"}, content=line
    ).raise_for_status()


def test_an_absent_bucket_is_made_once_and_keeps_for_ever(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    for _ in range(2):
        InfluxStore(*influx, ORG, bucket).close()
    (found,) = http.get("/api/v2/buckets", params={"name": bucket}).json()["buckets"]
    assert [rule["everySeconds"] for rule in found["retentionRules"]] == [0]


def test_several_may_make_the_bucket_at_once(influx: tuple[str, str], http: httpx.Client, bucket: str) -> None:
    with ThreadPoolExecutor(8) as pool:
        stores = list(pool.map(lambda _: InfluxStore(*influx, ORG, bucket), range(8)))
    for place, store in enumerate(stores):
        store.write([Point(M1, NOW + place, {"p_kw": 1.0})])
    assert len(stores[0].read(M1, ["p_kw"], NOW, NOW + 8)) == 8
    for store in stores:
        store.close()


def test_what_is_too_old_is_named_and_all_else_is_stored(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    make_bucket(http, bucket, keep_s=7 * 86400)
    store = InfluxStore(*influx, ORG, bucket)
    old = [Point(M1, 1_514_736_000_000 + place, {"p_kw": 1.0}) for place in range(5)]
    new = [Point(M1, NOW - place * 1000, {"p_kw": 2.0}) for place in range(12_000)]
    with pytest.raises(TooOldError, match=r"meter/steel-1/m-1 at 2017-12-31T16:00:00.*and 2 more") as caught:
        store.write([*new[:6000], *old, *new[6000:]])
    assert caught.value.reason == "too_old"
    assert sorted(caught.value.dropped) == old
    assert len(store.read(M1, ["p_kw"], 0, NOW + 1)) == len(new)
    store.close()


def test_another_writers_integers_are_the_operators_to_mend(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    store = InfluxStore(*influx, ORG, bucket)
    write_raw(http, bucket, f"meter,site=x p_kw=1i {NOW}")
    with pytest.raises(SetupError, match=r"p_kw.*is type float, already exists as type integer"):
        store.write([Point(M1, NOW, {"p_kw": 1.0})])
    store.close()


def test_other_tags_texts_and_flags_of_another_writer_do_no_harm(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    store = InfluxStore(*influx, ORG, bucket)
    store.write([Point(M1, NOW, {"p_kw": 1.0})])
    write_raw(http, bucket, f'meter,site=steel-1,meter=m-1 note="a",ok=true,count=3i {NOW}')
    assert store.at([(M1, NOW)]) == {(M1, NOW): {"p_kw": 1.0, "count": 3.0}}
    assert store.latest("meter", 0) == [Point(M1, NOW, {"p_kw": 1.0, "count": 3.0})]
    store.close()


@pytest.mark.parametrize("name", ["a\\b", "line\nend", "a\x00b"])
def test_names_that_the_protocol_cannot_carry_are_refused(influx: tuple[str, str], bucket: str, name: str) -> None:
    store = InfluxStore(*influx, ORG, bucket)
    with pytest.raises(InputError, match="bad_name"):
        store.write([Point(M1, NOW, {"p_kw": 1.0}), Point(Series("meter", "steel-1", name), NOW, {"p_kw": 1.0})])
    with pytest.raises(InputError, match="bad_time"):
        store.write([Point(M1, 2**62, {"p_kw": 1.0})])
    assert store.latest("meter", 0) == []
    store.close()


def test_a_refused_token_is_said_and_never_shown(influx: tuple[str, str], bucket: str) -> None:
    with pytest.raises(SetupError, match="set INFLUX_TOKEN") as caught:
        InfluxStore(influx[0], "a-secret-token", ORG, bucket)
    assert "a-secret-token" not in str(caught.value)
    with pytest.raises(SetupError, match="set INFLUX_TOKEN"):
        InfluxStore(influx[0], "", ORG, bucket)


def test_a_token_for_one_bucket_is_enough_where_it_exists(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    made = make_bucket(http, bucket)
    resource = {"type": "buckets", "id": made["id"], "orgID": made["orgID"]}
    rights = [{"action": action, "resource": resource} for action in ("read", "write")]
    scoped = http.post("/api/v2/authorizations", json={"orgID": made["orgID"], "permissions": rights}).json()["token"]
    store = InfluxStore(influx[0], scoped, ORG, bucket)
    store.write([Point(M1, NOW, {"p_kw": 1.0})])
    assert len(store.read(M1, ["p_kw"], NOW, NOW + 1)) == 1
    store.close()
    with pytest.raises(SetupError, match="may not make buckets"):
        InfluxStore(influx[0], scoped, ORG, bucket + "-other")


def test_an_organisation_that_is_not_there_is_said(influx: tuple[str, str], bucket: str) -> None:
    with pytest.raises(SetupError, match="no organisation 'nobody'"):
        InfluxStore(*influx, "nobody", bucket)


def test_an_address_that_is_none_is_said() -> None:
    with pytest.raises(SetupError, match="must look like"):
        InfluxStore("localhost:8086", "token", ORG, "bucket")


def test_a_bucket_with_a_mapping_of_its_own_is_read_by_it(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    made = make_bucket(http, bucket)
    wish = {"bucketID": made["id"], "orgID": made["orgID"], "database": f"db-{bucket}", "retention_policy": "years"}
    http.post("/api/v2/dbrps", json={**wish, "default": True}).raise_for_status()
    store = InfluxStore(*influx, ORG, bucket)
    store.write([Point(M1, NOW, {"p_kw": 1.0})])
    assert len(store.read(M1, ["p_kw"], NOW, NOW + 1)) == 1
    store.close()


def test_a_database_that_is_silent_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("energy.store.influx_server._TIMEOUT_MS", 300)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        began = time.monotonic()
        store = InfluxStore(f"http://127.0.0.1:{silent.getsockname()[1]}", "token", ORG, "bucket")
        with pytest.raises(OutsideError, match="does not answer"):
            store.write([Point(M1, NOW, {"p_kw": 1.0})])
        with pytest.raises(OutsideError, match="does not answer"):
            store.read(M1, ["p_kw"], 0, NOW)
        store.close()
        assert time.monotonic() - began < 5


def test_a_database_that_comes_later_is_opened_when_it_answers(tmp_path: Path) -> None:
    port = neighbours.free_port()
    store = InfluxStore(f"http://127.0.0.1:{port}", "token-of-the-tests", ORG, "readings")
    with pytest.raises(OutsideError, match="does not answer"):
        store.write([Point(M1, NOW, {"p_kw": 1.0})])
    with neighbours.influxd_in(tmp_path, port):
        assert neighbours.set_up_influx(port) == "token-of-the-tests"
        store.write([Point(M1, NOW, {"p_kw": 1.0})])
        assert store.latest("meter", NOW) == [Point(M1, NOW, {"p_kw": 1.0})]
        store.close()


def test_what_a_killed_database_took_is_there_when_it_is_back(tmp_path: Path) -> None:
    port = neighbours.free_port()
    points = [Point(M1, NOW + place, {"e_kwh": float(place)}) for place in range(6000)]
    with neighbours.influxd_in(tmp_path, port) as process:
        store = InfluxStore(f"http://127.0.0.1:{port}", neighbours.set_up_influx(port), ORG, "readings")
        store.write(points)
        process.kill()
        process.wait()
        with pytest.raises(OutsideError, match="does not answer"):
            store.write(points)
        with pytest.raises(OutsideError, match="does not answer"):
            store.latest("meter", 0)
    with neighbours.influxd_in(tmp_path, port):
        assert store.read(M1, ["e_kwh"], NOW, NOW + 6000).values["e_kwh"].tolist() == [float(n) for n in range(6000)]
        store.write(points)
        store.close()


def test_what_another_writers_types_refuse_leaves_the_rest_stored_and_is_no_age(
    influx: tuple[str, str], http: httpx.Client, bucket: str
) -> None:
    make_bucket(http, bucket, keep_s=7 * 86400)
    write_raw(http, bucket, f"meter,site=x p_kw=1i {NOW}")
    store = InfluxStore(*influx, ORG, bucket)
    old, other = Point(M1, NOW - 30 * 86_400_000, {"pf": 1.0}), Point(M1, NOW, {"pf": 0.9})
    with pytest.raises(SetupError, match="another writer's types"):
        store.write([old, Point(M1, NOW, {"p_kw": 1.0}), other])
    assert store.at([(M1, NOW)]) == {(M1, NOW): {"pf": 0.9}}
    store.close()


def test_what_is_sent_elsewhere_is_compressed_and_the_same(
    influx: tuple[str, str], bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("energy.store.influx_server._HERE", ())
    store = InfluxStore(*influx, ORG, bucket)
    points = [Point(M1, NOW + place, {"一 p": place / 7}) for place in range(6000)]
    store.write(points)
    assert store.read(M1, ["一 p"], NOW, NOW + 6000).values["一 p"].tolist() == [n / 7 for n in range(6000)]
    store.close()
