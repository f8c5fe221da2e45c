"""The page's end of the line: posts are shown to every reader who has it open."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from bot.domain.posts import Card, Post

WAITING = 200  # a reader further behind than this is a tab asleep; it catches up from the archive when it comes back


class Preview:
    """The surface "preview". It stores nothing: the page reads earlier posts from the archive."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[Post]] = set()

    async def show(self, post: Post, card: Card) -> str | None:
        """Hand the post to every open page. Its own short id is its name here. Raises nothing."""
        for queue in self._readers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(post)
        return post.id

    @contextmanager
    def reader(self) -> Iterator[asyncio.Queue[Post]]:
        """The posts from now on, for one open page."""
        queue: asyncio.Queue[Post] = asyncio.Queue(maxsize=WAITING)
        self._readers.add(queue)
        try:
            yield queue
        finally:
            self._readers.discard(queue)
