"""The page's end of the line: posts are shown to every reader who has it open."""

import asyncio
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from bot.domain.posts import Card, Post

# a reader further behind than this is a tab asleep; it catches up from the archive when it comes back
WAITING = 200

KEPT = 20
CHANNEL = "preview:"


class Preview:
    """The surface "preview". The page reads earlier posts from the archive."""

    def __init__(self) -> None:
        self._readers: set[asyncio.Queue[Post]] = set()
        self._last: deque[Post] = deque(maxlen=KEPT)

    async def show(self, post: Post, card: Card) -> str | None:
        """Hand the post to every open page. Its own short id is its name here. Raises nothing."""
        self._last.append(post)
        for queue in self._readers:
            if queue.full():
                queue.get_nowait()
            queue.put_nowait(post)
        return post.id

    async def edit(self, post: Post, card: Card) -> None:
        """Hand the corrected post to every open page, which puts it in the place of the one it has. Raises
        nothing."""
        await self.show(post, card)

    @property
    def last(self) -> Sequence[Post]:
        """The last posts that were shown, oldest first: the archive learns only afterwards that they were."""
        return tuple(self._last)

    @contextmanager
    def reader(self) -> Iterator[asyncio.Queue[Post]]:
        """The posts from now on, for one open page."""
        queue: asyncio.Queue[Post] = asyncio.Queue(maxsize=WAITING)
        self._readers.add(queue)
        try:
            yield queue
        finally:
            self._readers.discard(queue)
