"""Where the running system is, for a command that feeds it; it may come back with other addresses after a restart."""

from pathlib import Path

from deploy.locate import locate
from energy.broker.paho import PahoBroker
from energy.client import Client
from energy.errors import SetupError
from energy.settings import Settings
from simulators.gateway import new_boot

Will = tuple[str, bytes]


class Whereabouts:
    """The system's API and broker, as found now or as known before while there is none."""

    def __init__(self, data: Path, url: str | None, mqtt: str | None) -> None:
        """SetupError when there is no system, or no broker's address."""
        self._asked = data, url, mqtt
        self.now = locate(*self._asked)
        if not self.now.mqtt:
            raise SetupError("--url needs the broker's address too: --mqtt mqtt://host:1883")

    def client(self) -> Client:
        """The API."""
        self._look()
        return self.now.client

    def broker(self, name: str, will: Will | None = None) -> PahoBroker:
        """A client of the broker, not started yet, whose session ends with it; its id begins with `name`."""
        client = f"{name}-{new_boot()}"
        return PahoBroker(self.now.mqtt, client, clean=True, will=will, access=Settings().mqtt_access)

    def moved(self, name: str) -> PahoBroker | None:
        """A client of the broker when it has another address than before."""
        before = self.now.mqtt
        self._look()
        return None if self.now.mqtt == before else self.broker(name)

    def _look(self) -> None:
        try:
            found = locate(*self._asked)
        except SetupError:
            return  # not there now: the caller's patience decides
        self.now.client.close()
        self.now = found
