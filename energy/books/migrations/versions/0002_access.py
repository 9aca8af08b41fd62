"""Who may what: regions and units, accounts, keys, sessions, the audit record, and idempotency keys."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

META = sa.MetaData()
_ID = sa.BigInteger().with_variant(sa.Integer, "sqlite")


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), primary_key=True)


def _serial() -> sa.Column[int]:
    return sa.Column("id", _ID, primary_key=True, autoincrement=True)


region = sa.Table(
    "region", META, _key("id"), sa.Column("name_zh", sa.Text), sa.Column("name_en", sa.Text),
    sa.Column("created_at", sa.BigInteger),
)  # fmt: skip
unit = sa.Table(
    "unit", META, _key("id"), sa.Column("region", sa.String(64)), sa.Column("name_zh", sa.Text),
    sa.Column("name_en", sa.Text), sa.Column("credit_code", sa.String(18)), sa.Column("created_at", sa.BigInteger),
)  # fmt: skip
account = sa.Table(
    "account", META, _key("name"), sa.Column("password_hash", sa.Text), sa.Column("role", sa.String(16)),
    sa.Column("scope", sa.JSON), sa.Column("disabled", sa.Boolean), sa.Column("created_at", sa.BigInteger),
)  # fmt: skip
api_key = sa.Table(
    "api_key", META, _serial(), sa.Column("name", sa.String(64)), sa.Column("hash", sa.String(64), unique=True),
    sa.Column("role", sa.String(16)), sa.Column("scope", sa.JSON), sa.Column("created_at", sa.BigInteger),
    sa.Column("created_by", sa.Text), sa.Column("expires_at", sa.BigInteger), sa.Column("revoked_at", sa.BigInteger),
)  # fmt: skip
audit = sa.Table(
    "audit", META, _serial(), sa.Column("at", sa.BigInteger), sa.Column("actor", sa.Text),
    sa.Column("role", sa.String(16)), sa.Column("address", sa.Text), sa.Column("action", sa.String(64)),
    sa.Column("target", sa.Text), sa.Column("site", sa.String(64)), sa.Column("before", sa.JSON),
    sa.Column("after", sa.JSON),
)  # fmt: skip
idempotency = sa.Table(
    "idempotency", META, sa.Column("key", sa.String(64), primary_key=True), sa.Column("fingerprint", sa.String(64)),
    sa.Column("status", sa.Integer), sa.Column("body", sa.LargeBinary), sa.Column("at", sa.BigInteger),
)  # fmt: skip
login = sa.Table(
    "login", META, _serial(), sa.Column("hash", sa.String(64), unique=True), sa.Column("kind", sa.String(8)),
    sa.Column("holder", sa.Text), sa.Column("created_at", sa.BigInteger), sa.Column("address", sa.Text),
    sa.Column("expires_at", sa.BigInteger),
)  # fmt: skip

_SQLITE = "CREATE TRIGGER audit_no_{0} BEFORE {0} ON audit BEGIN SELECT RAISE(ABORT, 'audit is append-only'); END"
_POSTGRESQL = """
CREATE FUNCTION audit_append_only() RETURNS trigger LANGUAGE plpgsql AS
  $$ BEGIN RAISE EXCEPTION 'audit is append-only'; END $$;
CREATE TRIGGER audit_no_change BEFORE UPDATE OR DELETE ON audit FOR EACH ROW EXECUTE FUNCTION audit_append_only();
CREATE TRIGGER audit_no_truncate BEFORE TRUNCATE ON audit FOR EACH STATEMENT EXECUTE FUNCTION audit_append_only()
"""
_GUARD = {"sqlite": (_SQLITE.format("UPDATE"), _SQLITE.format("DELETE")), "postgresql": (_POSTGRESQL,)}


def upgrade() -> None:
    """New tables; sites of the default unit; quarantine that knows its site. Console sessions begin anew."""
    op.drop_table("login")
    META.create_all(op.get_bind())
    op.add_column("site", sa.Column("unit", sa.String(64), nullable=False, server_default="default"))
    for name in ("site", "gateway"):
        op.add_column("quarantine", sa.Column(name, sa.String(64), nullable=False, server_default=""))
    for statement in _GUARD[op.get_bind().dialect.name]:
        op.execute(statement)


def downgrade() -> None:
    """Back to one admin key; people, keys and the audit record are lost."""
    with op.batch_alter_table("site") as site:
        site.drop_column("unit")
    with op.batch_alter_table("quarantine") as quarantine:
        quarantine.drop_column("gateway")
        quarantine.drop_column("site")
    META.drop_all(op.get_bind())
    if op.get_bind().dialect.name == "postgresql":
        op.execute("DROP FUNCTION audit_append_only")
    op.create_table(
        "login",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("kind", sa.String(8)),
        sa.Column("expires_at", sa.BigInteger),
    )
