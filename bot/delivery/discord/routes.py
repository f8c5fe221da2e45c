"""What becomes of a route that Discord turns down: dropped, paused after three refusals, or its post marked uncertain. A
reader who takes no direct messages keeps the watches, and nothing is told until they go through again.

Telling a server's admins happens once for each route. Many refusals count towards Discord's ban, so a paused route is not tried.
"""

from typing import TYPE_CHECKING, Final

import structlog

from bot.delivery.discord.direct import is_direct
from bot.domain.posts import Card, Post
from bot.errors import ArchiveError, ChannelGone, ChannelRefused, DeliveryUncertain
from bot.ports import Edits, Surface

if TYPE_CHECKING:
    from bot.delivery.discord.client import TightropeClient

log = structlog.get_logger()

REFUSALS: Final = 3


class Routes:
    """A surface around the sender that remembers what each channel said."""

    def __init__(self, surface: Surface, client: "TightropeClient") -> None:
        self._surface = surface
        self._client = client
        self._refused: dict[str, int] = {}

    async def show(self, post: Post, card: Card) -> str | None:
        """Show one post. Raises DeliveryError."""
        if self._refused.get(post.channel, 0) >= REFUSALS and await self._paused(post.channel):
            raise ChannelRefused(f"{post.channel}: paused after {REFUSALS} refusals, /setup starts it again")
        try:
            message_id = await self._surface.show(post, card)
        except (ChannelGone, ChannelRefused) as error:
            await self._turned_down(post.channel, error)
            raise
        except DeliveryUncertain:
            await self._client.keeping.mark_uncertain(post.id, channel=post.channel)
            raise
        self._refused.pop(post.channel, None)
        return message_id

    async def _turned_down(self, channel: str, error: ChannelGone | ChannelRefused) -> None:
        if is_direct(channel):  # the reader's own choice: one refusal is enough
            await self._client.keeping.block(channel, self._client.desk.now())
            log.info("direct.refused", channel=channel, reason=str(error))
        elif isinstance(error, ChannelGone):
            await self._drop(channel, str(error))
        else:
            await self._count(channel, str(error))

    async def edit(self, post: Post, card: Card) -> None:
        """Show a sent post anew. Raises DeliveryError: nothing is counted, for the next post will tell."""
        if not isinstance(self._surface, Edits):
            raise ChannelRefused(f"{post.channel}: posts cannot be edited here")
        await self._surface.edit(post, card)

    async def _drop(self, channel: str, reason: str) -> None:
        guilds = {one.guild_id for one in await self._client.keeping.subscriptions(channel=channel)}
        await self._client.keeping.unsubscribe(channel)
        log.info("route.dropped", channel=channel, reason=reason)
        await self._tell(guilds, "gone", channel)

    async def _count(self, channel: str, reason: str) -> None:
        if await self._paused(channel):  # by the process before this one: the admins know
            self._refused[channel] = REFUSALS
            return
        self._refused[channel] = self._refused.get(channel, 0) + 1
        if self._refused[channel] < REFUSALS:
            return
        await self._client.keeping.pause(channel, self._client.desk.now())
        log.info("route.paused", channel=channel, reason=reason)
        known = await self._client.keeping.subscriptions(channel=channel)
        await self._tell({one.guild_id for one in known}, "refused", channel)

    async def _paused(self, channel: str) -> bool:
        try:
            known = await self._client.keeping.subscriptions(channel=channel)
        except ArchiveError:
            return False
        return bool(known) and all(one.paused_at is not None for one in known)

    async def _tell(self, guilds: set[str | None], key: str, channel: str) -> None:
        for guild_id in guilds:
            if guild_id is not None:
                await self._client.tell(guild_id, key, channel=f"<#{channel.removeprefix('discord:')}>")
