"""The tables. One schema for SQLite and PostgreSQL; the migrations in `migrations/` build it step by step.

Times are whole numbers: points in milliseconds, everything else in microseconds since 1970 UTC. A value with
parts of its own (a state, a story, a verdict) is JSON, read and written by `codec.py`."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Double,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    Text,
    UniqueConstraint,
    true,
)
from sqlalchemy.types import TypeDecorator

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
NAMES = {"ix": "ix_%(table_name)s_%(column_0_N_name)s", "uq": "uq_%(table_name)s_%(column_0_N_name)s"}

metadata = MetaData(naming_convention=NAMES)


class UtcMoment(TypeDecorator[datetime]):
    """A UTC-aware time, stored as whole microseconds since 1970: exact, sortable and the same on both
    databases."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        """Whole microseconds. A time without a zone is refused: ValueError."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value.isoformat()} has no zone")
        return (value - EPOCH) // timedelta(microseconds=1)

    def process_result_value(self, value: int | None, dialect: Dialect) -> datetime | None:
        """The time, in UTC."""
        return None if value is None else EPOCH + timedelta(microseconds=value)


editions = Table(
    "editions",
    metadata,
    Column("revision", Text, primary_key=True),
    Column("version", Text, nullable=False),
    comment="Which version of Tightrope first brought the database to a revision: what to install when the code is older.",
)

# ── points ──────────────────────────────────────────────────────────────────────────────────────────────────

series = Table(
    "series",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("metric", Text, nullable=False),
    Column(
        "venue",
        Text,
        nullable=False,
        comment="empty for the aggregate: NULLs are never equal in a unique key",
    ),
    Column("grain", Integer, nullable=False, comment="0 a moment, 1 up to an hour, 2 longer"),
    UniqueConstraint("asset", "metric", "venue", "grain"),
)

bases = Table(
    "bases",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("venues", Text, nullable=False, comment="the names, joined by commas, in the point's order"),
    Column("of_venues", Integer, nullable=False),
    Column("lower_bound", Boolean, nullable=False),
    UniqueConstraint("venues", "of_venues", "lower_bound"),
    comment="What values stand on, each kind once: a point names it by number instead of repeating it.",
)


def _points(name: str, comment: str) -> Table:
    return Table(
        name,
        metadata,
        Column("series_id", Integer, ForeignKey("series.id"), primary_key=True, autoincrement=False),
        Column("at_ms", BigInteger, primary_key=True, autoincrement=False),
        Column("value", Double, nullable=False),
        Column("basis_id", Integer, ForeignKey("bases.id"), nullable=False),
        Column("covers_s", Integer, nullable=False),
        sqlite_with_rowid=False,
        comment=comment,
    )


points = _points("points", "Every point as it was heard, for as long as retention keeps it.")
days = _points("days", "One point for each day in which something was heard, older than the hours.")

hours = Table(
    "hours",
    metadata,
    Column("series_id", Integer, ForeignKey("series.id"), primary_key=True, autoincrement=False),
    Column("day", Integer, primary_key=True, autoincrement=False, comment="whole days since 1970 UTC"),
    Column(
        "block",
        LargeBinary,
        nullable=False,
        comment="one record for each hour with a point, as blocks.py packs them",
    ),
    sqlite_with_rowid=False,
)

