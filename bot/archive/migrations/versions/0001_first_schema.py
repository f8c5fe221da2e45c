"""The first schema: points and their roll-ups, states and evaluations, posts, subscriptions."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "bases",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column(
            "venues", sa.Text(), nullable=False, comment="the names, joined by commas, in the point's order"
        ),
        sa.Column("of_venues", sa.Integer(), nullable=False),
        sa.Column("lower_bound", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint(
            "venues", "of_venues", "lower_bound", name="uq_bases_venues_of_venues_lower_bound"
        ),
        comment="What values stand on, each kind once: a point names it by number instead of repeating it.",
    )
    op.create_table(
        "channels",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("guild_id", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("channel"),
        comment="Every channel that ever subscribed, so that all of a server's rows can be found and forgotten.",
    )
    op.create_index("ix_channels_guild_id", "channels", ["guild_id"], unique=False)
    op.create_table(
        "editions",
        sa.Column("revision", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("revision"),
        comment="Which version of Tightrope first brought the database to a revision: what to install when the code is older.",
    )
    op.create_table(
        "evaluations",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("stance", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Text(), nullable=False),
        sa.Column("score_low", sa.Double(), nullable=False),
        sa.Column("score_high", sa.Double(), nullable=False),
        sa.Column("coverage", sa.Double(), nullable=False),
        sa.Column("playbook_hash", sa.Text(), nullable=False),
        sa.Column(
            "verdict",
            sa.Text(),
            nullable=True,
            comment="the whole verdict, where the stance changed or something was posted",
        ),
        sa.Column(
            "evidence",
            sa.Text(),
            nullable=True,
            comment="facts, readings and gaps, where something was posted",
        ),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("asset", "profile", "at", name="uq_evaluations_asset_profile_at"),
    )
    op.create_table(
        "leadership",
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("epoch", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("role"),
        comment="The fence: each new leader raises the epoch, and a write under an older one is refused.",
    )
    op.create_table(
        "notes",
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("name"),
        comment="Small things to remember, such as the hash of the commands that were last registered.",
    )
    op.create_table(
        "series",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("metric", sa.Text(), nullable=False),
        sa.Column(
            "venue",
            sa.Text(),
            nullable=False,
            comment="empty for the aggregate: NULLs are never equal in a unique key",
        ),
        sa.Column("grain", sa.Integer(), nullable=False, comment="0 a moment, 1 up to an hour, 2 longer"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("asset", "metric", "venue", "grain", name="uq_series_asset_metric_venue_grain"),
    )
    op.create_table(
        "states",
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column(
            "state", sa.Text(), nullable=False, comment="State without its routes: those are subscriptions"
        ),
        sa.PrimaryKeyConstraint("asset", "profile"),
    )
    op.create_table(
        "days",
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("basis_id", sa.Integer(), nullable=False),
        sa.Column("covers_s", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["basis_id"], ["bases.id"]),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("series_id", "at_ms"),
        comment="One point for each day in which something was heard, older than the hours.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "hours",
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "day", sa.Integer(), autoincrement=False, nullable=False, comment="whole days since 1970 UTC"
        ),
        sa.Column(
            "block",
            sa.LargeBinary(),
            nullable=False,
            comment="one record for each hour with a point, as blocks.py packs them",
        ),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("series_id", "day"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "points",
        sa.Column("series_id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("at_ms", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("value", sa.Double(), nullable=False),
        sa.Column("basis_id", sa.Integer(), nullable=False),
        sa.Column("covers_s", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["basis_id"], ["bases.id"]),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"]),
        sa.PrimaryKeyConstraint("series_id", "at_ms"),
        comment="Every point as it was heard, for as long as retention keeps it.",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "stories",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("evaluation_id", sa.Integer(), nullable=False),
        sa.Column("story", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["evaluation_id"], ["evaluations.id"]),
        sa.PrimaryKeyConstraint("id"),
        comment="The words of posts, once for all channels that get the same.",
    )
    op.create_table(
        "subscriptions",
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("profile_id", sa.Text(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("post_at", sa.Text(), nullable=False),
        sa.Column("zone", sa.Text(), nullable=False),
        sa.Column("alerts", sa.Boolean(), nullable=False),
        sa.Column("quiet_from", sa.Integer(), nullable=True),
        sa.Column("quiet_to", sa.Integer(), nullable=True),
        sa.Column("snoozed_until", sa.BigInteger(), nullable=True),
        sa.Column("paused_at", sa.BigInteger(), nullable=True),
        sa.Column("last_slot_at", sa.BigInteger(), nullable=True),
        sa.Column("last_stance", sa.Text(), nullable=True),
        sa.Column("last_severity", sa.Text(), nullable=True),
        sa.Column("last_alert_at", sa.BigInteger(), nullable=True),
        sa.Column("alerted_at", sa.Text(), nullable=False),
        sa.Column("suppressed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["channel"], ["channels.channel"]),
        sa.PrimaryKeyConstraint("channel", "asset"),
    )
    op.create_index(
        "ix_subscriptions_asset_profile_id", "subscriptions", ["asset", "profile_id"], unique=False
    )
    op.create_table(
        "posts",
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("channel", sa.Text(), nullable=False),
        sa.Column("surface", sa.Text(), nullable=False),
        sa.Column("asset", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("story_id", sa.Integer(), nullable=False),
        sa.Column("nonce", sa.Text(), nullable=False),
        sa.Column("intended_at", sa.BigInteger(), nullable=False),
        sa.Column("late", sa.Boolean(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False, comment="unsent, sent, uncertain or dropped"),
        sa.Column("sent_at", sa.BigInteger(), nullable=True),
        sa.Column("message_id", sa.Text(), nullable=True),
        sa.Column("claimed_by", sa.Text(), nullable=True),
        sa.Column("claimed_until", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["story_id"], ["stories.id"]),
        sa.PrimaryKeyConstraint("seq"),
        sa.UniqueConstraint("id", "channel", name="uq_posts_id_channel"),
    )
    op.create_index("ix_posts_channel", "posts", ["channel"], unique=False)
    op.create_index("ix_posts_intended_at", "posts", ["intended_at"], unique=False)
    op.create_index(
        "ix_posts_surface_status_intended_at", "posts", ["surface", "status", "intended_at"], unique=False
    )
