"""Mosquitto's password file: names with PBKDF2-SHA512 hashes, as mosquitto_passwd writes them."""

import base64
import hashlib
import os
from collections.abc import Mapping

# mosquitto_passwd's own number: a password that we make has 256 random bits, and needs no slow hash.
_ITERATIONS = 101
_SALT, _HASH = 12, 64


def hashed(password: str, salt: bytes | None = None) -> str:
    """`$7$iterations$salt$hash` of a password, the last two in base64; a new salt unless one is given."""
    salt = os.urandom(_SALT) if salt is None else salt
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ITERATIONS, _HASH)
    return f"$7${_ITERATIONS}${base64.b64encode(salt).decode()}${base64.b64encode(digest).decode()}"


def credential_of(kept: str) -> str:
    """Twelve hex digits by which one hash is told from another, and from which nothing can be learnt."""
    return hashlib.sha256(kept.encode()).hexdigest()[:12]


def parse(text: str) -> dict[str, str]:
    """Name → hash, in order; comments and lines without a hash are left out, as mosquitto leaves them out."""
    found = {}
    for line in text.splitlines():
        name, colon, kept = line.strip().partition(":")
        if colon and name and kept and not name.startswith("#"):
            found[name] = kept
    return found


def written(known: Mapping[str, str]) -> str:
    """The text of a password file."""
    return "".join(f"{name}:{kept}\n" for name, kept in known.items())
