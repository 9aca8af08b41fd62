"""One frozen object with every setting, from arguments and CARBONWATCH_ environment variables."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Where the parts of one system find each other; a command line argument wins over the environment."""

    model_config = SettingsConfigDict(env_prefix="CARBONWATCH_", frozen=True, extra="ignore")

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    mqtt: str = "mqtt://127.0.0.1:1883"
    books: SecretStr | None = None
    influx: str | None = None
    influx_token: SecretStr | None = None
    influx_org: str = "carbonwatch"
    influx_bucket: str = "carbonwatch"
    public_url: str | None = None
    names: str | None = None
    proxies: str | None = None
    requests_per_minute: Count = 1200
    sign_ins_per_minute: Count = 10
    streams_per_holder: Count = 20
    body_bytes: Count = 1_048_576
    answer_seconds: Annotated[float, Field(gt=0)] = 30.0

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
        """Where the books are without `books`: registry, alerts, quarantine, ledger; written by every part."""
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
