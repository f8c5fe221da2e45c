"""The archive: repositories over one database, and what takes all of them.

Each repository has its SQL. A method that takes a connection is part of its caller's transaction; every other
one is a transaction of its own, and raises ArchiveError, which says what to do."""

from asyncio import to_thread
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from bot.archive.backup import backup
from bot.archive.channels import SqlChannels
from bot.archive.corrections import SqlCorrections
from bot.archive.digests import SqlDigests
from bot.archive.engine import Database, translate_errors
from bot.archive.files import keep_private, prepare_file
from bot.archive.leader import Leadership
from bot.archive.locks import SHARD, SessionLocks, Turns
from bot.archive.migrate import HEAD, KNOWN, migrate, revision
from bot.archive.notes import SqlNotes
from bot.archive.once_a_poll import OnceAPoll
from bot.archive.outbox import Claims, SqlOutbox
from bot.archive.past_copies import SqlPastCopies
from bot.archive.playbooks import SqlPlaybooks
from bot.archive.points import SqlPoints
from bot.archive.posts import SqlPosts
from bot.archive.restatements import SqlRestatements
from bot.archive.retention import Retention, prune
from bot.archive.source_health import SqlSourceHealth
from bot.archive.states import SqlStates
from bot.archive.subscriptions import SqlSubscriptions
from bot.archive.wake import Wake, notify
from bot.archive.watches import SqlWatches
from bot.domain.posts import Decision, Profile
from bot.domain.readings import Snapshot


class SqlArchive:
    """What survives a restart. With `claims` the outbox is shared by several senders."""

    def __init__(self, database: Database, claims: Claims | None = None) -> None:
        self.database = database
        self.leadership = Leadership(database)
        self.wake = Wake(database)
        self.turns = Turns(database)
        self.restatements = SqlRestatements(database)
        self.points = SqlPoints(database, self.leadership, self.restatements)
        self.past_copies = SqlPastCopies(database, self.leadership)
        self.outbox = SqlOutbox(database, claims)
        self.subscriptions = SqlSubscriptions(database, self.outbox)
        self.states = SqlStates(database, self.subscriptions)
        self.watches = SqlWatches(database, self.outbox)
        self.digests = SqlDigests(database)
        self.posts = SqlPosts(database)
        self.corrections = SqlCorrections(database, self.restatements)
        self.source_health = SqlSourceHealth(database, self.leadership)
        self.playbooks = SqlPlaybooks(database)
        self.notes = SqlNotes(database)
        self.channels = SqlChannels(database)
        self._of_poll = OnceAPoll()

    async def commit(self, asset: str, profile: Profile, decision: Decision, snapshot: Snapshot) -> None:
        """Points, state, verdict and posts (as unsent outbox rows) of one evaluation, in one transaction."""
        await self.commit_all(asset, ((profile, decision),), snapshot)

    async def commit_all(
        self, asset: str, decided: Sequence[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> None:
        """The same of all evaluations of a poll, one a profile, in their order and in one transaction."""
        await self.database.finish(lambda: self._commit(asset, decided, snapshot))

    async def _commit(
        self, asset: str, decided: Sequence[tuple[Profile, Decision]], snapshot: Snapshot
    ) -> None:
        decisions = [decision for _, decision in decided]
        posts = [post for decision in decisions for post in decision.posts]
        new = self._of_poll.find_new(snapshot, [point for one in decisions for point in one.points])
        numbered = await self.points.intern(new)
        shown = [self._of_poll.encode_evidence(one, snapshot) if one.posts else None for one in decisions]
        async with self.database.write(f"storing the evaluation of {asset}") as connection:
            await self.leadership.fence(connection)
            await self.points.store(connection, numbered, snapshot.taken_at)
            numbers = await self.states.record(connection, asset, decided, shown)
            await self.subscriptions.remember(connection, asset, decided)
            await self.watches.keep(connection, [watch for one in decisions for watch in one.watches])
            await self.digests.serve(connection, posts)
            await self.outbox.add(
                connection, [(number, one.posts) for number, one in zip(numbers, decisions, strict=True)]
            )
            if posts:
                await notify(connection)
        self._of_poll.note_stored(snapshot, new)
        if posts:
            self.wake.tell()

    async def prune(
        self, at: datetime, *, minutes_days: int = 14, hours_days: int = 800
    ) -> Mapping[str, int]:
        """Drop points as heard older than `minutes_days`, hours and posts older than `hours_days`, counted from
        the newest stored reading: how many rows of each table; none where the clock is not to be trusted. A day
        keeps one point for good. The write-ahead log is emptied."""
        keep = Retention(minutes=timedelta(days=minutes_days), hours=timedelta(days=hours_days))
        dropped = await self.database.finish(lambda: prune(self.database, at, keep))
        await self.database.finish(self.database.checkpoint)
        return dropped

    async def backup(self, to: Path) -> int:
        """Copy the database to a file, while the bot runs: the copy's size in bytes. It is checked, or is not
        there."""
        return await backup(self.database, to)

    def shards(self, ids: Sequence[int]) -> SessionLocks:
        """The locks of some connections to Discord; of all of them where none is named."""
        return SessionLocks(self.database, [(SHARD, number) for number in ids or (-1,)], "shards")

    async def aclose(self) -> None:
        """Give back the leadership, close every connection."""
        await self.wake.aclose()
        await self.leadership.release()
        await self.database.aclose()


async def open_archive(url: str, *, claims: Claims | None = None) -> SqlArchive:
    """The archive at a database address, brought to this version's schema: `sqlite:///FILE`, `sqlite://` (in
    memory) or `postgresql://…`. A file of an older schema is copied first, to FILE.before-REVISION.

    Raises ArchiveError: unreachable, damaged, newer than this version.
    """
    database = Database(url)
    try:
        if database.path is not None:
            with translate_errors(f"database {database.path}"):
                await to_thread(Path(database.path).parent.mkdir, parents=True, exist_ok=True)
                await to_thread(prepare_file, Path(database.path))
        await _keep_old(database)
        if await migrate(database):
            await database.checkpoint()
        if database.path is not None:
            with translate_errors(f"database {database.path}"):
                await to_thread(keep_private, Path(database.path))
    except BaseException:
        await database.aclose()
        raise
    return SqlArchive(database, claims)


async def _keep_old(database: Database) -> None:
    found = await revision(database)
    if database.path is None or found in (None, HEAD) or found not in KNOWN:
        return
    to = Path(f"{database.path}.before-{HEAD}")
    if not await to_thread(to.exists):
        await backup(database, to)
