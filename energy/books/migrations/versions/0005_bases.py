"""From which number on a gateway's boot counts here, where an earlier data directory took those before."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Every boot counts from 1, until it shows that it does not."""
    op.add_column("gateway", sa.Column("base", sa.BigInteger, nullable=False, server_default="1"))


def downgrade() -> None:
    """Receipts of such boots stand still again."""
    op.drop_column("gateway", "base")
