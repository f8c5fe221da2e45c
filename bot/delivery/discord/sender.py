"""The surface itself: sends a post to its channel, once, and says what became of it.

Limits: Discord knows a nonce for "the past few minutes" (two are relied on); 50 requests a second in all.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta
from secrets import token_hex
from typing import Final

import discord
import structlog
from discord.abc import Messageable
from msgspec.structs import replace

from bot.delivery.discord.asking import AlreadyDeleted, Asking
from bot.delivery.discord.body import Bodies, Body, post_message
from bot.delivery.discord.client import TightropeClient
from bot.delivery.discord.embed import EmbedPage, pages, picture
from bot.delivery.discord.lookback import PAGE, look_back, nonce
from bot.delivery.discord.postextras import PostExtras, post_buttons
from bot.delivery.rests import Rest
from bot.domain.posts import Card, Post
from bot.errors import ChannelRefused, DeliveryUnavailable, DeliveryUncertain, PostRejected

log = structlog.get_logger()

LATE: Final = timedelta(minutes=2)
NONCE_LIVES: Final = timedelta(minutes=2)
CUT: Final = timedelta(seconds=2)  # what two dates that are cut to the second may differ by
RESTS_S: Final = (15.0, 30.0, 60.0, 120.0, 300.0)

Late = Callable[[Post], Awaitable[Card]]
"""Marks a post as late where it is kept, and gives its card anew."""


class DiscordSurface:
    """Shows posts in channels. `show` may be called side by side for any number of channels."""

    def __init__(
        self,
        client: TightropeClient,
        *,
        late: Late,
        now: Callable[[], datetime],
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._client = client
        self._late = late
        self._now = now
        self._asking = Asking(sleep=sleep)
        self._tries: dict[str, int] = {}
        self._rests: dict[str, Rest] = {}
        self._edit_rests: dict[tuple[str, str], Rest] = {}
        self._edit_tries: dict[tuple[str, str], int] = {}
        self._everywhere: Rest | None = None
        self._bodies = Bodies()
        self._extras = PostExtras(client)

    def now(self) -> datetime:
        """Discord's own time, by which a try is remembered; this machine's before Discord told its own."""
        return self._client.clock.now() or self._now()

    async def is_ready(self, channel: str) -> bool:
        """Whether a post to the channel would be tried now. Raises nothing."""
        return not self._client.is_closed() and self._rest_of(channel) is None

    async def show(self, post: Post, card: Card) -> str | None:
        """Send one post, or find that it was sent before; the message's id, None where somebody has deleted it
        since. Raises DeliveryError: ChannelGone, ChannelRefused, PostRejected, DeliveryUnavailable, or
        DeliveryUncertain where it may have been sent and we may not look."""
        if (rest := self._rest_of(post.channel)) is not None:
            unsent = post.attempted_at is None
            raise DeliveryUnavailable(f"{post.channel}: resting until {rest.until:%H:%M:%S}", unsent=unsent)
        try:
            sent = await self._show(post, card)
        except DeliveryUnavailable as error:
            self._rest(post.channel, error)
            raise
        self._rests.pop(post.channel, None)
        self._tries.pop(post.channel, None)
        return sent

    async def try_out(self, channel: str, card: Card) -> None:
        """Send a card that is no post: no thread, no role, nothing kept of it. Raises DeliveryError."""
        place, name = await self._place(channel), token_hex(8)
        (body, *_) = await self._bodies.of(card)
        await self._asking.ask(channel, lambda: post_message(self._client.http, _id_of(place), body, name))

    async def edit(self, post: Post, card: Card) -> None:
        """Show a sent post as its card is now, in its own messages: the same edit twice leaves the same
        message, so that after a kill it may be made again. Raises DeliveryError: ChannelRefused where a
        message is gone, or one more is needed."""
        key = post.channel, post.id
        rest = self._edit_rests.get(key)
        if rest is not None and not rest.is_over(self._now()):
            raise DeliveryUnavailable(
                f"{post.channel} post {post.id}: its edit rests until {rest.until:%H:%M}"
            )
        try:
            await self._edit_all(post, card)
        except DeliveryUnavailable as error:
            count = self._edit_tries.get(key, 0)
            rest_s = error.retry_after_s or RESTS_S[min(count, len(RESTS_S) - 1)]
            self._edit_tries[key] = count + 1
            self._edit_rests[key] = Rest(rest_s, self._now())
            raise
        except AlreadyDeleted as error:
            raise ChannelRefused(f"{post.channel} post {post.id}: somebody has deleted it") from error
        self._edit_rests.pop(key, None)
        self._edit_tries.pop(key, None)

    def _rest_of(self, channel: str) -> Rest | None:
        """The pause that the channel is in, or all of Discord is; None where there is none."""
        now = self._now()
        for rest in (self._everywhere, self._rests.get(channel)):
            if rest is not None and not rest.is_over(now):
                return rest
        return None

    def _rest(self, channel: str, error: DeliveryUnavailable) -> None:
        count = self._tries.get(channel, 0)
        rest_s = max(error.retry_after_s or 0.0, RESTS_S[min(count, len(RESTS_S) - 1)])
        self._tries[channel] = count + 1
        self._rests[channel] = Rest(rest_s, self._now())
        if error.everywhere:
            self._everywhere = Rest(error.retry_after_s or RESTS_S[0], self._now())
            log.warning("discord.rests", reason=str(error), until=self._everywhere.until.isoformat())

    async def _show(self, post: Post, card: Card) -> str | None:
        if self._client.is_closed():
            unsent = post.attempted_at is None
            raise DeliveryUnavailable(f"{post.channel}: Discord is not connected", unsent=unsent)
        place = await self._place(post.channel)
        style = (await self._client.channels.get(post.channel)).style
        card, role = self._with_buttons(post, card), self._extras.role_of(post, style)
        found: Mapping[int, str] = {}
        if post.attempted_at is not None:
            found = await self._find_pages(place, post, len(await self._bodies.of(card, role)))
        if not found and self._now() - post.intended_at >= LATE:
            card = self._with_buttons(post, await self._late(post))
        sent: str | None = None
        for number, body in enumerate(await self._bodies.of(card, role)):
            sent = found.get(number) or await self._send(place, post, body, number)
        if sent is not None and not found:
            self._extras.follow(post, card, sent, style)
        return sent

    def _with_buttons(self, post: Post, card: Card) -> Card:
        playbook = self._client.desk.market.playbook
        bank = playbook.banks.get(post.story.locale, playbook.banks["en"])
        return replace(card, buttons=(*card.buttons, *post_buttons(post, bank, playbook.catalog)))

    async def _edit_all(self, post: Post, card: Card) -> None:
        if self._client.is_closed():
            raise DeliveryUnavailable(f"{post.channel}: Discord is not connected")
        place = await self._place(post.channel)
        parts = pages(card)
        known = await self._messages(place, post, len(parts))
        if len(known) < len(parts):
            raise ChannelRefused(
                f"{post.channel} post {post.id}: {len(parts)} messages are needed, it has {len(known)}"
            )
        for number, page in enumerate(parts):
            await self._edit(place, post, card, page, known[number])

    async def _messages(self, place: Messageable, post: Post, count: int) -> Mapping[int, str]:
        """The messages of a sent post: its own name for it where it is one, else those that bear its short
        id."""
        if count == 1 and post.message_id is not None:
            return {0: post.message_id}
        return await self._find_pages(place, post, count)

    async def _edit(
        self, place: Messageable, post: Post, card: Card, page: EmbedPage, message_id: str
    ) -> None:
        async def ask() -> object:
            message = discord.PartialMessage(channel=place, id=int(message_id))  # type: ignore[arg-type]
            return await message.edit(embeds=page.embeds, attachments=picture(card) if page.pictured else [])

        await self._asking.ask(post.channel, ask)

    async def _place(self, channel: str) -> Messageable:
        """A channel by its id, or a reader's direct messages ("discord:dm:<user id>")."""
        name = channel.removeprefix("discord:")
        if name.startswith("dm:"):
            reader = discord.Object(int(name.removeprefix("dm:")))
            return await self._asking.ask(channel, lambda: self._client.create_dm(reader))
        return self._client.get_partial_messageable(int(name))

    async def _send(self, place: Messageable, post: Post, body: Body, number: int) -> str | None:
        channel_id = _id_of(place)
        name = nonce(post, number)
        try:
            return await self._asking.ask(
                post.channel,
                lambda: post_message(self._client.http, channel_id, body, name),
                name=(channel_id, name),
            )
        except AlreadyDeleted as error:
            log.info("post.deleted", post=post.id, channel=post.channel, reason=str(error))
            return None
        except (ChannelRefused, PostRejected, DeliveryUnavailable) as error:
            error.unsent = error.unsent and number == 0
            raise

    async def _find_pages(self, place: Messageable, post: Post, count: int) -> Mapping[int, str]:
        """The pages of a post that are in the channel already: page number → message id. Where we may not look,
        its nonce has to do, as long as Discord knows it."""
        subject = f"{post.channel} post {post.id}"
        first: list[bool] = []

        async def read(after: int) -> Sequence[discord.Message]:
            messages = await self._asking.ask(subject, lambda: _list_after(place, after))
            first.append(bool(messages))
            return messages

        user = self._client.user
        try:
            sighting = await look_back(
                post,
                count,
                ours=user.id if user else 0,
                read=read,
                known=lambda: self._client.message_ids(post.channel),
            )
        except ChannelRefused as error:
            if self._nonce_lives(post):
                return {}
            raise DeliveryUncertain(
                f"{subject}: it may have been sent, and we may not look: {error}"
            ) from error
        if first == [False] and not self._may_read(place) and not self._nonce_lives(post):
            raise DeliveryUncertain(
                f"{subject}: it may have been sent, and we may not read the channel's history"
            )
        return sighting.found

    def _nonce_lives(self, post: Post) -> bool:
        """Whether Discord still knows the nonce of the first try, by its own clock."""
        return is_nonce_known(post.attempted_at, self._client.clock.now())

    def _may_read(self, place: Messageable) -> bool:
        """Discord answers an empty list, not an error, where reading the history is not allowed."""
        if isinstance(place, discord.DMChannel):
            return True
        channel = self._client.get_channel(getattr(place, "id", 0))
        if not isinstance(channel, discord.abc.GuildChannel | discord.Thread) or channel.guild.me is None:
            return False
        return channel.permissions_for(channel.guild.me).read_message_history


def _id_of(place: Messageable) -> int:
    """A Messageable has one where it is a channel."""
    found: int = getattr(place, "id")  # noqa: B009
    return found


async def _list_after(place: Messageable, after: int) -> list[discord.Message]:
    seen = place.history(limit=PAGE, after=discord.Object(after), oldest_first=True)
    return [message async for message in seen]


def is_nonce_known(tried_at: datetime | None, now: datetime | None) -> bool:
    """Whether Discord still knows the nonce of a first try; both times by Discord's own clock, None where one of them
    is not known. Its dates are cut to the second: the try may seem to lie ahead by as much."""
    if tried_at is None or now is None:
        return False
    return -CUT <= now - tried_at < NONCE_LIVES
