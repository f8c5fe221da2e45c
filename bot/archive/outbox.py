"""The outbox: posts as intents, written with the verdict that they tell, sent later, each once for its
channel."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import NamedTuple

from msgspec import Struct
from sqlalchemy import and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.post_rows import read_posts, select_posts
from bot.archive.schema import posts, stories
from bot.archive.together import WritesTogether
from bot.domain.posts import Post
from bot.errors import ArchiveError

UNSENT, SENT, UNCERTAIN, DROPPED = "unsent", "sent", "uncertain", "dropped"


class Claims(Struct, frozen=True, kw_only=True):
    """How one of several senders takes posts: in its name, so many at once, for so long nobody else's."""

    worker: str
    lease: timedelta = timedelta(minutes=1)
    most: int = 100


class _SentMark(NamedTuple):
    """One post that went out."""

    post_id: str
    channel: str
    sent_at: datetime
    message_id: str | None


class SqlOutbox:
    """The table of posts, as their sender sees it. With `claims` it is shared by several senders."""

    def __init__(self, database: Database, claims: Claims | None = None) -> None:
        self._database = database
        self._claims = claims
        self._sent = WritesTogether[_SentMark](database, "outbox", _mark_sent)

    async def take_unsent(self, surface: str) -> Sequence[Post]:
        """The posts of one surface that are to be sent now, oldest first; in a shared outbox those that this
        worker could claim."""
        if self._claims is None:
            return await self.find_unsent(surface)
        return await self.claim(surface, self._claims, datetime.now(UTC))

    @run_to_the_end
    async def find_unsent(self, surface: str) -> Sequence[Post]:
        """The posts of one surface that are not sent, oldest first."""
        return await self._find(surface, UNSENT)

    @run_to_the_end
    async def find_uncertain(self, surface: str) -> Sequence[Post]:
        """Posts of one surface of which nobody can tell whether they went out, oldest first."""
        return await self._find(surface, UNCERTAIN)

    @run_to_the_end
    async def count(self) -> Mapping[str, int]:
        """How many posts are in each status: unsent, sent, uncertain, dropped."""
        async with self._database.read("outbox") as connection:
            rows = await connection.execute(select(posts.c.status, func.count()).group_by(posts.c.status))
            return dict(rows.all())

    @run_to_the_end
    async def claim(self, surface: str, claims: Claims, at: datetime) -> Sequence[Post]:
        """Unsent posts that nobody else is at, oldest first, for this worker alone until the lease ends. One that
        would end later than two leases from now is of a clock that was set back since, and holds nobody up: `at` may
        be older than another's claim by as long as this one waited for the database."""
        free = and_(
            posts.c.surface == surface,
            posts.c.status == UNSENT,
            # A lease that ends further off than any can was given by a clock that has been put back since.
            or_(
                posts.c.claimed_until.is_(None),
                posts.c.claimed_until <= at,
                posts.c.claimed_until > at + 2 * claims.lease,
            ),
        )
        oldest = select(posts.c.seq).where(free).order_by(posts.c.intended_at, posts.c.seq).limit(claims.most)
        # SQLite leaves FOR UPDATE out of what it is told; there the transaction has the whole file for
        # itself. A subquery in its place could be run more than once by PostgreSQL, and lock more than the
        # limit.
        taken = oldest.with_for_update(skip_locked=True).cte("taken")
        change = (
            update(posts)
            .where(posts.c.seq.in_(select(taken.c.seq)))
            .values(claimed_by=claims.worker, claimed_until=at + claims.lease)
        )
        async with self._database.write("outbox") as connection:
            numbers = (await connection.execute(change.returning(posts.c.seq))).scalars().all()
            wanted = select_posts().where(posts.c.seq.in_(numbers))
            return read_posts(await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq)))

    @run_to_the_end
    async def release(self, worker: str) -> None:
        """Give back what a worker claimed and did not send."""
        change = update(posts).where(posts.c.claimed_by == worker, posts.c.status == UNSENT)
        async with self._database.write("outbox") as connection:
            await connection.execute(change.values(claimed_by=None, claimed_until=None))

    @run_to_the_end
    async def attempt(self, tried: Sequence[Post], at: datetime) -> None:
        """Posts are tried from now on: whoever finds them unsent later must look before sending. Those that
        were tried before keep their time."""
        here = posts.c.id == bindparam("for_id"), posts.c.channel == bindparam("for_channel")
        rows = [
            {"for_id": post.id, "for_channel": post.channel, "at": at}
            for post in tried
            if post.attempted_at is None
        ]
        if rows:
            change = update(posts).where(*here).values(attempted_at=bindparam("at"))
            async with self._database.write("outbox") as connection:
                await connection.execute(change, rows)

    @run_to_the_end
    async def clear_attempts(self, untried: Sequence[Post]) -> None:
        """It is certain that nothing of these posts went out: whoever finds them unsent need not look."""
        here = posts.c.id == bindparam("for_id"), posts.c.channel == bindparam("for_channel")
        rows = [{"for_id": post.id, "for_channel": post.channel} for post in untried]
        if rows:
            change = update(posts).where(*here, posts.c.status == UNSENT).values(attempted_at=None)
            async with self._database.write("outbox") as connection:
                await connection.execute(change, rows)

    @run_to_the_end
    async def give_up(self, worthless: Sequence[Post]) -> None:
        """These posts are not sent any more."""
        here = posts.c.id == bindparam("for_id"), posts.c.channel == bindparam("for_channel")
        rows = [{"for_id": post.id, "for_channel": post.channel} for post in worthless]
        if rows:
            change = update(posts).where(*here, posts.c.status == UNSENT).values(status=DROPPED)
            async with self._database.write("outbox") as connection:
                await connection.execute(change, rows)

    @run_to_the_end
    async def mark_sent(
        self, post_id: str, *, channel: str, sent_at: datetime, message_id: str | None
    ) -> None:
        """The post went out. Those that are marked at the same time are so in one transaction."""
        await self._sent.add(_SentMark(post_id, channel, sent_at, message_id))

    @run_to_the_end
    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        """Nobody can tell whether the post went out: it is not sent again."""
        await self._mark(post_id, channel, status=UNCERTAIN)

    @run_to_the_end
    async def mark_late(self, post_id: str, *, channel: str) -> None:
        """The post goes out later than intended, and says so."""
        await self._mark(post_id, channel, late=True)

    async def add(self, connection: AsyncConnection, intents: Sequence[tuple[int, Sequence[Post]]]) -> None:
        """Write the posts of some evaluations, each by its number, as unsent. One that is there already (same id and
        channel) stays as it is: a post is made once."""
        told = [(number, encode(post.story), post) for number, made in intents for post in made]
        if not told:
            return
        numbers = await _add_stories(connection, dict.fromkeys((number, text) for number, text, _ in told))
        rows = [
            {
                "id": post.id,
                "channel": post.channel,
                "surface": surface_of(post.channel),
                "asset": post.asset,
                "reason": post.reason,
                "story_id": numbers[number, text],
                "nonce": post.nonce,
                "intended_at": post.intended_at,
                "late": post.late,
                "status": UNSENT,
                "severity": post.severity,
            }
            for number, text, post in told
        ]
        await connection.execute(upsert(connection, posts).on_conflict_do_nothing(), rows)

    async def drop(self, connection: AsyncConnection, channel: str) -> None:
        """Give up what is unsent for a channel that is no longer served."""
        change = update(posts).where(posts.c.channel == channel, posts.c.status == UNSENT)
        await connection.execute(change.values(status=DROPPED))

    async def _find(self, surface: str, status: str) -> tuple[Post, ...]:
        wanted = select_posts().where(posts.c.surface == surface, posts.c.status == status)
        async with self._database.read("outbox") as connection:
            return read_posts(await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq)))

    async def _mark(self, post_id: str, channel: str, **values: object) -> None:
        change = update(posts).where(posts.c.id == post_id, posts.c.channel == channel)
        async with self._database.write(f"post {post_id}") as connection:
            if not (await connection.execute(change.values(**values))).rowcount:
                raise _is_not_there(post_id, channel)


