"""Where the system is that a replay plays into; it may come back with other addresses after a restart."""

from pathlib import Path

from deploy.locate import locate
from energy.broker.paho import PahoBroker
from energy.client import Client
from energy.errors import SetupError
from energy.settings import Settings
from simulators.gateway import new_boot


class Where:
    """A running system, looked for again when it is asked for."""

    def __init__(self, data: Path, url: str | None, mqtt: str | None) -> None:
        """SetupError when there is none, or its broker's address is not known."""
        self._asked = data, url, mqtt
        self.now = locate(*self._asked)
        if not self.now.mqtt:
            raise SetupError("--url needs the broker's address too: --mqtt mqtt://host:1883")

    def client(self) -> Client:
        """The API as found now, or as known before while there is none."""
        self._look()
        return self.now.client

    def broker(self) -> PahoBroker:
        """A client of the broker, not started yet."""
        return PahoBroker(self.now.mqtt, f"replay-{new_boot()}", clean=True, access=Settings().mqtt_access)

    def moved(self) -> PahoBroker | None:
        """A client of the broker when its address is another than before."""
        before = self.now.mqtt
        self._look()
        return None if self.now.mqtt == before else self.broker()

    def _look(self) -> None:
        try:
            found = locate(*self._asked)
        except SetupError:
            return  # not there now: the caller's patience decides
        self.now.client.close()
        self.now = found
