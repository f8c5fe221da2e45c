"""Which moves a channel does not want to be alerted of."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "subscriptions",
        sa.Column("muted_moves", sa.Text(), nullable=True, comment="alarms that do not alert here"),
    )
