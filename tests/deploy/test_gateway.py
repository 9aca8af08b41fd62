"""Gateways are let in and shut out at a real Mosquitto with TLS, by the documents' own commands."""

import json
import os
import stat
import subprocess
from base64 import b64decode
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from deploy.mosquitto import passwords
from energy.client import Client
from tests import neighbours
from tests.api.served import KEY, Served, fill, served
from tests.contract.brokers import rest, wait
from tests.deploy.broker_folder import Device, device, make_certificates, mosquitto_in
from tests.system import COMMAND, plain_environment

pytestmark = pytest.mark.needs("mosquitto")


@dataclass(frozen=True, slots=True)
class Site:
    """A served system, a running Mosquitto, and the command that stands between them."""

    one: Served
    folder: Path
    port: int
    service: dict[str, Any]

    def run(self, *words: str, status: int = 0) -> str:
        """`carbonwatch gateway …`; what it prints, or what it complains of where it is to fail."""
        return run(self.one, self.folder, *words, status=status)

    def settings(self, *words: str) -> dict[str, Any]:
        """What it prints as JSON."""
        return dict(json.loads(self.run(*words, "--format", "json")))

    @contextmanager
    def device(self, given: dict[str, Any], *topics: str) -> Iterator[Device]:
        """A client with these settings."""
        made = device(self.folder, self.port, given["user"], given["password"], *topics)
        try:
            yield made
        finally:
            made.close()

    def gets_in(self, given: dict[str, Any]) -> bool:
        """Whether the broker lets these settings in."""
        with self.device(given) as made:
            return made.up.is_set()


def run(one: Served, folder: Path, *words: str, status: int = 0) -> str:
    """The command with the served system's address; AssertionError for another exit code."""
    where = [] if words[0] == "init" else ["--url", one.url]
    env = {**plain_environment(), "CARBONWATCH_KEY": KEY}
    done = subprocess.run([COMMAND, "gateway", *words, *where, "--dir", str(folder)], env=env, capture_output=True,
                          text=True, check=False)  # fmt: skip
    assert done.returncode == status, done.stdout + done.stderr
    return done.stderr if status else done.stdout


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """A system of the tests' known world, and a Mosquitto set up as the page says."""
    place = tmp_path_factory.mktemp("gateway")
    with served(place) as one:
        fill(one)
        folder = place / "mosquitto"
        service = json.loads(run(one, folder, "init", "--format", "json"))
        make_certificates(folder)
        with mosquitto_in(folder) as port:
            yield Site(one, folder, port, service)


def modes(folder: Path) -> set[int]:
    return {stat.S_IMODE((folder / name).stat().st_mode) for name in ("passwords", "passwords.disabled", "acl")}


def test_a_gateway_publishes_under_its_own_name_only_and_reads_its_own_receipts_only(site: Site) -> None:
    one, two = (site.settings("add", "--site", "steel-1", "--name", name) for name in ("a-1", "a-2"))
    assert (one["client_id"], one["port"]) == ("a-1@steel-1", 8883)
    assert "BEGIN CERTIFICATE" in one["ca_pem"]
    own = ["ecm/v1/steel-1/a-1/telemetry", "ecm/v1/steel-1/a-1/death", "spBv1.0/steel-1/DDATA/a-1/m-1"]
    others = ["ecm/v1/steel-1/a-2/telemetry", "ecm/v1/dc-1/a-1/telemetry", "ecm/v1/steel-1/a-1/receipt",
              "ecm/v1/steel-1/a-1/telemetry/x", "spBv1.0/steel-1/NCMD/a-1", "spBv1.0/steel-1/DDATA/a-2/m-1",
              "carbonwatch/doctor/x", "x"]  # fmt: skip
    assert set(own) - set(one["publish"]) == {"spBv1.0/steel-1/DDATA/a-1/m-1"}, "that one stands there with a +"
    with (
        site.device(site.service, "ecm/#", "spBv1.0/#") as ingest,
        site.device(one, "#", "ecm/#") as first,
        site.device(two, *two["receive"]) as second,
    ):
        assert {first.publish(topic) for topic in others} == {"Not authorized"}
        assert {first.publish(topic) for topic in own} == {"Success"}
        wait(lambda: len(ingest.got) == len(own))
        for name in ("a-1", "a-2"):
            ingest.publish(f"ecm/v1/steel-1/{name}/receipt", name.encode())
        wait(lambda: len(first.got) >= 1 and len(second.got) >= 1)
        rest()
        assert [topic for topic, _ in ingest.got if not topic.endswith("/receipt")] == own
        assert set(first.got) == {("ecm/v1/steel-1/a-1/receipt", b"a-1")}
        assert second.got == [("ecm/v1/steel-1/a-2/receipt", b"a-2")]


