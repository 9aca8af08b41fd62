"""Edge nodes of Sparkplug B: where each stands since its birth, and the metrics that its births named."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

META = sa.MetaData()


def _key(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.String(64), primary_key=True)


edge = sa.Table(
    "edge", META, _key("site"), _key("gateway"), sa.Column("boot", sa.String(64), nullable=False),
    sa.Column("bd_seq", sa.BigInteger), sa.Column("alive", sa.Boolean, nullable=False),
    sa.Column("first", sa.BigInteger, nullable=False), sa.Column("born", sa.BigInteger, nullable=False),
    sa.Column("last", sa.BigInteger, nullable=False), sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("missing", sa.JSON, nullable=False), sa.Column("lacking", sa.Boolean, nullable=False),
)  # fmt: skip
edge_birth = sa.Table(
    "edge_birth", META, _key("site"), _key("gateway"), _key("device"),
    sa.Column("metrics", sa.JSON, nullable=False),
)  # fmt: skip


def upgrade() -> None:
    """New tables, empty: an edge node is asked for its births when it speaks of what is not known."""
    META.create_all(op.get_bind())


def downgrade() -> None:
    """What the births named is lost."""
    META.drop_all(op.get_bind())
