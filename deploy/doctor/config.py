"""What a Mosquitto's configuration file says of persistence, limits and doors."""

import stat
from collections.abc import Iterator
from pathlib import Path

from deploy.doctor.finding import Finding, fail, ok, warn
from energy.errors import SetupError

_LONG_S = 60
_LOOPBACK = ("127.0.0.1", "localhost", "::1")
_SECRETS = ("keyfile", "password_file", "acl_file")
Words = list[tuple[str, str]]


def parse(path: Path) -> Words:
    """The settings in their order, as (name, value); SetupError when the file cannot be read."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise SetupError(f"--config {path} cannot be read: {error}") from error
    said = (line.strip().partition(" ") for line in lines)
    return [(name, value.strip()) for name, _, value in said if name and not name.startswith("#")]


def look(path: Path) -> Iterator[Finding]:
    """Every check of a configuration file."""
    words = parse(path)
    said = dict(words)
    yield _persistence(said)
    yield _number(said, "max_queued_messages", 1000, 0)
    yield _number(said, "max_queued_bytes", 0, 0)
    yield _number(said, "max_inflight_messages", 20, 200)
    yield _listeners(words)
    yield _files(path.parent, words)


def _persistence(said: dict[str, str]) -> Finding:
    saved, every = said.get("persistence") == "true", said.get("autosave_interval", "1800")
    if not saved:
        return fail("persistence", "a broker that ends forgets every session and all that waits", "persistence true")
    if said.get("autosave_on_changes") == "true":
        return ok("persistence", f"saved after every {every} changes")
    if not every.isdecimal() or int(every) == 0 or int(every) > _LONG_S:
        return warn("persistence", f"saved each {every} s (0: only at its end): what came since is lost with a kill",
                    "autosave_interval 5", autosave_s=every)  # fmt: skip
    return ok("persistence", f"saved each {every} s", autosave_s=int(every))


def _number(said: dict[str, str], name: str, default: int, least: int) -> Finding:
    """0 is no limit; `least` 0: any limit drops messages in silence."""
    text = said.get(name, str(default))
    value = int(text) if text.isdecimal() else -1
    if value == 0 or (least and value >= least):
        return ok(name, "no limit" if value == 0 else f"{value:,}", value=value)
    why = "beyond it messages are dropped in silence" if least == 0 else f"ingest needs {least} or more"
    return warn(name, f"{text}: {why}", f"{name} {least if least == 0 else 2000}", value=value)


def _listeners(words: Words) -> Finding:
    """Doors that are open to other machines without TLS, or to anybody."""
    bare: list[str] = []
    address, tls = "", True
    for name, value in [*words, ("listener", "")]:
        if name == "listener":
            if address and not tls and not any(address.endswith(f" {here}") for here in _LOOPBACK):
                bare.append(address)
            address, tls = value, False
        tls = tls or name in ("certfile", "psk_hint")
    if dict(words).get("allow_anonymous") == "true":
        return fail("doors", "anybody is let in without a name", "allow_anonymous false")
    if bare:
        return fail("doors", f"without TLS, and not on the loopback only: {', '.join(bare)}",
                    "certfile and keyfile for it, see docs/mosquitto.md")  # fmt: skip
    if "acl_file" not in dict(words):
        return warn("doors", "there is no acl_file: each gateway may publish under any name",
                    "`carbonwatch gateway` writes one")  # fmt: skip
    return ok("doors", "names and passwords, topics by name, and TLS where another machine can knock")


def _files(folder: Path, words: Words) -> Finding:
    """Keys, passwords and access list, that nobody else may read."""
    open_to_all, missing = [], []
    for name, value in words:
        if name in _SECRETS:
            path = folder / value
            if not path.exists():
                missing.append(value)
            elif path.stat().st_mode & (stat.S_IRWXG | stat.S_IRWXO):
                open_to_all.append(value)
    if missing:
        return fail("broker files", f"named and not there: {', '.join(missing)}", "see docs/mosquitto.md")
    if open_to_all:
        return fail("broker files", f"others may read or write {', '.join(open_to_all)}", "chmod 600")
    return ok("broker files", "keys and passwords are readable by their owner only")
