"""The folder of a Mosquitto that carbonwatch keeps the doors of: passwords, access list, configuration, reload."""

import contextlib
import fcntl
import os
import re
import signal
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path

from deploy.mosquitto import acl, passwords
from energy.errors import SetupError

_CONFIG, _PASSWORDS, _DISABLED, _ACL, _PID = "mosquitto.conf", "passwords", "passwords.disabled", "acl", "mosquitto.pid"
_PATHS = re.compile(
    r"^(cafile|certfile|keyfile|password_file|acl_file|persistence_location|pid_file) (\S+)$", re.MULTILINE
)


class BrokerFolder:
    """Use it inside `with folder.held():`; SetupError, in one line, where the files cannot be read or written."""

    def __init__(self, path: Path) -> None:
        """Nothing is touched yet."""
        self.path = path.resolve()

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Nobody else changes the files meanwhile."""
        try:
            lock = (self.path / ".lock").open("a", encoding="utf-8")
        except OSError as error:
            raise SetupError(
                f"the broker's folder {self.path} cannot be written: {error.strerror}; "
                "make it by `carbonwatch gateway init`, or name another by --dir"
            ) from error
        with lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            try:
                yield
            except OSError as error:
                raise SetupError(f"the broker's folder {self.path}: {error}") from error

    def make(self) -> None:
        """The folder with a configuration, where there is none yet; its owner is to be whom mosquitto runs as."""
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SetupError(f"the broker's folder {self.path} cannot be made: {error.strerror}") from error
        with self.held():
            if not (self.path / _CONFIG).exists():
                shipped = (files("deploy.mosquitto") / _CONFIG).read_text(encoding="utf-8")
                self._replace(_CONFIG, _PATHS.sub(self._absolute, shipped), 0o644)
            for name in (_PASSWORDS, _DISABLED):
                if not (self.path / name).exists():
                    self._replace(name, "", 0o600)

    def users(self) -> tuple[dict[str, str], dict[str, str]]:
        """(enabled, disabled): name → hash."""
        return passwords.parse(self._read(_PASSWORDS)), passwords.parse(self._read(_DISABLED))

    def keep(self, enabled: dict[str, str], disabled: dict[str, str]) -> None:
        """Write both lists, and the access list that follows from them; a crash in between loses no name."""
        self._replace(_DISABLED, passwords.written({**self.users()[1], **disabled}), 0o600)
        self._replace(_ACL, acl.written(enabled, self._read(_ACL)), 0o600)
        self._replace(_PASSWORDS, passwords.written(enabled), 0o600)
        self._replace(_DISABLED, passwords.written(disabled), 0o600)

    def reload(self) -> str:
        """Have a running mosquitto read its files again; "" when it was told, else how to tell it."""
        how = f"tell mosquitto to read them: kill -HUP its process (there is no usable {self.path / _PID})"
        try:
            pid = int(self._read(_PID).strip())
            if "mosquitto" not in Path(f"/proc/{pid}/comm").read_text(encoding="utf-8"):
                return how
            os.kill(pid, signal.SIGHUP)
        except PermissionError:
            return f"tell mosquitto to read them, as its owner: kill -HUP {pid}"
        except (OSError, ValueError):
            return how
        return ""

    def ca(self) -> str:
        """The certificate of the authority that gateways are to trust, as PEM; "" where there is none yet."""
        return self._read("ca.crt")

    def _absolute(self, found: re.Match[str]) -> str:
        slash = "/" if found[2].endswith("/") else ""  # mosquitto joins persistence_location and the name as they are
        return f"{found[1]} {self.path / found[2]}{slash}"

    def _read(self, name: str) -> str:
        try:
            return (self.path / name).read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def _replace(self, name: str, text: str, mode: int) -> None:
        """Whole or not at all, readable by whom the folder belongs to: mosquitto drops the rights of root."""
        draft = self.path / f".{name}.new"
        file = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
        with os.fdopen(file, "w", encoding="utf-8") as out:
            os.fchmod(file, mode)
            if os.geteuid() == 0:
                owner = self.path.stat()
                os.fchown(file, owner.st_uid, owner.st_gid)
            out.write(text)
            out.flush()
            os.fsync(file)
        draft.replace(self.path / name)
