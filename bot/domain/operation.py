"""The running bot as its operator sees it: plain values."""

from datetime import datetime

from msgspec import Struct

from bot.domain.posts import Subscription


class LogLine(Struct, frozen=True, kw_only=True):
    """One event of the log, without secrets: when, how grave, its dotted name, and what it says."""

    at: str
    level: str
    event: str
    says: str


class TaskOutcome(Struct, frozen=True, kw_only=True):
    """What became of something that was asked for: `lines` as they were told."""

    at: datetime
    well: bool
    lines: tuple[str, ...]


class BackupFile(Struct, frozen=True, kw_only=True):
    """A copy of the archive on this machine."""

    name: str
    size_mb: float
    at: datetime


class ServedChannel(Struct, frozen=True, kw_only=True):
    """A channel that is posted to, and how often its surface refused us since it last took a post."""

    wish: Subscription
    refusals: int = 0


class OperationState(Struct, frozen=True, kw_only=True):
    """All of it at one moment. `outbox` counts posts by status; `invitation` is the address at which a server lets the bot
    in, where its application is known; None of an outcome: not asked for since the start."""

    on_discord: bool
    invitation: str = ""
    outbox: tuple[tuple[str, int], ...] = ()
    channels: tuple[ServedChannel, ...] = ()
    testable: tuple[str, ...] = ()
    backups: tuple[BackupFile, ...] = ()
    logs: tuple[LogLine, ...] = ()
    reloaded: TaskOutcome | None = None
    checked: TaskOutcome | None = None
    tested: TaskOutcome | None = None
    backed_up: TaskOutcome | None = None
