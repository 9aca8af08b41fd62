"""Where a broker is, who we are to it, and how we know that it is the right one."""

import ssl
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from energy.errors import SetupError

_LAST_PORT = 65_535
_PORTS = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class Access:
    """What opens a broker: a user and password, or a certificate and its key; `ca` is whom we believe, all PEM files.

    Without `ca` the system's authorities are believed; without `key` it is in the file of the certificate.
    """

    user: str | None = None
    password: str | None = field(default=None, repr=False)
    ca: Path | None = None
    certificate: Path | None = None
    key: Path | None = None


@dataclass(frozen=True, slots=True)
class Address:
    """A broker's host and port, the TLS to speak with it (None: none), and who we say we are."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    user: str | None
    password: str | None = field(repr=False)

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


def address_of(url: str, access: Access) -> Address:
    """`mqtt://` or `mqtts://[user:password@]host[:port]`; what `access` says of user and password counts before `url`.

    SetupError for an address that is none and for files that cannot be used; its text never has a password.
    """
    bare, user, password = split_user(url)
    number = bare.rpartition(":")[2]
    if number.isdecimal() and int(number) > _LAST_PORT:
        raise SetupError(f"the broker's address has the port {number}, and there are 1 to {_LAST_PORT}")
    parts = urlsplit(bare)
    try:
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if parts.scheme not in _PORTS or not host or parts.path.strip("/") or parts.query:
        raise SetupError(
            f"the broker's address must look like mqtt://host:1883 or mqtts://host:8883, not {parts.scheme}://…"
        )
    if access.user is not None or user is None:
        user, password = access.user, access.password
    if password is not None and user is None:
        raise SetupError("the broker's password needs a user: set CARBONWATCH_MQTT_USER too")
    return Address(host, port or _PORTS[parts.scheme], _tls(parts.scheme, access), user, password)


def split_user(url: str) -> tuple[str, str | None, str | None]:
    """(an address as it may be shown and stored, user, password).

    >>> split_user("mqtts://plant:s%40lt@broker:8883")
    ('mqtts://broker:8883', 'plant', 's@lt')
    """
    parts = urlsplit(url)
    user, _, host = parts.netloc.rpartition("@")
    name, colon, password = user.partition(":")
    shown = parts._replace(netloc=host).geturl() if user else url
    return shown, unquote(name) or None, unquote(password) if colon else None


def _tls(scheme: str, access: Access) -> ssl.SSLContext | None:
    if scheme == "mqtt":
        if access.ca or access.certificate or access.key:
            raise SetupError("a CA, certificate or key for the broker needs an address that begins with mqtts://")
        return None
    if access.key and not access.certificate:
        raise SetupError("a key for the broker needs its certificate: set CARBONWATCH_MQTT_CERTIFICATE too")
    context = ssl.create_default_context() if access.ca is None else ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        if access.ca is not None:
            context.load_verify_locations(access.ca)
        if access.certificate is not None:
            context.load_cert_chain(access.certificate, access.key, password=lambda: "")  # else OpenSSL asks a terminal
    except OSError as error:  # an SSLError is one too
        files = ", ".join(str(file) for file in (access.ca, access.certificate, access.key) if file)
        why = error.strerror or "of the wrong kind, or not of each other"
        raise SetupError(
            f"the broker's CA, certificate and key must be PEM files without a password: {files}: {why}"
        ) from error
    return context