restatements = Table(
    "restatements",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("series_id", Integer, ForeignKey("series.id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("covers_s", Integer, nullable=False),
    Column("before", Double, nullable=False, comment="the value that was known until then"),
    Column("after", Double, nullable=False),
    Column("heard_at", UtcMoment, nullable=False, comment="when the other value was heard"),
    Column("settled_at", UtcMoment, comment="when the posts that rest on it were looked at"),
    Index(None, "series_id", "heard_at"),
    comment="Values that a venue told otherwise later: what was known at a time stays known.",
)

# ── evaluations ─────────────────────────────────────────────────────────────────────────────────────────────

states = Table(
    "states",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("profile", Text, primary_key=True),
    Column("at", UtcMoment, nullable=False),
    Column("state", Text, nullable=False, comment="State without its routes: those are subscriptions"),
)

evaluations = Table(
    "evaluations",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("asset", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("at", UtcMoment, nullable=False),
    Column("stance", Text, nullable=False),
    Column("confidence", Text, nullable=False),
    Column("score_low", Double, nullable=False),
    Column("score_high", Double, nullable=False),
    Column("coverage", Double, nullable=False),
    Column("playbook_hash", Text, nullable=False),
    Column("verdict", Text, comment="the whole verdict, where the stance changed or something was posted"),
    Column("evidence", Text, comment="facts, readings and gaps, where something was posted"),
    Column("before", Text, comment="the profile and what it remembered before, where something was posted"),
    UniqueConstraint("asset", "profile", "at"),
)

playbooks = Table(
    "playbooks",
    metadata,
    Column("hash", Text, primary_key=True),
    Column(
        "rules_hash",
        Text,
        nullable=False,
        comment="of the rules alone: a change of words starts no new record",
    ),
    Column("kept_at", UtcMoment, nullable=False),
    Column("files", LargeBinary, nullable=False, comment="JSON of path → text, compressed by zlib"),
    comment="Every edition of rules and phrases that ever judged, so that an old post can be told again.",
)

# ── posts ───────────────────────────────────────────────────────────────────────────────────────────────────

stories = Table(
    "stories",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("evaluation_id", Integer, ForeignKey("evaluations.id"), nullable=False),
    Column("story", Text, nullable=False),
    comment="The words of posts, once for all channels that get the same.",
)

posts = Table(
    "posts",
    metadata,
    Column("seq", Integer, primary_key=True),
    Column("id", Text, nullable=False),
    Column("channel", Text, nullable=False),
    Column("surface", Text, nullable=False),
    Column("asset", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("story_id", Integer, ForeignKey("stories.id"), nullable=False),
    Column("nonce", Text, nullable=False),
    Column("intended_at", UtcMoment, nullable=False),
    Column("late", Boolean, nullable=False),
    Column("status", Text, nullable=False, comment="unsent, sent, uncertain or dropped"),
    Column("sent_at", UtcMoment),
    Column("message_id", Text),
    Column("claimed_by", Text),
    Column("claimed_until", UtcMoment),
    Column("attempted_at", UtcMoment, comment="when it was first tried"),
    Column("edit", Text, comment="due, done or dropped: the corrected post"),
    Column("severity", Text, comment="how grave what an alert tells is"),
    UniqueConstraint("id", "channel"),
    Index(None, "surface", "status", "intended_at"),
    Index(None, "intended_at"),
    Index(None, "channel"),
)

corrections = Table(
    "corrections",
    metadata,
    Column("post_id", Text, primary_key=True),
    Column("made_at", UtcMoment, nullable=False, comment="when the last one was made"),
    Column("texts", Text, nullable=False),
    comment="Words that a sent post got later: what it stated, and what its venue says now.",
)

hearings = Table(
    "hearings",
    metadata,
    Column("asset", Text, primary_key=True),
    Column("source", Text, primary_key=True),
    Column("heard_at", UtcMoment, comment="when it was heard last"),
    Column("silent_at", UtcMoment, comment="the first poll of its present silence"),
    Column("outage_at", UtcMoment, comment="when its silence became an outage"),
    Column("everyone", Boolean, nullable=False, comment="whether all sources were silent then"),
    Column("told_at", UtcMoment, comment="when the outage was told"),
    Column("back_at", UtcMoment, comment="since when it is heard again"),
    Column("ended_at", UtcMoment, comment="when its return had held"),
    comment="How each source does for each asset, over restarts.",
)

# ── channels ────────────────────────────────────────────────────────────────────────────────────────────────

digests = Table(
    "digests",
    metadata,
    Column("reader", Text, primary_key=True),
    Column("channel", Text, nullable=False, comment="where the reader's direct messages go"),
    Column("wish", Text, nullable=False, comment="what the reader wants to read, and when"),
    Column("created_at", UtcMoment, nullable=False),
    Column("last_slot_at", UtcMoment, comment="the last hour that was served"),
    Column("blocked_at", UtcMoment, comment="since when the reader takes no direct messages"),
    comment="The daily note that a reader asked for.",
)

channels = Table(
    "channels",
    metadata,
    Column("channel", Text, primary_key=True),
    Column("guild_id", Text),
    Column("place", Text, comment="what its surface keeps about it, beside its subscriptions"),
    Index(None, "guild_id"),
    comment="Every channel that ever subscribed, so that all of a server's rows can be found and forgotten.",
)

subscriptions = Table(
    "subscriptions",
    metadata,
    Column("channel", Text, ForeignKey("channels.channel"), primary_key=True),
    Column("asset", Text, primary_key=True),
    Column("created_at", UtcMoment, nullable=False),
    Column("profile_id", Text, nullable=False),
    Column("profile", Text, nullable=False),
    Column("post_at", Text, nullable=False),
    Column("zone", Text, nullable=False),
    Column("alerts", Boolean, nullable=False),
    Column("quiet_from", Integer),
    Column("quiet_to", Integer),
    Column("snoozed_until", UtcMoment),
    Column("paused_at", UtcMoment),
    Column("last_slot_at", UtcMoment),
    Column("last_stance", Text),
    Column("last_severity", Text),
    Column("alerted_at", Text, nullable=False),
    Column("suppressed", Integer, nullable=False),
    Column("severity", Text, comment="alerts from here on"),
    Column("muted_moves", Text, comment="alarms that do not alert here"),
    Column("weekly", Boolean, nullable=False, server_default=true()),
    Column("last_weekly_at", UtcMoment),
    Column("subjects", Text, comment="of each of alerted_at"),
    Column("waiting", Text, comment="what is being suppressed"),
    Column("held_until", UtcMoment),
    Index(None, "asset", "profile_id"),
)

watches = Table(
    "watches",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("reader", Text, nullable=False),
    Column("channel", Text, nullable=False, comment="where the reader is told: direct messages"),
    Column("asset", Text, nullable=False),
    Column("fact", Text, nullable=False),
    Column("side", Text, nullable=False, comment="above or below"),
    Column("line", Double, nullable=False, comment="in the fact's unit"),
    Column("clears", Double, nullable=False, comment="where it is armed again"),
    Column("locale", Text, nullable=False),
    Column("armed", Boolean, nullable=False),
    Column("created_at", UtcMoment, nullable=False),
    Column("told_at", UtcMoment),
    Column("blocked_at", UtcMoment, comment="since when direct messages are refused"),
    UniqueConstraint("reader", "asset", "fact", "side", "line"),
    Index(None, "asset"),
    Index(None, "channel"),
    comment="What single readers want to be told by direct message: a fact, a side and a line.",
)

notes = Table(
    "notes",
    metadata,
    Column("name", Text, primary_key=True),
    Column("value", Text, nullable=False),
    comment="Small things to remember, such as the hash of the commands that were last registered.",
)

leadership = Table(
    "leadership",
    metadata,
    Column("role", Text, primary_key=True),
    Column("epoch", Integer, nullable=False),
    comment="The fence: each new leader raises the epoch, and a write under an older one is refused.",
)