def test_a_password_is_hashed_as_mosquitto_does_and_stands_nowhere_else(site: Site) -> None:
    given = site.settings("add", "--site", "steel-1", "--name", "b-1")
    kept = passwords.parse((site.folder / "passwords").read_text("utf-8"))["b-1@steel-1"]
    salt = b64decode(kept.split("$")[3])
    assert passwords.hashed(given["password"], salt) == kept
    assert passwords.hashed(given["password"]) != kept, "a salt of its own each time"
    for path in site.folder.rglob("*"):
        if path.is_file():
            assert given["password"].encode() not in path.read_bytes(), path
    assert modes(site.folder) == {0o600}
    assert site.run("list").count(" here") >= 1
    theirs = site.folder / "theirs"
    subprocess.run([neighbours.find("mosquitto_passwd") or "", "-c", "-b", str(theirs), "u", "secret"], check=True)
    said = passwords.parse(theirs.read_text("utf-8"))["u"]
    assert passwords.hashed("secret", b64decode(said.split("$")[3])) == said
    theirs.unlink()


def test_rotated_disabled_enabled_and_removed_it_is_in_or_out_at_once(site: Site) -> None:
    place = ("--site", "dc-1", "--name", "c-1")
    first = site.settings("add", *place)
    assert site.gets_in(first)
    assert "has a password already" in site.run("add", *place, status=2)
    second = site.settings("rotate", *place)
    wait(lambda: not site.gets_in(first), 10)
    with site.device(second) as open_line:
        assert open_line.up.is_set()
        open_line.client.reconnect_delay_set(60, 60)
        site.run("disable", *place)
        wait(lambda: not open_line.up.is_set(), 10)
    assert not site.gets_in(second)
    assert "no password here that is in use" in site.run("rotate", *place, status=2)
    site.run("enable", *place)
    wait(lambda: site.gets_in(second), 10)
    assert "takes every one" in site.run("remove", *place)
    wait(lambda: not site.gets_in(second), 10)
    assert "c-1" not in (site.folder / "acl").read_text("utf-8")


def test_every_change_is_on_record_and_none_with_a_password(site: Site) -> None:
    place = ("--site", "berlin-1", "--name", "d-1")
    given = [site.settings("add", *place), site.settings("rotate", *place)]
    for word in ("disable", "enable", "remove"):
        site.run(word, *place)
    with closing(Client(site.one.url, KEY)) as client:
        record = [entry for entry in client.audit(site="berlin-1") if entry["action"].startswith("gateway.")]
    actions = [entry["action"] for entry in reversed(record)]
    assert actions == ["gateway.put"] * 4 + ["gateway.remove"]
    states = [entry["after"] and entry["after"]["enabled"] for entry in reversed(record)]
    assert states == [True, True, False, True, None]
    credentials = [entry["after"]["credential"] for entry in reversed(record) if entry["after"]]
    assert len(set(credentials[:2])) == 2
    assert not any(one["password"] in str(record) for one in given)


def test_what_is_wrong_is_said_in_one_line_and_changes_nothing(site: Site, tmp_path: Path) -> None:
    before = (site.folder / "passwords").read_bytes()
    assert "no site" in site.run("add", "--site", "none-1", "--name", "g", status=2)
    assert "bad_name" in site.run("add", "--site", "steel-1", "--name", "a/b", status=2)
    assert "not_found" in site.run("disable", "--site", "steel-1", "--name", "nobody", status=2)
    assert "gateway init" in run(site.one, tmp_path / "nowhere", "add", "--site", "steel-1", "--name", "g", status=2)
    assert (site.folder / "passwords").read_bytes() == before


def test_where_mosquitto_cannot_be_told_it_says_how(site: Site, tmp_path: Path) -> None:
    run(site.one, tmp_path / "m", "init")
    (tmp_path / "m" / "mosquitto.pid").write_text(f"{os.getpid()}\n")  # a process that is no mosquitto gets no signal
    said = run(site.one, tmp_path / "m", "add", "--site", "steel-1", "--name", "e-1")
    assert "kill -HUP" in said


def test_rules_of_ones_own_stay_in_the_access_list(site: Site) -> None:
    path = site.folder / "acl"
    text = path.read_text("utf-8")
    path.write_text(f"user me\ntopic read x/#\n\n{text}\nuser you\ntopic read y/#\n", "utf-8")
    site.run("add", "--site", "steel-1", "--name", "f-1")
    after = path.read_text("utf-8")
    assert after.startswith("user me\ntopic read x/#\n\n# carbonwatch: begin")
    assert after.endswith("user you\ntopic read y/#\n")
    assert after.count("user f-1@steel-1\n") == after.count("user carbonwatch\n") == 1
