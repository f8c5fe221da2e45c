"""What survives a restart: points, states, outbox, subscriptions. SQLite by default, PostgreSQL for several processes."""

from bot.archive.archive import SqlArchive, open_archive
from bot.archive.backup import restore
from bot.archive.leader import Leadership
from bot.archive.move import move
from bot.archive.subscriptions import Slots

__all__ = ["Leadership", "Slots", "SqlArchive", "move", "open_archive", "restore"]
