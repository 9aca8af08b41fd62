"""A broker's doors: TLS, our certificate, user and password; who is refused is told, and does not hammer."""

import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from deploy import adapters
from energy.broker.address import Access
from energy.broker.paho import PahoBroker
from energy.errors import SetupError
from tests import neighbours
from tests.certificates import Certificates, make_certificates
from tests.contract.brokers import Inbox, rest, wait
from tests.proxy import proxy

TOPIC = "ecm/v1/steel-1/gw-1/telemetry"
SECRET = "s3cret-of-the-tests"


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def guarded(certificates: Certificates) -> Iterator[str]:
    """The address of a broker that asks for a certificate of the authority."""
    settings = f"allow_anonymous true\n{_tls(certificates)}\nrequire_certificate true\ncafile {certificates.ca}"
    with neighbours.mosquitto(settings=settings) as port:
        yield f"mqtts://127.0.0.1:{port}"


@pytest.fixture(scope="module")
def locked(tmp_path_factory: pytest.TempPathFactory) -> Iterator[int]:
    """The port of a broker that asks for a user and password."""
    file = tmp_path_factory.mktemp("users") / "users"
    tool = neighbours.find("mosquitto_passwd")
    assert tool is not None
    subprocess.run([tool, "-b", "-c", str(file), "plant", SECRET], check=True, capture_output=True)
    with neighbours.mosquitto(settings=f"allow_anonymous false\npassword_file {file}") as port:
        yield port


def _tls(certificates: Certificates) -> str:
    return f"certfile {certificates.server.certificate}\nkeyfile {certificates.server.key}"


@contextmanager
def started(url: str, name: str, access: Access, inbox: Inbox | None = None) -> Iterator[PahoBroker]:
    broker = PahoBroker(url, name, access=access)
    if inbox is not None:
        inbox.broker = broker
    broker.start(("ecm/#",) if inbox is not None else (), inbox.take if inbox is not None else None)
    try:
        yield broker
    finally:
        broker.stop()


def mine(certificates: Certificates) -> Access:
    return Access(
        ca=certificates.ca, certificate=certificates.client.certificate, key=certificates.client.key
    )  # fmt: skip


@pytest.mark.needs("mosquitto", "openssl")
def test_by_tls_and_certificate_a_thousand_messages_arrive_in_order(guarded: str, certificates: Certificates) -> None:
    inbox, access = Inbox(), mine(certificates)
    with started(guarded, "taker", access, inbox) as taker, started(guarded, "giver", access) as giver:
        wait(lambda: taker.connected and giver.connected)
        rest(0.1)
        large = bytes(range(256)) * 1_000
        for n in range(1_000):
            assert giver.publish(TOPIC, b"%d" % n)
        giver.publish(TOPIC, large)
        wait(lambda: len(inbox) == 1_001)
        assert inbox == [*(b"%d" % n for n in range(1_000)), large]
        assert taker.version == "5"


@pytest.mark.needs("mosquitto", "openssl")
def test_a_certificate_that_is_none_of_theirs_is_refused(guarded: str, certificates: Certificates) -> None:
    stranger = Access(ca=certificates.ca, certificate=certificates.stranger.certificate, key=certificates.stranger.key)
    for access in (stranger, Access(ca=certificates.ca)):
        with started(guarded, "taker", access) as broker:
            wait(lambda: broker.trouble != "")
            assert "hangs up before it has let us in: [SSL" in broker.trouble
            assert not broker.connected


@pytest.mark.needs("mosquitto", "openssl")
def test_a_broker_that_we_do_not_believe_gets_no_word(guarded: str, certificates: Certificates) -> None:
    port = int(guarded.rpartition(":")[2])
    with started(guarded, "taker", Access(user="plant", password=SECRET)) as broker:
        wait(lambda: "does not answer" in broker.trouble)
        assert "certificate verify failed" in broker.trouble
    with started(f"mqtts://127.0.0.2:{port}", "taker", mine(certificates)) as broker:
        wait(lambda: "does not answer" in broker.trouble)
        assert not broker.connected


