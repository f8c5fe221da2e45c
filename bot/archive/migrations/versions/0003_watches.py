"""Personal watches; from which severity on a channel is alerted; when a post was first tried."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "watches",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False, comment="where the reader is told: direct messages"),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("fact", sa.Text(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False, comment="above or below"),
        sa.Column("line", sa.Double(), nullable=False, comment="in the fact's unit"),
        sa.Column("clears", sa.Double(), nullable=False, comment="where it is armed again"),
        sa.Column("locale", sa.Text(), nullable=False),
        sa.Column("armed", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("told_at", sa.BigInteger(), nullable=True),
        sa.Column(
            "blocked_at", sa.BigInteger(), nullable=True, comment="since when direct messages are refused"
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "reader", "asset", "fact", "side", "line", name="uq_watches_reader_asset_fact_side_line"
        ),
        comment="What single readers want to be told by direct message: a fact, a side and a line.",
    )
    op.create_index("ix_watches_asset", "watches", ["asset"])
    op.create_index("ix_watches_channel", "watches", ["channel"])
    op.add_column(
        "subscriptions", sa.Column("severity", sa.Text(), nullable=True, comment="alerts from here on")
    )
    op.add_column(
        "subscriptions", sa.Column("subjects", sa.Text(), nullable=True, comment="of each of alerted_at")
    )
    op.add_column(
        "subscriptions", sa.Column("waiting", sa.Text(), nullable=True, comment="what is being suppressed")
    )
    op.add_column("subscriptions", sa.Column("held_until", sa.BigInteger(), nullable=True))
    op.add_column(
        "posts", sa.Column("attempted_at", sa.BigInteger(), nullable=True, comment="when it was first tried")
    )
    op.execute(
        "UPDATE posts SET attempted_at = intended_at WHERE status = 'unsent'"
    )  # nobody kept whether they were
