"""The archive as the rest of the house sees it: ports.Archive over SQL, and what the commands and the sender need besides."""

import json
from asyncio import to_thread
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive import outbox, playbooks, restated, standings, states, subscriptions, watches
from bot.archive.backup import backup
from bot.archive.codec import decode, encode
from bot.archive.engine import Database, translated, upsert
from bot.archive.evidence import evidence, facts_of
from bot.archive.leader import Leadership, fence
from bot.archive.locks import SHARD, SessionLocks, Turns
from bot.archive.migrate import HEAD, KNOWN, migrate, revision
from bot.archive.points import PointStore
from bot.archive.retention import prune
from bot.archive.schema import notes
from bot.archive.subscriptions import Slots
from bot.archive.wake import Wake, notify
from bot.domain.facts import Point, Restatement, Series
from bot.domain.judgement import Call, Verdict
from bot.domain.playbook import Playbook
from bot.domain.posts import Decision, Occasion, Post, Profile, State, Subscription, Watch
from bot.domain.readings import Snapshot, Standing
from bot.domain.story import Text
from bot.errors import ArchiveError


class SqlArchive:
    """What survives a restart. Every method is one transaction and raises ArchiveError, which says what to do."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.leadership = Leadership(database)
        self.wake = Wake(database)
        self.turns = Turns(database)
        self._points = PointStore(database)

    # ── points ───────────────────────────────────────────────────────────────────────────────────────────────────────

    async def series(self, asset: str, since: datetime, until: datetime | None = None) -> Sequence[Series]:
        """Every metric's past of one asset between two times, as known at the later one, hourly where rolled up, aggregate and
        per venue."""
        return await self._points.series(asset, since, until)

    async def past(
        self, metric: str, asset: str, since: datetime, until: datetime | None = None, venue: str | None = None
    ) -> Series:
        """One metric's past between two times; empty columns where nothing is stored."""
        return await self._points.past(metric, asset, since, until, venue)

    async def latest(self, asset: str | None = None) -> Sequence[Point]:
        """The newest point of every metric, aggregate and per venue."""
        return await self._points.latest(asset)

    async def add_points(self, points: Sequence[Point], heard_at: datetime | None = None) -> None:
        """Store points; one that is there already (same metric, asset, venue, time) is replaced. With `heard_at` what was known
        of a stretch until then is kept."""
        numbered = await self._points.intern(points)
        async with self.database.write("storing points") as connection:
            await self._fenced(connection)
            await self._points.store(connection, numbered, heard_at)

    # ── evaluations ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def state(self, asset: str, profile: Profile) -> State:
        """What decide() remembered last, routes of the profile's subscriptions included; an empty State at first."""
        async with self.database.read(f"state of {asset}") as connection:
            kept = await states.load(connection, asset, profile)
            return State(
                signals=kept.signals, memory=kept.memory, stance=kept.stance, stance_since=kept.stance_since,
                venues=kept.venues, routes=await subscriptions.routes(connection, asset, profile),
            )  # fmt: skip

    async def commit(self, asset: str, profile: Profile, decision: Decision, snapshot: Snapshot) -> None:
        """Points, state, verdict and posts (as unsent outbox rows) of one evaluation, in one transaction."""
        numbered = await self._points.intern(decision.points)
        shown = encode(evidence(decision, snapshot)) if decision.posts else None
        async with self.database.write(f"storing the evaluation of {asset}") as connection:
            await self._fenced(connection)
            await self._points.store(connection, numbered, snapshot.taken_at)
            before = await states.load(connection, asset, profile)
            number = await states.record(connection, asset, profile, decision, before=before, evidence=shown)
            await states.save(connection, asset, profile, decision)
            await subscriptions.remember(connection, asset, profile, decision.state.routes, decision.posts)
            await watches.keep(connection, decision.watches)
            await outbox.add(connection, number, decision.posts)
            if decision.posts:
                await notify(connection)
        if decision.posts:
            self.wake.tell()

    async def verdicts(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Verdict]:
        """Verdicts, oldest first: each that changed the stance, and each that was posted."""
        async with self.database.read(f"verdicts on {asset}") as connection:
            return await states.verdicts(connection, asset, profile or Profile(), since, until)

    async def calls(
        self, asset: str, since: datetime, *, until: datetime | None = None, profile: Profile | None = None
    ) -> Sequence[Call]:
        """Each change of stance, or of the rules that judge, oldest first; the first row is the stance at the beginning."""
        async with self.database.read(f"verdicts on {asset}") as connection:
            return await states.calls(connection, asset, profile or Profile(), since, until)

    # ── playbooks ────────────────────────────────────────────────────────────────────────────────────────────────────

    async def keep_playbook(self, playbook: Playbook, at: datetime) -> None:
        """Keep the files of an edition, so that what it said can be said again."""
        async with self.database.read(f"playbook {playbook.hash}") as connection:
            if await playbooks.is_kept(connection, playbook.hash):
                return
        async with self.database.write(f"playbook {playbook.hash}") as connection:
            await playbooks.keep(connection, playbook, at)

    async def edition(self, asset: str) -> str | None:
        """The hash of the playbook that judged last; None where nothing was judged yet."""
        async with self.database.read(f"evaluations of {asset}") as connection:
            return await states.edition(connection, asset)

    async def playbook_files(self, name: str) -> Mapping[str, str]:
        """The files of the edition of this hash, path → text; none where it was not kept."""
        async with self.database.read(f"playbook {name}") as connection:
            return await playbooks.files(connection, name)

    # ── posts ────────────────────────────────────────────────────────────────────────────────────────────────────────

    async def unsent(self, surface: str) -> Sequence[Post]:
        """Outbox rows of one surface that are not sent, oldest first."""
        async with self.database.read("outbox") as connection:
            return await outbox.with_status(connection, surface, outbox.UNSENT)

    async def uncertain(self, surface: str) -> Sequence[Post]:
        """Posts of one surface of which nobody can tell whether they went out, oldest first."""
        async with self.database.read("outbox") as connection:
            return await outbox.with_status(connection, surface, outbox.UNCERTAIN)

    async def claim(
        self, surface: str, *, worker: str, at: datetime, lease: timedelta = timedelta(minutes=1), limit: int = 100
    ) -> Sequence[Post]:
        """Unsent posts for this worker alone until the lease ends, oldest first: for several processes on one outbox."""
        async with self.database.write("outbox") as connection:
            return await outbox.claim(connection, surface, worker=worker, at=at, lease=lease, limit=limit)

    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        """Posts are tried from now on; those that were before keep their time."""
        new = [post for post in tried if post.attempted_at is None]
        if new:
            async with self.database.write("outbox") as connection:
                await outbox.attempt(connection, new, at)

    async def release(self, worker: str) -> None:
        """Give back what a worker claimed and did not send."""
        async with self.database.write("outbox") as connection:
            await outbox.release(connection, worker)

    async def mark_sent(self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None) -> None:
        """The post went out."""
        await self._mark(post_id, channel, status=outbox.SENT, sent_at=sent_at, message_id=message_id)

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        """Nobody can tell whether the post went out: it is not sent again."""
        await self._mark(post_id, channel, status=outbox.UNCERTAIN)

    async def mark_late(self, post_id: str, *, channel: str) -> None:
        """The post goes out later than intended, and says so."""
        await self._mark(post_id, channel, late=True)

    async def posts(
        self, *, asset: str | None = None, limit: int = 50, before: datetime | None = None, channel: str | None = None
    ) -> Sequence[Post]:
        """Posts, newest first."""
        async with self.database.read("posts") as connection:
            return await outbox.recent(connection, asset=asset, channel=channel, limit=limit, before=before)

    async def post(self, post_id: str) -> Post | None:
        """One post by its short id."""
        async with self.database.read(f"post {post_id}") as connection:
            return await outbox.find(connection, post_id)

    async def evidence(self, post_id: str) -> Mapping[str, object]:
        """What a post was judged on, as `bot.archive.evidence` lists it; empty where there is no such post."""
        async with self.database.read(f"post {post_id}") as connection:
            text = await outbox.evidence_of(connection, post_id)
        found: Mapping[str, object] = json.loads(text) if text else {}
        return found

    async def occasion(self, post_id: str) -> Occasion | None:
        """What a post stood on; None where it is not known (an older version made it, or it is past its retention)."""
        async with self.database.read(f"post {post_id}") as connection:
            row = await outbox.evaluation_of(connection, post_id)
        if row is None or row.before is None or row.evidence is None or row.verdict is None:
            return None
        before = decode(row.before, states.Before, f"post {post_id}")
        return Occasion(
            facts=facts_of(row.asset, json.loads(row.evidence)), state=before.state, profile=before.profile,
            verdict=decode(row.verdict, Verdict, f"post {post_id}"), playbook_hash=row.playbook_hash,
        )  # fmt: skip

    async def outbox_count(self) -> Mapping[str, int]:
        """How many posts are in each status: unsent, sent, uncertain, dropped."""
        async with self.database.read("outbox") as connection:
            return await outbox.count(connection)

    # ── sources ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def standings(self, asset: str) -> Sequence[Standing]:
        """How each source did so far, by name."""
        async with self.database.read(f"sources of {asset}") as connection:
            return await standings.listed(connection, asset)

    async def keep_standings(self, found: Sequence[Standing]) -> None:
        """Keep how some sources do now."""
        async with self.database.write("sources") as connection:
            await self._fenced(connection)
            await standings.keep(connection, found)

    async def channels_of(self, post_ids: Sequence[str]) -> frozenset[str]:
        """The channels that any of these posts was made for."""
        async with self.database.read("outbox") as connection:
            return await outbox.channels_of(connection, post_ids)

    # ── corrections ──────────────────────────────────────────────────────────────────────────────────────────────────

    async def unsettled(self, asset: str) -> Sequence[Restatement]:
        """What venues told otherwise, and nobody has looked yet which posts rest on it; the earliest first."""
        async with self.database.read(f"restatements of {asset}") as connection:
            return await restated.unsettled(connection, asset)

    async def correct(self, corrections: Mapping[str, Sequence[Text]], settled: Sequence[int], at: datetime) -> None:
        """Add words to posts, by their ids, and let them be edited where they went out; and settle restatements."""
        async with self.database.write("corrections") as connection:
            await outbox.correct(connection, corrections, at)
            await restated.settle(connection, settled, at)

    async def told_since(self, asset: str, since: datetime) -> Sequence[Post]:
        """The posts on an asset since a time that went out or will, one of each id, oldest first."""
        async with self.database.read("posts") as connection:
            return await outbox.told_since(connection, asset, since)

    async def unedited(self, surface: str) -> Sequence[Post]:
        """Posts of one surface that went out and have been corrected since, oldest first."""
        async with self.database.read("outbox") as connection:
            return await outbox.unedited(connection, surface)

    async def mark_edited(self, post: Post, *, done: bool = True) -> None:
        """The post is shown with all the corrections that it has here; or (not `done`) it cannot be edited any more."""
        async with self.database.write(f"post {post.id}") as connection:
            await outbox.mark_edited(connection, post, done=done)

    # ── subscriptions ────────────────────────────────────────────────────────────────────────────────────────────────

    async def profiles(self, asset: str) -> Sequence[Profile]:
        """The profiles that some subscription of the asset uses; the default one at least, first."""
        async with self.database.read(f"profiles of {asset}") as connection:
            return await subscriptions.profiles(connection, asset)

    async def subscribe(self, subscription: Subscription) -> None:
        """Add a subscription or change its settings. Raises InputError where no further profile fits."""
        async with self.database.write(f"subscription of {subscription.channel}") as connection:
            await subscriptions.subscribe(connection, subscription)

    async def unsubscribe(self, channel: str, asset: str | None = None) -> int:
        """End one subscription of a channel, or all of them and what is unsent to it: how many ended."""
        async with self.database.write(f"subscription of {channel}") as connection:
            return await subscriptions.unsubscribe(connection, channel, asset)

    async def subscriptions(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        """Subscriptions, by channel and asset."""
        async with self.database.read("subscriptions") as connection:
            return await subscriptions.listed(connection, channel=channel, asset=asset, guild_id=guild_id)

    async def due(self, asset: str, at: datetime, slots: Slots) -> Mapping[str, datetime]:
        """The channels whose scheduled post is due, and the slot: the last one that was not served yet."""
        async with self.database.read(f"slots of {asset}") as connection:
            return await subscriptions.due(connection, asset, at, slots)

    async def due_weekly(self, asset: str, at: datetime, slots: Slots, times: Sequence[str]) -> Mapping[str, datetime]:
        """The channels whose weekly review is due, and the slot: the last one that was not served yet."""
        async with self.database.read(f"slots of {asset}") as connection:
            return await subscriptions.due_weekly(connection, asset, at, slots, times)

    async def pause(self, channel: str, at: datetime | None) -> None:
        """Neither post nor alert in a channel, from a time on; None ends it."""
        async with self.database.write(f"subscription of {channel}") as connection:
            await subscriptions.change(connection, channel, paused_at=at)

    async def snooze(self, channel: str, until: datetime | None) -> int:
        """No alerts in a channel until a time; None ends it. How many subscriptions the channel has."""
        async with self.database.write(f"subscription of {channel}") as connection:
            return await subscriptions.change(connection, channel, snoozed_until=until)

    async def forget_guild(self, guild_id: str) -> int:
        """Remove every row about a server: how many channels it had."""
        async with self.database.write("forgetting a server") as connection:
            return await subscriptions.forget_guild(connection, guild_id)

    # ── watches ──────────────────────────────────────────────────────────────────────────────────────────────────────

    async def watches(self, *, asset: str | None = None, reader: str | None = None) -> Sequence[Watch]:
        """Personal watches, in the order in which they were set."""
        async with self.database.read("watches") as connection:
            return await watches.listed(connection, asset=asset, reader=reader)

    async def watch(self, wish: Watch, *, most: int) -> None:
        """Set a watch; one on the same line begins anew. Raises InputError where the reader has `most` others."""
        async with self.database.write(f"watch of {wish.reader}") as connection:
            await watches.add(connection, wish, most)

    async def unwatch(self, reader: str, number: int | None = None) -> int:
        """Remove one watch of a reader by its id, or all: how many there were."""
        async with self.database.write(f"watch of {reader}") as connection:
            return await watches.remove(connection, reader, number)

    async def block(self, channel: str, at: datetime | None) -> int:
        """Direct messages are refused since a time, and what is unsent is given up; None: they go through again."""
        async with self.database.write(f"watches told in {channel}") as connection:
            return await watches.block(connection, channel, at)

    # ── the rest ─────────────────────────────────────────────────────────────────────────────────────────────────────

    async def note(self, name: str) -> str | None:
        """A small thing that was kept by name."""
        async with self.database.read(f"note {name}") as connection:
            found: str | None = (await connection.execute(select(notes.c.value).where(notes.c.name == name))).scalar()
            return found

    async def keep_note(self, name: str, value: str) -> None:
        """Keep a small thing by name."""
        async with self.database.write(f"note {name}") as connection:
            row = upsert(connection, notes).values(name=name, value=value)
            changed = {"value": row.excluded.value}
            await connection.execute(row.on_conflict_do_update(index_elements=["name"], set_=changed))

    async def prune(self, at: datetime, *, minutes_days: int = 14, hours_days: int = 800) -> Mapping[str, int]:
        """Drop points as heard older than `minutes_days`, hours and posts older than `hours_days`: how many rows of each table.
        A day keeps one point for good."""
        async with self.database.write("retention") as connection:
            return await prune(connection, at, minutes_days=minutes_days, hours_days=hours_days)

    async def backup(self, to: Path) -> int:
        """Copy the database to a file, while the bot runs: the copy's size in bytes. It is checked, or is not there."""
        return await backup(self.database, to)

    def shards(self, ids: Sequence[int]) -> SessionLocks:
        """The locks of some connections to Discord; of all of them where none is named."""
        return SessionLocks(self.database, [(SHARD, number) for number in ids or (-1,)], "shards")

    async def aclose(self) -> None:
        """Give back the leadership, close every connection."""
        await self.wake.aclose()
        await self.leadership.release()
        await self.database.aclose()

    async def _fenced(self, connection: AsyncConnection) -> None:
        if self.leadership.epoch:
            await fence(connection, "poller", self.leadership.epoch)

    async def _mark(self, post_id: str, channel: str, **values: object) -> None:
        async with self.database.write(f"post {post_id}") as connection:
            if not await outbox.mark(connection, post_id, channel, **values):
                raise ArchiveError(f"post {post_id}: not in the outbox for {channel}")


async def open_archive(url: str) -> SqlArchive:
    """The archive at a database address, brought to this version's schema: `sqlite:///FILE`, `sqlite://` (in memory) or
    `postgresql://…`. A file of an older schema is copied first, to FILE.before-REVISION.

    Raises ArchiveError: unreachable, damaged, newer than this version.
    """
    database = Database(url)
    try:
        if database.path is not None:
            with translated(f"database {database.path}"):
                await to_thread(Path(database.path).parent.mkdir, parents=True, exist_ok=True)
        await _keep_old(database)
        await migrate(database)
    except BaseException:
        await database.aclose()
        raise
    return SqlArchive(database)


async def _keep_old(database: Database) -> None:
    found = await revision(database)
    if database.path is None or found in (None, HEAD) or found not in KNOWN:
        return
    to = Path(f"{database.path}.before-{HEAD}")
    if not await to_thread(to.exists):
        await backup(database, to)
