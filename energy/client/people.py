"""The client's calls about who may: signing in, accounts, keys, sessions, links, the audit record."""

from typing import cast

from energy.client.calls import Calls
from energy.client.holders import Account, AuditEntry, Key, Link, Me, NewKey, Scope, Session


class People(Calls):
    """Accounts, keys and sessions; most of it is an administrator's."""

    def sign_in(self, name: str, password: str) -> Me:
        """Open a session that this client then uses; a client that was made with a key keeps using that."""
        return cast(Me, self.post("/sessions", {"name": name, "password": password}))

    def sign_out(self) -> None:
        """End this session."""
        self.delete("/sessions/current")

    def sessions(self) -> list[Session]:
        """Every session that has not ended, newest first."""
        return [cast(Session, item) for item in self.every("/sessions")]

    def end_session(self, ident: int) -> None:
        """End somebody's session."""
        self.delete(f"/sessions/{ident}")

    def console_link(self) -> Link:
        """A link that opens the console once, as whoever asks for it."""
        return cast(Link, self.post("/console-links"))

    def accounts(self) -> list[Account]:
        """Every account."""
        return [cast(Account, item) for item in self.every("/accounts")]

    def add_account(self, name: str, password: str, role: str, scope: Scope) -> Account:
        """Make an account; `scope` at the level of the role (see energy.access.LEVEL)."""
        return cast(Account, self.post(f"/accounts/{name}", {"password": password, "role": role, "scope": scope}))

    def change_account(
        self, name: str, *, password: str | None = None, role: str | None = None, scope: Scope | None = None,
        disabled: bool | None = None,
    ) -> Account:  # fmt: skip
        """Change what is given, role and scope together; the account's sessions end."""
        body = {"password": password, "role": role, "scope": scope, "disabled": disabled}
        given = {field: value for field, value in body.items() if value is not None}
        return cast(Account, self.patch(f"/accounts/{name}", given))

    def keys(self) -> list[Key]:
        """Every API key, newest first, without its secret."""
        return [cast(Key, item) for item in self.every("/keys")]

    def add_key(self, name: str, role: str, scope: Scope, days: int = 90) -> NewKey:
        """Make a key that is good for `days`; its `secret` is shown this once."""
        return cast(NewKey, self.post("/keys", {"name": name, "role": role, "scope": scope, "days": days}))

    def rotate_key(self, ident: int, grace_hours: int = 24, days: int = 90) -> NewKey:
        """A new secret with the same rights; the old one is good for `grace_hours` more."""
        return cast(NewKey, self.post(f"/keys/{ident}/rotate", {"grace_hours": grace_hours, "days": days}))

    def revoke_key(self, ident: int) -> None:
        """Make a key useless, at once."""
        self.delete(f"/keys/{ident}")

    def audit(
        self, actor: str | None = None, action: str | None = None, site: str | None = None, at_most: int = 100
    ) -> list[AuditEntry]:
        """Who did what, newest first, at most so many."""
        found: list[AuditEntry] = []
        for item in self.every("/audit", actor=actor, action=action, site=site, limit=min(at_most, 10_000)):
            found.append(cast(AuditEntry, item))
            if len(found) >= at_most:
                break
        return found
