"""The outbox: posts as intents, written with the verdict that they tell, sent later, each once for its channel."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.archive.codec import decode, encode
from bot.archive.engine import upsert
from bot.archive.schema import corrections, evaluations, posts, stories
from bot.domain.posts import Post
from bot.domain.story import Story, Text

UNSENT, SENT, UNCERTAIN, DROPPED = "unsent", "sent", "uncertain", "dropped"
DUE, DONE, GIVEN_UP = "due", "done", "dropped"
PERSONAL = "watch"


def surface_of(channel: str) -> str:
    """The surface that a channel is on: "discord" of "discord:123"."""
    return channel.partition(":")[0]


async def add(connection: AsyncConnection, evaluation_id: int, intents: Sequence[Post]) -> None:
    """Write posts as unsent. One that is there already (same id and channel) stays as it is: a post is made once."""
    numbers: dict[str, int] = {}
    rows = []
    for post in intents:
        text = encode(post.story)
        if text not in numbers:
            row = stories.insert().values(evaluation_id=evaluation_id, story=text).returning(stories.c.id)
            numbers[text] = (await connection.execute(row)).scalar_one()
        rows.append(
            {
                "id": post.id, "channel": post.channel, "surface": surface_of(post.channel), "asset": post.asset,
                "reason": post.reason, "story_id": numbers[text], "nonce": post.nonce, "intended_at": post.intended_at,
                "late": post.late, "status": UNSENT,
            }
        )  # fmt: skip
    if rows:
        await connection.execute(upsert(connection, posts).on_conflict_do_nothing(), rows)


async def with_status(connection: AsyncConnection, surface: str, status: str) -> tuple[Post, ...]:
    """The posts of one surface in one status, oldest first."""
    wanted = _posts().where(posts.c.surface == surface, posts.c.status == status)
    rows = await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq))
    return _read(rows)


async def claim(
    connection: AsyncConnection, surface: str, *, worker: str, at: datetime, lease: timedelta, limit: int
) -> tuple[Post, ...]:
    """Unsent posts that nobody else is at, oldest first, for this worker alone until the lease ends."""
    free = and_(
        posts.c.surface == surface,
        posts.c.status == UNSENT,
        or_(posts.c.claimed_until.is_(None), posts.c.claimed_until <= at),
    )
    oldest = select(posts.c.seq).where(free).order_by(posts.c.intended_at, posts.c.seq).limit(limit)
    # SQLite leaves FOR UPDATE out of what it is told; there the transaction has the whole file for itself. A subquery in its
    # place could be run more than once by PostgreSQL, and lock more than the limit.
    taken = oldest.with_for_update(skip_locked=True).cte("taken")
    change = (
        update(posts).where(posts.c.seq.in_(select(taken.c.seq))).values(claimed_by=worker, claimed_until=at + lease)
    )
    numbers = (await connection.execute(change.returning(posts.c.seq))).scalars().all()
    wanted = _posts().where(posts.c.seq.in_(numbers))
    return _read(await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq)))


async def release(connection: AsyncConnection, worker: str) -> None:
    """Give back what a worker claimed and did not send."""
    change = update(posts).where(posts.c.claimed_by == worker, posts.c.status == UNSENT)
    await connection.execute(change.values(claimed_by=None, claimed_until=None))


async def attempt(connection: AsyncConnection, tried: Sequence[Post], at: datetime) -> None:
    """Posts are tried from now on: whoever finds them unsent later must look before sending."""
    here = posts.c.id == bindparam("for_id"), posts.c.channel == bindparam("for_channel")
    rows = [{"for_id": post.id, "for_channel": post.channel, "at": at} for post in tried]
    await connection.execute(update(posts).where(*here).values(attempted_at=bindparam("at")), rows)


async def mark(connection: AsyncConnection, post_id: str, channel: str, **values: object) -> bool:
    """Change one row of the outbox; False where there is none."""
    change = update(posts).where(posts.c.id == post_id, posts.c.channel == channel)
    return bool((await connection.execute(change.values(**values))).rowcount)


async def drop(connection: AsyncConnection, channel: str) -> None:
    """Give up what is unsent for a channel that is no longer served."""
    change = update(posts).where(posts.c.channel == channel, posts.c.status == UNSENT)
    await connection.execute(change.values(status=DROPPED))


async def recent(
    connection: AsyncConnection, *, asset: str | None, channel: str | None, limit: int, before: datetime | None
) -> tuple[Post, ...]:
    """Posts, newest first; those before a time, of an asset, of a channel. What a single reader was told by direct message
    is listed for that channel alone."""
    wanted = _posts()
    if channel is None:
        wanted = wanted.where(posts.c.reason != PERSONAL)
    if asset is not None:
        wanted = wanted.where(posts.c.asset == asset)
    if channel is not None:
        wanted = wanted.where(posts.c.channel == channel)
    if before is not None:
        wanted = wanted.where(posts.c.intended_at < before)
    rows = await connection.execute(wanted.order_by(posts.c.intended_at.desc(), posts.c.seq.desc()).limit(limit))
    return _read(rows)


async def find(connection: AsyncConnection, post_id: str) -> Post | None:
    """One post by its short id; of several channels' the first."""
    found = _read(await connection.execute(_posts().where(posts.c.id == post_id).order_by(posts.c.seq).limit(1)))
    return found[0] if found else None


