"""The running bot as its operator sees it: plain values."""

from dataclasses import dataclass
from datetime import datetime

from bot.domain.posts import Subscription


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """One event of the log, without secrets: when, how grave, its dotted name, and what it says."""

    at: str
    level: str
    event: str
    says: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskOutcome:
    """What became of something that was asked for: `lines` as they were told."""

    at: datetime
    well: bool
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BackupFile:
    """A copy of the archive on this machine."""

    name: str
    size_mb: float
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class ServedChannel:
    """A channel that is posted to, and how often its surface refused us since it last took a post."""

    wish: Subscription
    refusals: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class OperationState:
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
