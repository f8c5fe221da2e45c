"""Rows of posts as values: the post, its words, and what was corrected of them."""

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Row, Select, select

from bot.archive.codec import decode
from bot.archive.schema import corrections, posts, stories
from bot.domain.posts import Post
from bot.domain.story import Story, Text


def select_posts() -> Select[Any]:
    """Posts with their words and corrections, for `read_posts`."""
    told = select(posts, stories.c.story, corrections.c.texts).join(stories, stories.c.id == posts.c.story_id)
    return told.outerjoin(corrections, corrections.c.post_id == posts.c.id)


def read_posts(rows: Iterable[Row[Any]]) -> tuple[Post, ...]:
    """The posts of rows of `select_posts`; words that several of them share are read once. Raises
    ArchiveError."""
    told: dict[int, Story] = {}
    return tuple(_post(row, told) for row in rows)


def _post(row: Row[Any], told: dict[int, Story]) -> Post:
    if row.story_id not in told:
        told[row.story_id] = decode(row.story, Story, f"post {row.id}")
    return Post(
        id=row.id,
        channel=row.channel,
        asset=row.asset,
        reason=row.reason,
        story=told[row.story_id],
        nonce=row.nonce,
        intended_at=row.intended_at,
        sent_at=row.sent_at,
        message_id=row.message_id,
        late=bool(row.late),
        attempted_at=row.attempted_at,
        severity=row.severity,
        corrections=decode(row.texts, tuple[Text, ...], f"post {row.id}") if row.texts else (),
    )
