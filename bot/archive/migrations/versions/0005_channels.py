"""What is kept about a channel beside its subscriptions, and the personal notes that readers asked for."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "channels",
        sa.Column(
            "place",
            sa.Text(),
            nullable=True,
            comment="what its surface keeps about it, beside its subscriptions",
        ),
    )
