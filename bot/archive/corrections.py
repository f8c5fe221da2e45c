"""Corrections: words that a post got after it went out, and which messages still have to show them."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import select, update

from bot.archive.codec import decode, encode
from bot.archive.engine import Database, run_to_the_end, upsert
from bot.archive.outbox import SENT, UNSENT
from bot.archive.post_rows import read_posts, select_posts
from bot.archive.restatements import SqlRestatements
from bot.archive.schema import corrections, posts
from bot.domain.posts import Post
from bot.domain.story import Text

DUE, DONE, GIVEN_UP = "due", "done", "dropped"


class SqlCorrections:
    """The table of corrections."""

    def __init__(self, database: Database, restatements: SqlRestatements) -> None:
        self._database = database
        self._restatements = restatements

    @run_to_the_end
    async def add(
        self, added: Mapping[str, Sequence[Text]], restatements: Sequence[int], at: datetime
    ) -> None:
        """Add words to posts, by their ids, and settle the restatements that they tell. Where a post went out
        or is going out it is to be edited; elsewhere it goes out with them."""
        known = select(corrections).where(corrections.c.post_id.in_(added))
        async with self._database.write("corrections") as connection:
            before = {
                row.post_id: decode(row.texts, tuple[Text, ...], row.post_id)
                for row in await connection.execute(known)
            }
            for post_id, texts in added.items():
                row = upsert(connection, corrections).values(
                    post_id=post_id, made_at=at, texts=encode((*before.get(post_id, ()), *texts))
                )
                changed = {"made_at": row.excluded.made_at, "texts": row.excluded.texts}
                await connection.execute(row.on_conflict_do_update(index_elements=["post_id"], set_=changed))
            mine = posts.c.id.in_(added), posts.c.status.in_((SENT, UNSENT))
            await connection.execute(update(posts).where(*mine).values(edit=DUE))
            await self._restatements.settle(connection, restatements, at)

    @run_to_the_end
    async def find_unedited(self, surface: str) -> Sequence[Post]:
        """Posts of one surface that went out and have been corrected since, oldest first."""
        wanted = select_posts().where(posts.c.surface == surface, posts.c.status == SENT, posts.c.edit == DUE)
        async with self._database.read("outbox") as connection:
            return read_posts(await connection.execute(wanted.order_by(posts.c.intended_at, posts.c.seq)))

    @run_to_the_end
    async def mark_edited(self, post: Post, *, done: bool = True) -> None:
        """The post is shown with all the corrections that it has here, unless another one came meanwhile; or
        (not `done`) it cannot be edited any more."""
        texts = select(corrections.c.texts).where(corrections.c.post_id == post.id).scalar_subquery()
        mine = posts.c.id == post.id, posts.c.channel == post.channel, texts == encode(post.corrections)
        async with self._database.write(f"post {post.id}") as connection:
            await connection.execute(update(posts).where(*mine).values(edit=DONE if done else GIVEN_UP))
