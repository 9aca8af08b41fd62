"""Certificates for tests: an authority, a server on the loopback, a client; and a client that nobody knows."""

import subprocess
from dataclasses import dataclass
from pathlib import Path

from tests import neighbours


@dataclass(frozen=True, slots=True)
class Pair:
    """A certificate and its key."""

    certificate: Path
    key: Path


@dataclass(frozen=True, slots=True)
class Certificates:
    """PEM files of one authority, and a client's of another."""

    ca: Path
    server: Pair
    client: Pair
    stranger: Pair


def make_certificates(folder: Path) -> Certificates:
    """New ones in `folder`, made by openssl."""
    folder.mkdir(parents=True, exist_ok=True)
    ca, other = _authority(folder, "ca"), _authority(folder, "other")
    return Certificates(
        ca.certificate, _signed(folder, "server", ca), _signed(folder, "client", ca), _signed(folder, "stranger", other)
    )


def _authority(folder: Path, name: str) -> Pair:
    made = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    _openssl("req", "-x509", *_new(made, name), "-days", "2", "-addext", "keyUsage=critical,keyCertSign,cRLSign")
    return made


def _signed(folder: Path, name: str, by: Pair) -> Pair:
    made = Pair(folder / f"{name}.pem", folder / f"{name}.key")
    authority = ("-CA", str(by.certificate), "-CAkey", str(by.key), "-CAcreateserial")
    request = folder / f"{name}.csr"
    extensions = folder / f"{name}.ext"
    extensions.write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    _openssl("req", *_new(Pair(request, made.key), name))
    _openssl("x509", "-req", "-in", str(request), *authority, "-days", "2", "-extfile", str(extensions),
             "-out", str(made.certificate))  # fmt: skip
    return made


def _new(pair: Pair, name: str) -> tuple[str, ...]:
    kind = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")
    return (*kind, "-subj", f"/CN={name}", "-keyout", str(pair.key), "-out", str(pair.certificate))


def _openssl(*arguments: str) -> None:
    path = neighbours.find("openssl")
    assert path is not None, "openssl is not installed"
    done = subprocess.run([path, *arguments], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
