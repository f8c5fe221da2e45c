"""The surface itself: sends a post to its channel, once, and says what became of it.

Limits: Discord knows a nonce for "the past few minutes" (two are relied on); 50 requests a second in all.
"""

import asyncio
import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from datetime import datetime, timedelta
from typing import Final, TypeVar

import aiohttp
import discord
import structlog
from discord.abc import Messageable

from bot.delivery.discord.body import Bodies, Body, post_message
from bot.delivery.discord.embed import Page, pages, picture
from bot.domain.posts import Card, Post
from bot.errors import ChannelGone, ChannelRefused, DeliveryUnavailable, DeliveryUncertain

log = structlog.get_logger()

FRESH: Final = timedelta(minutes=2)
LOOKED_THROUGH: Final = 50
LOOKED_AFTER: Final = 100
WAITS_S: Final = (1.0, 3.0)  # between our own tries
PATIENCE_S: Final = 20.0  # discord.py itself tries a 500 for 25 s; nobody else should wait for that
RESTS_S: Final = (15.0, 30.0, 60.0, 120.0, 300.0)
GONE: Final = frozenset({10003, 10004})  # Unknown Channel, Unknown Guild
TRANSPORT: Final = (aiohttp.ClientError, OSError, TimeoutError)

Told = TypeVar("Told")

Late = Callable[[Post], Awaitable[Card]]
"""Marks a post as late where it is kept, and gives its card anew."""


