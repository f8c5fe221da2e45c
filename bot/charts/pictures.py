"""Pictures beside words: drawn where they are shown, left out where they cannot be had. No post and no answer
waits for one."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from datetime import timedelta

import structlog
from msgspec.structs import replace

from bot.domain.posts import Card, ChartSpec, Post
from bot.ports import Painter

log = structlog.get_logger()

PATIENCE = timedelta(seconds=10)

OfPost = Callable[[Post], Awaitable[ChartSpec | None]]
"""What the picture of a post shows; None where it has none."""


class Pictures:
    """One painter for all. `surfaces` are those whose posts are sent with their picture; `of_post` says what
    that shows."""

    def __init__(
        self,
        painter: Painter | None = None,
        *,
        of_post: OfPost | None = None,
        surfaces: Iterable[str] = (),
        patience: timedelta = PATIENCE,
    ) -> None:
        self._painter = painter
        self._surfaces = frozenset(surfaces)
        self._patience_s = patience.total_seconds()
        self._of_post = of_post

    def on(self, surface: str) -> bool:
        """Whether the surface's posts carry their picture."""
        return surface in self._surfaces

    async def chart(self, post: Post) -> ChartSpec | None:
        """What the post's picture shows; None where it has none or it cannot be made out."""
        if self._of_post is None or self._painter is None:
            return None
        try:
            return await self._of_post(post)
        except Exception:
            log.error("picture.failed", post=post.id, exc_info=True)
            return None

    async def draw(self, chart: ChartSpec, *, light: bool = False) -> bytes | None:
        """The chart as PNG, on a dark or a light ground; None where nobody draws or it failed."""
        if self._painter is None:
            return None
        try:
            async with asyncio.timeout(self._patience_s):
                return await self._painter.draw(chart, light=light)
        except Exception:
            log.error("picture.failed", kind=chart.kind, title=chart.title, exc_info=True)
            return None

    async def add_chart(self, card: Card, chart: ChartSpec | None) -> Card:
        """The card with its chart drawn; as it is where there is none."""
        image = await self.draw(chart) if chart else None
        return replace(card, image=image, alt=chart.alt) if chart and image else card
