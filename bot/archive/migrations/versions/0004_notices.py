"""What venues restated, the corrections that follow from it, how long sources are silent, the weekly
review."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "restatements",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("series_id", sa.Integer(), sa.ForeignKey("series.id"), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.Column("covers_s", sa.Integer(), nullable=False),
        sa.Column("before", sa.Double(), nullable=False, comment="the value that was known until then"),
        sa.Column("after", sa.Double(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=False, comment="when the other value was heard"),
        sa.Column(
            "settled_at",
            sa.BigInteger(),
            nullable=True,
            comment="when the posts that rest on it were looked at",
        ),
        sa.PrimaryKeyConstraint("id"),
        comment="Values that a venue told otherwise later: what was known at a time stays known.",
    )
    op.create_index("ix_restatements_series_id_heard_at", "restatements", ["series_id", "heard_at"])
    op.create_table(
        "corrections",
        sa.Column("post_id", sa.Text(), nullable=False),
        sa.Column("made_at", sa.BigInteger(), nullable=False, comment="when the last one was made"),
        sa.Column("texts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("post_id"),
        comment="Words that a sent post got later: what it stated, and what its venue says now.",
    )
    op.create_table(
        "hearings",
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("heard_at", sa.BigInteger(), nullable=True, comment="when it was heard last"),
        sa.Column(
            "silent_at", sa.BigInteger(), nullable=True, comment="the first poll of its present silence"
        ),
        sa.Column("outage_at", sa.BigInteger(), nullable=True, comment="when its silence became an outage"),
        sa.Column("everyone", sa.Boolean(), nullable=False, comment="whether all sources were silent then"),
        sa.Column("told_at", sa.BigInteger(), nullable=True, comment="when the outage was told"),
        sa.Column("back_at", sa.BigInteger(), nullable=True, comment="since when it is heard again"),
        sa.Column("ended_at", sa.BigInteger(), nullable=True, comment="when its return had held"),
        sa.PrimaryKeyConstraint("asset", "source"),
        comment="How each source does for each asset, over restarts.",
    )
    op.add_column(
        "posts",
        sa.Column("edit", sa.Text(), nullable=True, comment="due, done or dropped: the corrected post"),
    )
    op.add_column(
        "subscriptions", sa.Column("weekly", sa.Boolean(), nullable=False, server_default=sa.true())
    )
    op.add_column("subscriptions", sa.Column("last_weekly_at", sa.BigInteger(), nullable=True))