class DiscordSurface:
    """Shows posts in channels. `show` may be called side by side for any number of channels."""

    def __init__(
        self,
        client: discord.Client,
        *,
        late: Late,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._late = late
        self._now = now
        self._sleep = sleep
        self._rests: dict[str, tuple[int, datetime]] = {}
        self._bodies = Bodies()

    async def show(self, post: Post, card: Card) -> str | None:
        """Send one post, or find that it was sent before; the message's id. Raises DeliveryError: ChannelGone, ChannelRefused,
        DeliveryUnavailable, or DeliveryUncertain where it may have been sent and we may not look."""
        count, until = self._rests.get(post.channel, (0, self._now()))
        if self._now() < until:
            raise DeliveryUnavailable(f"{post.channel}: resting until {until:%H:%M:%S}")
        try:
            sent = await self._show(post, card)
        except DeliveryUnavailable as error:
            rest_s = max(error.retry_after_s or 0.0, RESTS_S[min(count, len(RESTS_S) - 1)])
            self._rests[post.channel] = count + 1, self._now() + timedelta(seconds=rest_s)
            raise
        self._rests.pop(post.channel, None)
        return sent

    async def edit(self, post: Post, card: Card) -> None:
        """Show a sent post as its card is now, in its own messages: the same edit twice leaves the same message, so that after a
        kill it may be made again. Raises DeliveryError: ChannelRefused where a message is gone, or one more is needed."""
        if self._client.is_closed():
            raise DeliveryUnavailable(f"{post.channel}: Discord is not connected")
        place = await self._place(post.channel)
        made = pages(card)
        known = await self._messages(place, post, len(made))
        if len(known) < len(made):
            raise ChannelRefused(f"{post.channel} post {post.id}: {len(made)} messages are needed, it has {len(known)}")
        for number, page in enumerate(made):
            await self._edit(place, post, card, page, known[number])

    async def _messages(self, place: Messageable, post: Post, count: int) -> Mapping[int, str]:
        """The messages of a sent post: its own name for it where it is one, else those that bear its short id."""
        if count == 1 and post.message_id is not None:
            return {0: post.message_id}
        return await self._found(place, post, count)

    async def _edit(self, place: Messageable, post: Post, card: Card, page: Page, message_id: str) -> None:
        async def ask() -> object:
            message = discord.PartialMessage(channel=place, id=int(message_id))  # type: ignore[arg-type]
            return await message.edit(embeds=page.embeds, attachments=picture(card) if page.pictured else [])

        await self._patiently(post.channel, ask)

    async def _show(self, post: Post, card: Card) -> str | None:
        if self._client.is_closed():
            raise DeliveryUnavailable(f"{post.channel}: Discord is not connected")
        place = await self._place(post.channel)
        found: Mapping[int, str] = {}
        if self._now() - post.intended_at >= FRESH:
            if post.attempted_at is not None:
                found = await self._found(place, post, len(self._bodies.of(card)))
            card = card if found else await self._late(post)
        sent: str | None = None
        for number, body in enumerate(self._bodies.of(card)):
            known = found.get(number)
            sent = known or await self._send(place, post, body, number)
        return sent

    async def _place(self, channel: str) -> Messageable:
        """A channel by its id, or a reader's direct messages ("discord:dm:<user id>")."""
        name = channel.removeprefix("discord:")
        if name.startswith("dm:"):
            reader = discord.Object(int(name.removeprefix("dm:")))
            return await self._patiently(channel, lambda: self._client.create_dm(reader))
        return self._client.get_partial_messageable(int(name))

    async def _send(self, place: Messageable, post: Post, body: Body, number: int) -> str:
        nonce = post.nonce if number == 0 else f"{post.nonce[:21]}-{number + 1}"
        channel_id: int = getattr(place, "id")  # noqa: B009  a Messageable has one where it is a channel
        return await self._patiently(post.channel, lambda: post_message(self._client.http, channel_id, body, nonce))

    async def _found(self, place: Messageable, post: Post, count: int) -> Mapping[int, str]:
        """The pages of a post that are in the channel already: page number → message id."""
        subject = f"{post.channel} post {post.id}"
        try:
            messages = await self._patiently(post.channel, lambda: _listed(place, limit=LOOKED_THROUGH))
            if len(messages) == LOOKED_THROUGH and messages[-1].created_at > post.intended_at:
                start = post.intended_at - timedelta(seconds=5)
                messages += await self._patiently(post.channel, lambda: _listed(place, limit=LOOKED_AFTER, after=start))
        except ChannelRefused as error:
            raise DeliveryUncertain(f"{subject}: it may have been sent, and we may not look: {error}") from error
        if not messages and not self._may_read(place):
            raise DeliveryUncertain(f"{subject}: it may have been sent, and we may not read the channel's history")
        mine = [message for message in messages if self._client.user and message.author.id == self._client.user.id]
        return {page: str(message.id) for message in mine for page in _page_of(message, post.id, count)}

    def _may_read(self, place: Messageable) -> bool:
        """Discord answers an empty list, not an error, where reading the history is not allowed."""
        if isinstance(place, discord.DMChannel):
            return True
        channel = self._client.get_channel(getattr(place, "id", 0))
        if not isinstance(channel, discord.abc.GuildChannel) or channel.guild.me is None:
            return False
        return channel.permissions_for(channel.guild.me).read_message_history

    async def _patiently(self, subject: str, ask: Callable[[], Awaitable[Told]]) -> Told:
        """Ask; again where discord.py does not do so itself: a 503, an abort, silence."""
        for wait_s in (*WAITS_S, None):
            try:
                with translated(subject):
                    async with asyncio.timeout(PATIENCE_S):
                        return await ask()
            except DeliveryUnavailable as error:
                if wait_s is None or error.retry_after_s is not None or isinstance(error.__cause__, TimeoutError):
                    raise
                log.info("post.again", channel=subject, reason=str(error))
                await self._sleep(wait_s)
        raise AssertionError("the last try returns or raises")


@contextlib.contextmanager
def translated(subject: str) -> Iterator[None]:
    """Discord's errors as ours, with the subject in the message."""
    try:
        yield
    except discord.RateLimited as error:
        reason = f"{subject}: asked to wait {error.retry_after:.0f} s"
        raise DeliveryUnavailable(reason, retry_after_s=error.retry_after) from error
    except discord.HTTPException as error:
        reason = f"{subject}: {error.status} {error.code}: {error.text[:200]}"
        if error.code in GONE:
            raise ChannelGone(reason) from error
        if error.status >= 500 or error.status in (401, 429):
            raise DeliveryUnavailable(reason, retry_after_s=None if error.status == 503 else 0.0) from error
        raise ChannelRefused(reason) from error
    except TRANSPORT as error:
        raise DeliveryUnavailable(f"{subject}: {type(error).__name__}: {error}") from error
    except (RuntimeError, AssertionError) as error:  # aiohttp's two words for a session that was closed under us
        raise DeliveryUnavailable(f"{subject}: {error or 'the session was closed'}", retry_after_s=0.0) from error


async def _listed(place: Messageable, *, limit: int, after: datetime | None = None) -> list[discord.Message]:
    return [message async for message in place.history(limit=limit, after=after)]


def _page_of(message: discord.Message, post_id: str, count: int) -> Iterator[int]:
    for embed in message.embeds:
        footer = embed.footer.text or ""
        if re.search(rf"\b{re.escape(post_id)}\b", footer):
            numbered = re.fullmatch(rf"{re.escape(post_id)} (\d+)/\d+", footer)
            yield int(numbered[1]) - 1 if numbered else count - 1
