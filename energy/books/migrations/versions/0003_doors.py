"""Doors: the gateways that are registered for a site, and whether each may send."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

META = sa.MetaData()
door = sa.Table(
    "door", META, sa.Column("site", sa.String(64), primary_key=True),
    sa.Column("gateway", sa.String(64), primary_key=True), sa.Column("enabled", sa.Boolean, nullable=False),
    sa.Column("credential", sa.String(16), nullable=False), sa.Column("created_at", sa.BigInteger),
    sa.Column("changed_at", sa.BigInteger),
)  # fmt: skip


def upgrade() -> None:
    """A new table, empty: every site goes on taking whoever sends under its name."""
    META.create_all(op.get_bind())


def downgrade() -> None:
    """Which gateways are registered is lost."""
    META.drop_all(op.get_bind())
