"""Posts looked back on: what was said, where, and what it stood on."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Row, case, func, select

from bot.archive.codec import decode
from bot.archive.engine import Database, run_to_the_end
from bot.archive.evidence import facts_of
from bot.archive.outbox import SENT, UNSENT
from bot.archive.post_rows import read_posts, select_posts
from bot.archive.schema import evaluations, posts, stories
from bot.archive.states import Before
from bot.domain.judgement import Verdict
from bot.domain.posts import Post, PostInputs

PERSONAL = "watch"


class SqlPosts:
    """The table of posts, as readers see it."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @run_to_the_end
    async def find(
        self,
        *,
        asset: str | None = None,
        limit: int = 50,
        before: datetime | None = None,
        channel: str | None = None,
    ) -> Sequence[Post]:
        """Posts, newest first; those before a time, of an asset, of a channel. What a single reader was told
        by direct message is listed for that channel alone."""
        wanted = select_posts()
        if channel is None:
            wanted = wanted.where(posts.c.reason != PERSONAL)
        else:
            wanted = wanted.where(posts.c.channel == channel)
        if asset is not None:
            wanted = wanted.where(posts.c.asset == asset)
        if before is not None:
            wanted = wanted.where(posts.c.intended_at < before)
        newest = wanted.order_by(posts.c.intended_at.desc(), posts.c.seq.desc()).limit(limit)
        async with self._database.read("posts") as connection:
            return read_posts(await connection.execute(newest))

    @run_to_the_end
    async def find_since(self, asset: str, since: datetime) -> Sequence[Post]:
        """The posts on an asset since a time that went out or will, one of each id, oldest first."""
        mine = posts.c.asset == asset, posts.c.intended_at >= since, posts.c.status.in_((SENT, UNSENT))
        first = select(func.min(posts.c.seq)).where(*mine).group_by(posts.c.id)
        wanted = select_posts().where(posts.c.seq.in_(first)).order_by(posts.c.seq)
        async with self._database.read("posts") as connection:
            return read_posts(await connection.execute(wanted))

    @run_to_the_end
    async def get(self, post_id: str, channels: Sequence[str] = ()) -> Post | None:
        """One post by its short id. Made for several channels, it is that of one of these `channels`, else
        the first."""
        wanted = select_posts().where(posts.c.id == post_id).order_by(*_nearest(channels)).limit(1)
        async with self._database.read(f"post {post_id}") as connection:
            found = read_posts(await connection.execute(wanted))
            return found[0] if found else None

    @run_to_the_end
    async def channels(self, post_ids: Sequence[str]) -> frozenset[str]:
        """The channels that any of these posts was made for."""
        wanted = select(posts.c.channel).where(posts.c.id.in_(post_ids))
        async with self._database.read("outbox") as connection:
            return frozenset((await connection.execute(wanted)).scalars())

    @run_to_the_end
    async def evidence(self, post_id: str, channels: Sequence[str] = ()) -> Mapping[str, object]:
        """What a post was judged on, as `bot.archive.evidence` lists it; empty where there is no such
        post."""
        row = await self._evaluation(post_id, channels)
        found: Mapping[str, object] = json.loads(row.evidence) if row is not None and row.evidence else {}
        return found

    @run_to_the_end
    async def inputs(self, post_id: str, channels: Sequence[str] = ()) -> PostInputs | None:
        """What a post stood on, for telling it again; None where it is not known (an older version made it,
        or it is past its retention)."""
        row = await self._evaluation(post_id, channels)
        if row is None or row.before is None or row.evidence is None or row.verdict is None:
            return None
        before = decode(row.before, Before, f"post {post_id}")
        return PostInputs(
            facts=facts_of(row.asset, json.loads(row.evidence)),
            state=before.state,
            profile=before.profile,
            verdict=decode(row.verdict, Verdict, f"post {post_id}"),
            playbook_hash=row.playbook_hash,
        )

    async def _evaluation(self, post_id: str, channels: Sequence[str]) -> Row[Any] | None:
        """The evaluation that led to a post; None where there is no such post."""
        wanted = (
            select(evaluations)
            .join(stories, stories.c.evaluation_id == evaluations.c.id)
            .join(posts, posts.c.story_id == stories.c.id)
            .where(posts.c.id == post_id)
            .order_by(*_nearest(channels))
            .limit(1)
        )
        async with self._database.read(f"post {post_id}") as connection:
            return (await connection.execute(wanted)).first()


def _nearest(channels: Sequence[str]) -> tuple[ColumnElement[Any], ...]:
    """The order in which one of several channels' posts of one id is looked for."""
    return (case((posts.c.channel.in_(channels), 0), else_=1), posts.c.seq)
