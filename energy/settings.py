"""One frozen object with every setting, from arguments and CARBONWATCH_ environment variables."""

from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from energy.broker.address import Access, split_user

Count = Annotated[int, Field(ge=1)]


class Settings(BaseSettings):
    """Where the parts of one system find each other; a command line argument wins over the environment."""

    model_config = SettingsConfigDict(env_prefix="CARBONWATCH_", frozen=True, extra="ignore")

    data: Path = Path("data")
    host: str = "127.0.0.1"
    port: int = 8080
    mqtt: str = "mqtt://127.0.0.1:1883"
    mqtt_user: str | None = None
    mqtt_password: SecretStr | None = None
    mqtt_ca: Path | None = None
    mqtt_certificate: Path | None = None
    mqtt_key: Path | None = None
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
    lag_seconds: Annotated[float, Field(gt=0)] = 300.0
    lag_messages: Count = 1_000_000
    disk_free_bytes: Count = 536_870_912
    journal_bytes: Count = 107_374_182_400
    wal_bytes: Count = 1_073_741_824

    @model_validator(mode="before")
    @classmethod
    def _user_apart(cls, given: dict[str, Any]) -> dict[str, Any]:
        """An address is shown and stored; a user and password in it are settings of their own."""
        if "mqtt" not in given:
            return given
        mqtt, user, password = split_user(str(given["mqtt"]))
        apart = {"mqtt_user": user, "mqtt_password": password} if user and not given.get("mqtt_user") else {}
        return {**given, **apart, "mqtt": mqtt}

    @property
    def mqtt_access(self) -> Access:
        """What opens the broker."""
        password = self.mqtt_password.get_secret_value() if self.mqtt_password else None
        return Access(self.mqtt_user, password, self.mqtt_ca, self.mqtt_certificate, self.mqtt_key)

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
