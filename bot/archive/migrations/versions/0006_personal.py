"""How grave an alert is, for the roles that it calls; the daily notes that readers asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "posts", sa.Column("severity", sa.Text(), nullable=True, comment="how grave what an alert tells is")
    )
    op.create_table(
        "digests",
        sa.Column("reader", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False, comment="where the reader's direct messages go"),
        sa.Column("wish", sa.Text(), nullable=False, comment="what the reader wants to read, and when"),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("last_slot_at", sa.BigInteger(), nullable=True, comment="the last hour that was served"),
        sa.Column(
            "blocked_at",
            sa.BigInteger(),
            nullable=True,
            comment="since when the reader takes no direct messages",
        ),
        sa.PrimaryKeyConstraint("reader"),
        comment="The daily note that a reader asked for.",
    )
