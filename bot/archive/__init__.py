"""What survives a restart, as repositories: points, states, outbox, subscriptions and more. SQLite by default, PostgreSQL for several
processes."""

from bot.archive.archive import SqlArchive, open_archive
from bot.archive.backup import restore
from bot.archive.leader import Leadership
from bot.archive.move import move
from bot.archive.outbox import Claims
from bot.archive.subscriptions import Slots

__all__ = ["Claims", "Leadership", "Slots", "SqlArchive", "move", "open_archive", "restore"]
