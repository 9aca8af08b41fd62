"""A whole system on a broker with TLS, user and password: it works, and the password is nowhere to be seen."""

import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from deploy.commands.analytics import analytics
from deploy.commands.up import up
from energy.errors import SetupError
from tests import neighbours
from tests.certificates import make_certificates
from tests.contract.brokers import wait
from tests.system import descendants, running_system

SECRET = "s3cret-of-the-tests"


@pytest.mark.needs("mosquitto", "openssl")
def test_it_runs_and_no_process_file_or_answer_shows_the_password(tmp_path: Path) -> None:
    certificates = make_certificates(tmp_path / "certificates")
    users = tmp_path / "users"
    tool = neighbours.find("mosquitto_passwd")
    assert tool is not None
    subprocess.run([tool, "-b", "-c", str(users), "plant", SECRET], check=True, capture_output=True)
    pair = certificates.server
    settings = f"allow_anonymous false\npassword_file {users}\ncertfile {pair.certificate}\nkeyfile {pair.key}"
    with neighbours.mosquitto(settings=settings) as port:
        data = tmp_path / "data"
        door = ("--mqtt", f"mqtts://127.0.0.1:{port}", "--mqtt-user", "plant", "--mqtt-ca", str(certificates.ca))
        with running_system(data, "--demo", *door, CARBONWATCH_MQTT_PASSWORD=SECRET) as system:
            parts = system.client.health()["parts"]
            assert system.mqtt == f"mqtts://127.0.0.1:{port}"
            assert SECRET not in str(parts)
            wait(lambda: bool(system.client.sites()), 60)  # which the demo registers, and feeds by the same broker
            wait(lambda: any(meter.get("latest") for meter in system.client.meters()), 60)
            for pid, _ in [*descendants(system.process.pid), (system.process.pid, "")]:
                assert SECRET.encode() not in Path(f"/proc/{pid}/cmdline").read_bytes()
        for file in [*data.rglob("*"), system.log]:
            assert not file.is_file() or SECRET.encode() not in file.read_bytes(), file


@pytest.mark.parametrize("command", [up, analytics])
def test_a_password_on_the_command_line_is_refused_and_not_repeated(command: object, tmp_path: Path) -> None:
    assert command in (up, analytics)
    done = CliRunner().invoke(
        up if command is up else analytics, ["--data", str(tmp_path / "d"), "--mqtt", f"mqtt://plant:{SECRET}@h"]
    )
    assert isinstance(done.exception, SetupError)
    assert "CARBONWATCH_MQTT_PASSWORD" in str(done.exception)
    assert SECRET not in str(done.exception) + done.output