@pytest.mark.needs("mosquitto", "openssl")
def test_the_name_in_the_certificate_must_be_the_hosts(certificates: Certificates) -> None:
    access = Access(ca=certificates.ca)
    with neighbours.mosquitto(settings=f"allow_anonymous true\n{_tls(certificates)}") as port:
        with started(f"mqtts://localhost:{port}", "taker", access) as broker:
            wait(lambda: broker.connected)
        with started(f"mqtts://ip6-localhost.localhost:{port}", "taker", access) as broker:
            wait(lambda: "does not answer" in broker.trouble)
            assert not broker.connected


@pytest.mark.needs("mosquitto")
def test_user_and_password_open_and_may_stand_in_the_address(locked: int) -> None:
    for url, access in (
        (f"mqtt://127.0.0.1:{locked}", Access(user="plant", password=SECRET)),
        (f"mqtt://plant:{SECRET}@127.0.0.1:{locked}", Access()),
        (f"mqtt://plant:wrong@127.0.0.1:{locked}", Access(user="plant", password=SECRET)),
    ):
        with started(url, "taker", access) as broker:
            wait(lambda: broker.connected)
            assert broker.trouble == ""


@pytest.mark.needs("mosquitto")
def test_a_wrong_password_is_told_and_not_hammered(locked: int, caplog: pytest.LogCaptureFixture) -> None:
    with proxy(locked) as way:
        access = Access(user="plant", password="wrong-" + SECRET)
        with started(f"mqtt://127.0.0.1:{way.port}", "taker", access) as broker:
            wait(lambda: "refuses us: Not authorized" in broker.trouble)
            rest(3.0)
            assert not broker.connected
            assert len(way.connections) == 1
            began = time.monotonic()
        assert time.monotonic() - began < 2
    assert "refuses us" in caplog.text
    assert SECRET not in caplog.text + repr(access) + repr(broker._address) + broker.trouble


@pytest.mark.needs("openssl")
def test_what_cannot_be_used_is_said_before_anything_is_sent(certificates: Certificates, tmp_path: Path) -> None:
    pair, other = certificates.client, certificates.server
    locked = tmp_path / "locked.key"
    tool = neighbours.find("openssl")
    assert tool is not None
    subprocess.run(
        [tool, "ec", "-in", str(pair.key), "-aes256", "-passout", "pass:x", "-out", str(locked)],
        check=True, capture_output=True,
    )  # fmt: skip
    for url, access, said in (
        ("mqtts://h", Access(ca=tmp_path / "absent.pem"), "absent.pem: No such file"),
        ("mqtts://h", Access(ca=pair.key), "must be PEM files"),
        ("mqtts://h", Access(certificate=pair.certificate, key=other.key), "key values mismatch"),
        ("mqtts://h", Access(certificate=pair.certificate, key=locked), "without a password"),
        ("mqtts://h", Access(key=pair.key), "needs its certificate"),
        ("mqtt://h", Access(ca=certificates.ca), "begins with mqtts://"),
        ("mqtt://h", Access(password=SECRET), "needs a user"),
    ):
        with pytest.raises(SetupError) as caught:
            PahoBroker(url, "x", access=access)
        assert said in str(caught.value)
        assert SECRET not in str(caught.value)


def test_settings_take_a_password_out_of_the_address(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CARBONWATCH_MQTT", f"mqtts://plant:{SECRET}@broker:8883")
    settings = adapters.settings()
    assert settings.mqtt == "mqtts://broker:8883"
    assert SECRET not in repr(settings) + str(settings) + repr(settings.mqtt_access)
    assert settings.mqtt_access == Access(user="plant", password=SECRET)
    told = adapters.environment(settings)
    assert told == {"CARBONWATCH_MQTT_USER": "plant", "CARBONWATCH_MQTT_PASSWORD": SECRET}
    for name, value in told.items():
        monkeypatch.setenv(name, value)
    assert adapters.settings(mqtt="mqtts://broker:8883").mqtt_access == settings.mqtt_access
