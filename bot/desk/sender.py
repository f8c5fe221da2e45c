"""The outbox, sent to the surfaces. What is unsent stays until a surface says that it went out."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum

import structlog
from msgspec import Struct

from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.desk.stores import SenderArchive
from bot.desk.worth import PostWorth, why_worthless
from bot.domain.posts import Card, Post
from bot.errors import (
    ArchiveError,
    ChannelGone,
    ChannelRefused,
    DeliveryError,
    DeliveryUnavailable,
    DeliveryUncertain,
    PostRejected,
)
from bot.notices.notices import Notices
from bot.ports import Chooses, KeepsTime, Surface, TriesOut

log = structlog.get_logger()


EVENTS = (
    (DeliveryUncertain, "post.uncertain"),
    (ChannelGone, "post.refused"),
    (ChannelRefused, "post.refused"),
    (PostRejected, "post.refused"),
    (DeliveryError, "post.kept"),
)


class Outcome(Enum):
    """What became of one try."""

    SENT = "sent"
    UNTRIED = "untried"
    IN_DOUBT = "in doubt"


class Sent(Struct, frozen=True, kw_only=True):
    """A post that went out, and what is to be kept of that."""

    post: Post
    at: datetime
    message_id: str | None


class Sender:
    """One a process: so many channels of a surface are served side by side as `concurrency` says."""

    def __init__(
        self,
        *,
        market: Market,
        archive: SenderArchive,
        cards: Cards,
        surfaces: Mapping[str, Surface],
        concurrency: int,
        worth: PostWorth,
        notices: Notices | None = None,
    ) -> None:
        self._market = market
        self._archive = archive
        self._cards = cards
        self._surfaces = dict(surfaces)
        self._concurrency = concurrency
        self._worth = worth
        self._notices = notices
        self._unmarked: dict[tuple[str, str], Sent] = {}
        self._delivering = asyncio.Lock()

    @property
    def surfaces(self) -> frozenset[str]:
        """The names of the surfaces that posts go out to now."""
        return frozenset(self._surfaces)

    def add_surface(self, name: str, surface: Surface) -> None:
        """A surface that came up later, as Discord does once it is logged in; what is unsent to it goes out
        next."""
        self._surfaces[name] = surface

    def remove_surface(self, name: str) -> None:
        """A surface that is another process's from now on."""
        self._surfaces.pop(name, None)

    def tries_out(self, channel: str) -> bool:
        """Whether a channel's surface can show a card that is no post."""
        return self._tester(channel) is not None

    async def try_out(self, channel: str, card: Card) -> None:
        """Show a card that is no post, at once and past the outbox. Raises DeliveryError."""
        surface = self._tester(channel)
        if surface is None:
            raise DeliveryUnavailable(f"{channel}: nothing here can show a test there")
        try:
            await surface.try_out(channel, card)
        except DeliveryError:
            raise
        except Exception as error:
            log.exception("test.failed", channel=channel)
            raise DeliveryUncertain(f"{channel}: {type(error).__name__}; the log says more") from error

    def _tester(self, channel: str) -> TriesOut | None:
        found: object = self._surfaces.get(channel.partition(":")[0])
        return found if isinstance(found, TriesOut) else None

    async def deliver(self) -> None:
        """Send what is unsent, surface by surface. A channel that cannot be served keeps its post and holds
        up nobody; a post that is no longer worth it is given up. Raises ArchiveError."""
        async with self._delivering:
            await self._mark_again()
            for name, surface in tuple(self._surfaces.items()):
                await self._deliver_to(name, surface)
                if self._notices:
                    make = self._cards.with_picture if self._cards.has_pictures(name) else self._cards.bare
                    await self._notices.edit(name, surface, make)

    async def _deliver_to(self, name: str, surface: Surface) -> None:
        unsent = [
            post for post in await self._archive.outbox.take_unsent(name) if _key(post) not in self._unmarked
        ]
        posts = [post for post in await self._still_worth(unsent) if await _is_ready(surface, post)]
        at = surface.now() if isinstance(surface, KeepsTime) else self._market.now()
        await self._archive.outbox.attempt(posts, at)
        gate, pictured = asyncio.Semaphore(self._concurrency), self._cards.has_pictures(name)
        sent = await asyncio.gather(*(self._send(surface, post, gate, pictured=pictured) for post in posts))
        untried = [post for post, outcome in zip(posts, sent, strict=True) if outcome is Outcome.UNTRIED]
        await self._archive.outbox.clear_attempts(untried)

    async def _still_worth(self, posts: Sequence[Post]) -> Sequence[Post]:
        now, worthless = self._market.now(), dict[tuple[str, str], Post]()
        for post in posts:
            reason = await why_worthless(post, now, self._worth, self._market.upcoming)
            if reason is not None:
                log.warning("post.dropped", post=post.id, channel=post.channel, reason=reason)
                worthless[_key(post)] = post
        await self._archive.outbox.give_up(list(worthless.values()))
        return [post for post in posts if _key(post) not in worthless]

    async def _send(
        self, surface: Surface, post: Post, gate: asyncio.Semaphore, *, pictured: bool
    ) -> Outcome:
        async with gate:
            try:
                card = await self._cards.with_picture(post) if pictured else self._cards.of_post(post)
                message_id = await surface.show(post, card)
            except DeliveryError as error:
                event = next(name for kind, name in EVENTS if isinstance(error, kind))
                log.warning(event, post=post.id, channel=post.channel, reason=str(error))
                return Outcome.UNTRIED if error.unsent else Outcome.IN_DOUBT
            except Exception as error:
                # Whatever a surface trips over, the others' posts are sent; this one is looked for before it is
                # tried again.
                log.exception("post.failed", post=post.id, channel=post.channel, reason=repr(error))
                return Outcome.IN_DOUBT
            self._unmarked[_key(post)] = Sent(post=post, at=self._market.now(), message_id=message_id)
            log.info("post.sent", post=post.id, channel=post.channel, reason=post.reason)
        await self._mark(self._unmarked[_key(post)])
        return Outcome.SENT

    async def _mark_again(self) -> None:
        """What went out while the archive could not be written to."""
        await asyncio.gather(*(self._mark(sent) for sent in tuple(self._unmarked.values())))

    async def _mark(self, sent: Sent) -> None:
        try:
            await self._archive.outbox.mark_sent(
                sent.post.id, channel=sent.post.channel, sent_at=sent.at, message_id=sent.message_id
            )
        except ArchiveError as error:
            log.warning("post.unmarked", post=sent.post.id, channel=sent.post.channel, reason=str(error))
        else:
            self._unmarked.pop(_key(sent.post), None)


def _key(post: Post) -> tuple[str, str]:
    return post.id, post.channel


async def _is_ready(surface: Surface, post: Post) -> bool:
    return not isinstance(surface, Chooses) or await surface.is_ready(post.channel)
