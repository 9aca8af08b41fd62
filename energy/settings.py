"""One frozen object with every setting, from arguments and CARBONWATCH_ environment variables."""

from pathlib import Path

from pydantic import SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Where the parts of one system find each other; a command line argument wins over the environment."""

    model_config = SettingsConfigDict(env_prefix="CARBONWATCH_", frozen=True, extra="ignore")

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    mqtt: str = "mqtt://127.0.0.1:1883"
    influx: str | None = None
    influx_token: SecretStr | None = None
    influx_org: str = "carbonwatch"
    influx_bucket: str = "carbonwatch"

    @property
    def readings_db(self) -> Path:
        """The embedded store of readings; ingest alone writes it."""
        return self.data / "readings.db"

    @property
    def accounts_db(self) -> Path:
        """The embedded store of windows (energy, PUE); analytics alone writes it."""
        return self.data / "accounts.db"

    @property
    def books_db(self) -> Path:
        """The books: registry, alerts, quarantine, ledger; short transactions from every part."""
        return self.data / "books.db"

    @property
    def journal(self) -> Path:
        """The folder of the journal's day files."""
        return self.data / "journal"

    @property
    def key_file(self) -> Path:
        """The local admin key, mode 600."""
        return self.data / "admin.key"

    @property
    def running_file(self) -> Path:
        """Where a running system says its addresses."""
        return self.data / "running.json"
