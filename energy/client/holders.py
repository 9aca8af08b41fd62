"""What the API answers about who may: accounts, keys, sessions, links, and the audit record."""

from typing import TypedDict

from energy.client.answers import Json


class Scope(TypedDict, total=False):
    """What somebody is bound to: regions, units or sites; or everything."""

    everything: bool
    regions: list[str]
    units: list[str]
    sites: list[str]


class Me(TypedDict):
    """Who asks, as the system knows it: `may` are permissions, `sites` the ids of the sites that are open."""

    name: str
    role: str
    scope: Scope
    may: list[str]
    sites: list[str]


class Account(TypedDict):
    """A person's account."""

    name: str
    role: str
    scope: Scope
    disabled: bool
    created_at: str


class Key(TypedDict):
    """An API key, without its secret."""

    id: int
    name: str
    role: str
    scope: Scope
    created_by: str
    created_at: str
    expires_at: str
    revoked_at: str | None


class NewKey(Key):
    """An API key as it is made: `secret` is shown this once."""

    secret: str


class Session(TypedDict):
    """Somebody's session."""

    id: int
    holder: str
    address: str
    created_at: str
    expires_at: str


class AuditEntry(TypedDict):
    """Who did what, when, from where."""

    id: int
    at: str
    actor: str
    role: str
    address: str
    action: str
    target: str
    site: str
    before: Json | None
    after: Json | None


class Link(TypedDict):
    """A link that opens the console once."""

    url: str