async def _mark_sent(
    connection: AsyncConnection, marks: Sequence[_SentMark]
) -> Sequence[ArchiveError | None]:
    """Mark posts as sent; of one that is not there why."""
    wanted = select(posts.c.id, posts.c.channel).where(posts.c.id.in_({mark.post_id for mark in marks}))
    known = {(name, channel) for name, channel in await connection.execute(wanted)}
    rows = [
        {
            "for_id": mark.post_id,
            "for_channel": mark.channel,
            "sent_at": mark.sent_at,
            "message_id": mark.message_id,
        }
        for mark in marks
        if (mark.post_id, mark.channel) in known
    ]
    if rows:
        change = update(posts).where(
            posts.c.id == bindparam("for_id"), posts.c.channel == bindparam("for_channel")
        )
        told = change.values(status=SENT, sent_at=bindparam("sent_at"), message_id=bindparam("message_id"))
        await connection.execute(told, rows)
    return [
        None if (mark.post_id, mark.channel) in known else _is_not_there(mark.post_id, mark.channel)
        for mark in marks
    ]


def _is_not_there(post_id: str, channel: str) -> ArchiveError:
    return ArchiveError(f"post {post_id}: not in the outbox for {channel}")


async def _add_stories(
    connection: AsyncConnection, told: Iterable[tuple[int, str]]
) -> Mapping[tuple[int, str], int]:
    """Write stories, each with the number of its evaluation: the numbers that they get, which ascend in their order."""
    kept = list(told)
    rows = [{"evaluation_id": evaluation, "story": text} for evaluation, text in kept]
    await connection.execute(stories.insert(), rows)
    wanted = select(stories.c.id, stories.c.evaluation_id).where(
        stories.c.evaluation_id.in_({evaluation for evaluation, _ in kept})
    )
    # What an evaluation told before stands first; of the others each one's last is taken first.
    found: dict[int, list[int]] = {}
    for number, evaluation in await connection.execute(wanted.order_by(stories.c.id)):
        found.setdefault(evaluation, []).append(number)
    return {(evaluation, text): found[evaluation].pop() for evaluation, text in reversed(kept)}


def surface_of(channel: str) -> str:
    """The surface that a channel is on: "discord" of "discord:123"."""
    return channel.partition(":")[0]
