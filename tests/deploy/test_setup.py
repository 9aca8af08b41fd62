"""`carbonwatch setup` on a real InfluxDB: it makes what is absent, once, and takes nothing away."""

import json
from collections.abc import Callable, Iterator

import httpx
import pytest
from click.testing import CliRunner, Result

from deploy.commands.setup import setup
from energy.errors import OutsideError, SetupError
from tests import neighbours
from tests.neighbours import ORG

pytestmark = pytest.mark.needs("influxdb")

Run = Callable[..., Result]


@pytest.fixture(scope="module")
def influx() -> Iterator[tuple[str, str]]:
    with neighbours.influxd() as address:
        yield address


@pytest.fixture
def http(influx: tuple[str, str]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=influx[0], headers={"Authorization": f"Token {influx[1]}"}, timeout=30) as client:
        yield client


@pytest.fixture
def run(influx: tuple[str, str], request: pytest.FixtureRequest) -> Iterator[Run]:
    """Runs `setup --bucket B` for a bucket of the test's own."""
    bucket = f"setup-{abs(hash(request.node.name))}"

    def call(*more: str, token: str = influx[1], org: str = ORG) -> Result:
        arguments = ["--influx", influx[0], "--org", org, "--bucket", bucket, "--format", "json", *more]
        return CliRunner().invoke(setup, arguments, env={"INFLUX_TOKEN": token})

    yield call
    neighbours.drop_bucket(*influx, bucket)


def said(result: Result) -> dict[str, tuple[str, str]]:
    """What → (is, done)."""
    assert result.exit_code == 0, result.output
    return {row["what"]: (row["is"], row["done"]) for row in json.loads(result.stdout)}


def rules(http: httpx.Client, bucket: str) -> list[int]:
    (found,) = http.get("/api/v2/buckets", params={"name": bucket, "org": ORG}).json()["buckets"]
    return [rule["everySeconds"] for rule in found["retentionRules"]]


def test_it_makes_the_bucket_for_ever_and_a_second_time_nothing(run: Run, http: httpx.Client) -> None:
    first, second = said(run()), said(run())
    bucket = first["bucket"][0]
    assert first["bucket"] == (bucket, "made")
    assert second["bucket"] == (bucket, "was there")
    assert first["retention"] == ("for ever", "made")
    assert second["retention"] == ("for ever", "was there")
    assert second["InfluxQL"] == (f"{bucket}/autogen", "was there")
    assert second["token may read"] == second["token may write"] == ("yes", "checked")
    assert rules(http, bucket) == [0]


def test_a_retention_is_made_longer_and_never_shorter(run: Run, http: httpx.Client) -> None:
    bucket, _ = said(run("--retention", "30d"))["bucket"]
    assert rules(http, bucket) == [30 * 86_400]
    assert said(run())["retention"] == ("for 30 d", "was there")
    assert said(run("--retention", "90d"))["retention"] == ("for 90 d", "changed, was for 30 d")
    assert rules(http, bucket) == [90 * 86_400]
    shorter = run("--retention", "30d")
    assert isinstance(shorter.exception, SetupError)
    assert "never" in str(shorter.exception)
    assert said(run("--retention", "forever"))["retention"] == ("for ever", "changed, was for 90 d")
    assert isinstance(run("--retention", "90d").exception, SetupError)
    assert rules(http, bucket) == [0]


def test_a_token_that_may_too_little_is_said(run: Run, http: httpx.Client) -> None:
    bucket, _ = said(run())["bucket"]
    (made,) = http.get("/api/v2/buckets", params={"name": bucket, "org": ORG}).json()["buckets"]
    resource = {"type": "buckets", "id": made["id"], "orgID": made["orgID"]}

    def token(*actions: str) -> str:
        rights = [{"action": action, "resource": resource} for action in actions]
        wish = {"orgID": made["orgID"], "permissions": rights}
        return str(http.post("/api/v2/authorizations", json=wish).json()["token"])

    assert said(run(token=token("read", "write")))["token may write"] == ("yes", "checked")
    reader = run(token=token("read"))
    assert reader.exit_code == 1
    assert "MISSING" in reader.stdout
    assert "give it read and write" in reader.output
    assert isinstance(run(token=token("write")).exception, SetupError)


def test_what_is_wrong_is_said(run: Run) -> None:
    for result, text in (
        (run(token=""), "INFLUX_TOKEN"),
        (run(token="wrong-secret"), "refuses the token"),
        (run(org="nobody"), "no organisation 'nobody'"),
        (run("--retention", "59min"), "less than an hour"),
        (run("--influx", "localhost"), "must look like"),
    ):
        assert isinstance(result.exception, SetupError)
        assert text in str(result.exception)
        assert "wrong-secret" not in str(result.exception)
    away = run("--influx", f"http://127.0.0.1:{neighbours.free_port()}")
    assert isinstance(away.exception, OutsideError)
