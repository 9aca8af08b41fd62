"""Accounts, API keys, and the logins that stand for them; of every secret the books hold a hash."""

import hashlib
import secrets
from dataclasses import dataclass
from functools import lru_cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from sqlalchemy import Connection, RowMapping, delete, insert, select, update

from energy.access import EVERYTHING, Role, Scope
from energy.books import tables as t
from energy.errors import InputError
from energy.registry import NAME

LINK, SESSION = "link", "session"
BOOTSTRAP = "admin key"  # the holder that the key file of the data directory stands for
_SHORTEST = 12


@dataclass(frozen=True, slots=True)
class Holder:
    """Somebody or something that may ask: `name` is what the audit record says."""

    name: str
    role: Role
    scope: Scope


def digest(secret: str) -> str:
    """SHA-256 hex of a secret with enough randomness of its own; what is kept instead of it."""
    return hashlib.sha256(secret.encode()).hexdigest()


def add_account(db: Connection, name: str, password: str, role: Role, scope: Scope, now: int) -> None:
    """A new account; InputError when the name is taken or the password too short."""
    if db.execute(select(t.account.c.name).where(t.account.c.name == name)).first() is not None:
        raise InputError("taken", f"there is an account {name!r} already")
    row = {"name": name, "password_hash": _hashed(password), "role": role, "scope": scope.to_json()}
    db.execute(insert(t.account).values(**row, disabled=False, created_at=now))


def change_account(
    db: Connection, name: str, *, password: str | None = None, disabled: bool | None = None,
    role: Role | None = None, scope: Scope | None = None,
) -> None:  # fmt: skip
    """Change what is given; every session of the account ends with it."""
    changes: dict[str, object] = {}
    if password is not None:
        changes["password_hash"] = _hashed(password)
    if disabled is not None:
        changes["disabled"] = disabled
    if role is not None and scope is not None:
        changes |= {"role": role, "scope": scope.to_json()}
    if changes:
        db.execute(update(t.account).where(t.account.c.name == name).values(changes))
        end_sessions(db, f"account:{name}")


def check_password(db: Connection, name: str, password: str) -> bool:
    """Whether an enabled account has this password; takes as long for a name that is not there."""
    decoy = _decoy()  # made before anything is known of the name, so that its making tells nothing
    row = None
    if NAME.fullmatch(name):  # PostgreSQL has no question for what cannot be a name
        row = db.execute(select(t.account).where(t.account.c.name == name)).mappings().first()
    try:
        _hasher().verify(row["password_hash"] if row else decoy, password)
    except (VerificationError, InvalidHashError):
        return False
    return row is not None and not row["disabled"]


def add_key(
    db: Connection, name: str, role: Role, scope: Scope, expires_at: int, created_by: str, now: int
) -> tuple[int, str]:
    """A new API key: its id, and the secret that is shown this once."""
    secret = "cw_" + secrets.token_urlsafe(32)
    row = {"name": name, "hash": digest(secret), "role": role, "scope": scope.to_json(), "created_at": now,
           "created_by": created_by, "expires_at": expires_at}  # fmt: skip
    return int(db.execute(insert(t.api_key).values(row).returning(t.api_key.c.id)).scalar_one()), secret


def revoke_key(db: Connection, ident: int, at: int, now: int) -> None:
    """The key is of no use from `at` on, and its sessions end with it."""
    db.execute(update(t.api_key).where(t.api_key.c.id == ident).values(revoked_at=at))
    if at <= now:
        end_sessions(db, f"key:{ident}")


def add_login(db: Connection, kind: str, holder: str, life_ms: int, address: str, now: int) -> str:
    """A link or session of a holder ("account:NAME", "key:ID" or BOOTSTRAP) that ends by itself; the secret."""
    db.execute(delete(t.login).where(t.login.c.expires_at < now))
    secret = secrets.token_urlsafe(32)
    row = {"hash": digest(secret), "kind": kind, "holder": holder, "address": address, "created_at": now}
    db.execute(insert(t.login).values(**row, expires_at=now + life_ms))
    return secret


def spend_link(db: Connection, secret: str, now: int) -> str | None:
    """The holder of a link that is good, which it is no more after this; None otherwise."""
    c = t.login.c
    spent = delete(t.login).where(c.hash == digest(secret), c.kind == LINK, c.expires_at >= now).returning(c.holder)
    return db.execute(spent).scalar()


def end_session(db: Connection, secret: str) -> str | None:
    """One session ends; the holder that it was of, None when there is no such session."""
    c = t.login.c
    gone = delete(t.login).where(c.hash == digest(secret), c.kind == SESSION).returning(c.holder)
    return db.execute(gone).scalar()


def end_sessions(db: Connection, holder: str) -> None:
    """Every link and session of a holder ends."""
    db.execute(delete(t.login).where(t.login.c.holder == holder))


def session_holder(db: Connection, secret: str, now: int) -> str | None:
    """The holder of a session that has not ended."""
    c = t.login.c
    query = select(c.holder).where(c.hash == digest(secret), c.kind == SESSION, c.expires_at >= now)
    return db.execute(query).scalar()


def key_holder(db: Connection, secret: str, now: int) -> str | None:
    """The holder of an API key that is good."""
    c = t.api_key.c
    row = db.execute(select(t.api_key).where(c.hash == digest(secret))).mappings().first()
    return f"key:{row['id']}" if row is not None and _good(row, now) else None


def resolve(db: Connection, holder: str, now: int) -> Holder | None:
    """What a holder may, as the books say now; None when it is disabled, revoked or expired."""
    if holder == BOOTSTRAP:
        return Holder(BOOTSTRAP, Role.ADMIN, EVERYTHING)
    kind, _, name = holder.partition(":")
    if kind == "account":
        row = db.execute(select(t.account).where(t.account.c.name == name)).mappings().first()
        if row is None or row["disabled"]:
            return None
    else:
        row = db.execute(select(t.api_key).where(t.api_key.c.id == int(name))).mappings().first()
        if row is None or not _good(row, now):
            return None
    return Holder(f"{kind} {row['name']}", Role(row["role"]), Scope.from_json(row["scope"]))


def _good(key: RowMapping, now: int) -> bool:
    return key["expires_at"] > now and (key["revoked_at"] is None or key["revoked_at"] > now)


def _hashed(password: str) -> str:
    if len(password) < _SHORTEST:
        raise InputError("weak_password", f"a password has at least {_SHORTEST} characters")
    return _hasher().hash(password)


@lru_cache
def _hasher() -> PasswordHasher:
    return PasswordHasher()  # argon2id with the library's current parameters


@lru_cache
def _decoy() -> str:
    return _hasher().hash(secrets.token_urlsafe(16))
