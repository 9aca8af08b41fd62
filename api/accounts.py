"""People's accounts: who may sign in, as what, bound to where."""

from typing import Any

from fastapi import APIRouter
from sqlalchemy import Connection, RowMapping, select

from api import audit
from api.access import Administrator
from api.context import Here
from api.paging import Cursor, Limit, slice_from
from api.problems import NotFoundError
from api.schemas import AccountBody, AccountChange, Page, ScopeBody
from energy.access import Role, Scope, check_scope
from energy.books import people, registry
from energy.books import tables as t
from energy.books.open import look
from energy.errors import InputError
from energy.registry import check_name
from energy.window import to_text

router = APIRouter(tags=["accounts"])


@router.get("/accounts", response_model=Page)
def list_accounts(context: Here, _: Administrator, limit: Limit = 100, cursor: Cursor = None) -> dict[str, Any]:
    """Every account, without its password's hash."""
    with look(context.books) as db:
        rows = db.execute(select(t.account).order_by(t.account.c.name)).mappings().all()
    page, after = slice_from(rows, limit, cursor)
    return {"items": [_item(row) for row in page], "next": after}


@router.post("/accounts/{name}", status_code=201)
def add_account(name: str, body: AccountBody, context: Here, grant: Administrator) -> dict[str, Any]:
    """Make an account."""
    check_name("account", name)
    with context.books.begin() as db:
        scope = wanted_scope(db, body.role, body.scope)
        people.add_account(db, name, body.password.get_secret_value(), body.role, scope, context.now())
        item = _item(_row(db, name))
        audit.record(db, grant, context.now(), "account.add", f"account/{name}", after=item)
    return item


@router.patch("/accounts/{name}")
def change_account(name: str, body: AccountChange, context: Here, grant: Administrator) -> dict[str, Any]:
    """Change a password, role and scope, or disable it; its sessions end."""
    if (body.role is None) != (body.scope is None):
        raise InputError("bad_request", "role and scope are changed together")
    with context.books.begin() as db:
        before = _item(_row(db, name))
        scope = wanted_scope(db, body.role, body.scope) if body.role and body.scope else None
        password = body.password.get_secret_value() if body.password else None
        people.change_account(db, name, password=password, disabled=body.disabled, role=body.role, scope=scope)
        item = _item(_row(db, name))
        after = {**item, "password": "changed"} if password else item
        audit.record(db, grant, context.now(), "account.change", f"account/{name}", before=before, after=after)
    return item


def wanted_scope(db: Connection, role: Role, body: ScopeBody) -> Scope:
    """The scope if it suits the role and everything that it names is there."""
    scope = check_scope(role, Scope.from_json(body.model_dump()))
    known = {"regions": set(registry.regions(db)), "units": set(registry.units(db)), "sites": set(registry.sites(db))}
    for level, there in known.items():
        if missing := sorted(getattr(scope, level) - there):
            raise InputError("bad_scope", f"no such {level}: {', '.join(missing)}; see /api/v1/{level}")
    return scope


def _row(db: Connection, name: str) -> RowMapping:
    check_name("account", name)
    row = db.execute(select(t.account).where(t.account.c.name == name).with_for_update()).mappings().first()
    if row is None:
        raise NotFoundError(f"no account {name!r}: see /api/v1/accounts")
    return row


def _item(row: RowMapping) -> dict[str, Any]:
    return {"name": row["name"], "role": row["role"], "scope": row["scope"], "disabled": row["disabled"],
            "created_at": to_text(row["created_at"])}  # fmt: skip
