"""The playbooks of the time, and what was remembered before a post: what it takes to tell an old post
again."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "playbooks",
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column(
            "rules_hash",
            sa.Text(),
            nullable=False,
            comment="of the rules alone: a change of words starts no new record",
        ),
        sa.Column("kept_at", sa.BigInteger(), nullable=False),
        sa.Column(
            "files", sa.LargeBinary(), nullable=False, comment="JSON of path → text, compressed by zlib"
        ),
        sa.PrimaryKeyConstraint("hash"),
        comment="Every edition of rules and phrases that ever judged, so that an old post can be told again.",
    )
    op.add_column(
        "evaluations",
        sa.Column(
            "before",
            sa.Text(),
            nullable=True,
            comment="the profile and what it remembered before, where something was posted",
        ),
    )
