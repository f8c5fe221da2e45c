"""What becomes of a route that Discord turns down: dropped, or paused where we may not post there for long, or
its post given up or marked uncertain. A reader who takes no direct messages keeps the watches, and nothing is
told until they go through again.

Many refusals count towards Discord's ban, so a channel that refused us is left alone for an hour, and one that
is paused until its permissions change or a day has gone by."""

from datetime import datetime, timedelta
from typing import Final

import structlog
from msgspec.structs import replace

from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.direct import is_direct
from bot.delivery.discord.embed import escape_mentions
from bot.delivery.rests import Rest
from bot.domain.channels import OCCASION, add_refusal, is_refused_for_good
from bot.domain.posts import Card, Post
from bot.errors import (
    ArchiveError,
    ChannelGone,
    ChannelRefused,
    DeliveryUnavailable,
    DeliveryUncertain,
    PostRejected,
)
from bot.ports import Chooses, Edits, KeepsTime, Surface, TriesOut

log = structlog.get_logger()

OCCASIONS: Final = 3
OVER: Final = timedelta(days=1)
TOLD_AGAIN: Final = timedelta(days=1)  # how often a server hears that its own rules stop our posts


class Routes:
    """A surface around the sender that remembers what each channel said."""

    def __init__(self, surface: Surface, client: TightropeClient) -> None:
        self._surface = surface
        self._client = client
        self._refused: dict[str, Rest] = {}
        self._blocked: dict[str, Rest] = {}

    def now(self) -> datetime:
        """The surface's own time, by which a try is remembered."""
        return self._surface.now() if isinstance(self._surface, KeepsTime) else self._client.desk.market.now()

    async def is_ready(self, channel: str) -> bool:
        """Whether a post to the channel would be tried now. Raises nothing."""
        if isinstance(self._surface, Chooses) and not await self._surface.is_ready(channel):
            return False
        try:
            return await self._why_not(channel) is None
        except ArchiveError:
            return True

    async def show(self, post: Post, card: Card) -> str | None:
        """Show one post. Raises DeliveryError."""
        channel = post.channel
        if (reason := await self._why_not(channel)) is not None:
            raise DeliveryUnavailable(f"{channel}: {reason}", unsent=post.attempted_at is None)
        try:
            message_id = await self._surface.show(post, card)
        except (ChannelGone, ChannelRefused) as error:
            await self._turn_down(channel, error)
            raise
        except PostRejected as error:
            await self._reject(post, card, error)
            raise
        except DeliveryUncertain:
            await self._client.keeping.outbox.mark_uncertain(post.id, channel=channel)
            raise
        await self._take_back(channel)
        return message_id

    async def edit(self, post: Post, card: Card) -> None:
        """Show a sent post anew. Raises DeliveryError: nothing is counted, for the next post will tell."""
        if not isinstance(self._surface, Edits):
            raise ChannelRefused(f"{post.channel}: posts cannot be edited here")
        await self._surface.edit(post, card)

    async def try_out(self, channel: str, card: Card) -> None:
        """Show a card that is no post. Raises DeliveryError: nothing is counted, who asked for it sees it."""
        if not isinstance(self._surface, TriesOut):
            raise ChannelRefused(f"{channel}: nothing can be tried out here")
        await self._surface.try_out(channel, card)

    async def _turn_down(self, channel: str, error: ChannelGone | ChannelRefused) -> None:
        if is_direct(channel):  # the reader's own choice: one refusal is enough
            await self._client.keeping.watches.block(channel, self._client.desk.market.now())
            log.info("direct.refused", channel=channel, reason=str(error))
        elif isinstance(error, ChannelGone):
            log.info("route.dropped", channel=channel, reason=str(error))
            await self._client.tell(channel, "gone")
            await self._client.keeping.subscriptions.remove(channel)
        else:
            await self._count(channel, str(error))

    async def _count(self, channel: str, reason: str) -> None:
        """One more refusal: a rest, and a pause where there were enough of them over a day. The admins hear of
        it once, until the channel has taken a post again."""
        now = self._client.desk.market.now()
        self._refused[channel] = Rest(OCCASION.total_seconds(), now)
        kept = await self._client.channels.get(channel)
        known = await self._client.keeping.subscriptions.find(channel=channel)
        kept = replace(
            kept,
            guild_id=kept.guild_id or next((one.guild_id for one in known), None),
            refused_at=add_refusal(kept.refused_at, now),
        )
        if is_refused_for_good(kept.refused_at, occasions=OCCASIONS, over=OVER) and known:
            await self._client.keeping.subscriptions.pause(channel, now)
            log.info("route.paused", channel=channel, reason=reason)
            if kept.told_at is None:
                await self._client.tell(channel, "refused")
            kept = replace(kept, told_at=kept.told_at or now, looked_at=now)
        await self._client.channels.put(kept)

    async def _take_back(self, channel: str) -> None:
        """The channel took a post: what it refused is past."""
        self._refused.pop(channel, None)
        try:
            kept = await self._client.channels.get(channel)
            if kept.refused_at or kept.told_at:
                await self._client.channels.put(replace(kept, refused_at=(), told_at=None, looked_at=None))
                if kept.told_at is not None:
                    await self._client.tell(channel, "resumed")
        except ArchiveError as error:  # the post is out all the same
            log.warning("route.unkept", channel=channel, reason=str(error))

    async def _reject(self, post: Post, card: Card, error: PostRejected) -> None:
        """The post is given up. Where the server's own rules stopped it, its admins hear which, once a day."""
        await self._client.keeping.outbox.give_up([post])
        if not error.by_server or is_direct(post.channel):
            return
        now = self._client.desk.market.now()
        last = self._blocked.get(post.channel)
        if last is None or last.is_over(now):
            self._blocked[post.channel] = Rest(TOLD_AGAIN.total_seconds(), now)
            await self._client.tell(post.channel, "blocked", title=escape_mentions(card.title), post=post.id)

    async def _why_not(self, channel: str) -> str | None:
        """Why nothing is tried there now; None where it is."""
        if channel in self._client.mending.mended:
            self._client.mending.mended.discard(channel)
            self._refused.pop(channel, None)
        rest = self._refused.get(channel)
        if rest is not None and not rest.is_over(self._client.desk.market.now()):
            return f"refused us, and is left alone until {rest.until:%H:%M}"
        return "paused" if await self._is_paused(channel) else None

    async def _is_paused(self, channel: str) -> bool:
        """Whether the channel is paused: asked of the archive only where something happened there."""
        kept = await self._client.channels.get(channel)
        if not (kept.refused_at or kept.paused_by or kept.paused_until):
            return False
        known = await self._client.keeping.subscriptions.find(channel=channel)
        return bool(known) and all(one.paused_at is not None for one in known)