async def evidence_of(connection: AsyncConnection, post_id: str) -> str | None:
    """The JSON of what a post was judged on; None where there is no such post."""
    row = await evaluation_of(connection, post_id)
    return None if row is None else row.evidence


async def evaluation_of(connection: AsyncConnection, post_id: str) -> Row[Any] | None:
    """The evaluation that led to a post; None where there is no such post."""
    wanted = (
        select(evaluations)
        .join(stories, stories.c.evaluation_id == evaluations.c.id)
        .join(posts, posts.c.story_id == stories.c.id)
        .where(posts.c.id == post_id)
        .order_by(posts.c.seq)
        .limit(1)
    )
    return (await connection.execute(wanted)).first()


async def correct(connection: AsyncConnection, added: Mapping[str, Sequence[Text]], at: datetime) -> None:
    """Add words to posts, by their ids. Where a post went out or is going out it is to be edited; elsewhere it goes out with them."""
    known = select(corrections).where(corrections.c.post_id.in_(added))
    before = {row.post_id: decode(row.texts, tuple[Text, ...], row.post_id) for row in await connection.execute(known)}
    for post_id, texts in added.items():
        row = upsert(connection, corrections).values(
            post_id=post_id, made_at=at, texts=encode((*before.get(post_id, ()), *texts))
        )
        changed = {"made_at": row.excluded.made_at, "texts": row.excluded.texts}
        await connection.execute(row.on_conflict_do_update(index_elements=["post_id"], set_=changed))
    mine = posts.c.id.in_(added), posts.c.status.in_((SENT, UNSENT))
    await connection.execute(update(posts).where(*mine).values(edit=DUE))


async def told_since(connection: AsyncConnection, asset: str, since: datetime) -> tuple[Post, ...]:
    """The posts on an asset since a time that went out or will, one of each id, oldest first."""
    mine = posts.c.asset == asset, posts.c.intended_at >= since, posts.c.status.in_((SENT, UNSENT))
    first = select(func.min(posts.c.seq)).where(*mine).group_by(posts.c.id)
    return _read(await connection.execute(_posts().where(posts.c.seq.in_(first)).order_by(posts.c.seq)))


async def channels_of(connection: AsyncConnection, post_ids: Sequence[str]) -> frozenset[str]:
    """The channels that any of these posts was made for."""
    wanted = select(posts.c.channel).where(posts.c.id.in_(post_ids))
    return frozenset((await connection.execute(wanted)).scalars())


async def unedited(connection: AsyncConnection, surface: str) -> tuple[Post, ...]:
    """Posts of one surface that went out and have been corrected since, oldest first."""
    wanted = _posts().where(posts.c.surface == surface, posts.c.status == SENT, posts.c.edit == DUE)
    return _read(await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq)))


async def mark_edited(connection: AsyncConnection, post: Post, *, done: bool) -> None:
    """The post is shown with its corrections, or cannot be; unless another one came meanwhile."""
    texts = select(corrections.c.texts).where(corrections.c.post_id == post.id).scalar_subquery()
    mine = posts.c.id == post.id, posts.c.channel == post.channel, texts == encode(post.corrections)
    await connection.execute(update(posts).where(*mine).values(edit=DONE if done else GIVEN_UP))


async def count(connection: AsyncConnection) -> dict[str, int]:
    """How many posts are in each status."""
    rows = await connection.execute(select(posts.c.status, func.count()).group_by(posts.c.status))
    return dict(rows.all())


def _posts() -> Select[Any]:
    told = select(posts, stories.c.story, corrections.c.texts).join(stories, stories.c.id == posts.c.story_id)
    return told.outerjoin(corrections, corrections.c.post_id == posts.c.id)


def _read(rows: Iterable[Row[Any]]) -> tuple[Post, ...]:
    told: dict[int, Story] = {}
    return tuple(_post(row, told) for row in rows)


def _post(row: Row[Any], told: dict[int, Story]) -> Post:
    if row.story_id not in told:
        told[row.story_id] = decode(row.story, Story, f"post {row.id}")
    return Post(
        id=row.id, channel=row.channel, asset=row.asset, reason=row.reason, story=told[row.story_id], nonce=row.nonce,
        intended_at=row.intended_at, sent_at=row.sent_at, message_id=row.message_id, late=bool(row.late),
        attempted_at=row.attempted_at,
        corrections=decode(row.texts, tuple[Text, ...], f"post {row.id}") if row.texts else (),
    )  # fmt: skip
