"""What survives a restart: points, states, outbox, subscriptions. SQLite by default, PostgreSQL for several processes."""

from bot.archive.archive import SqlArchive, open_archive

__all__ = ["SqlArchive", "open_archive"]
