"""When a channel's last alert was is among the moments of its alerts; a column of its own was read by nobody."""

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("subscriptions", "last_alert_at")
