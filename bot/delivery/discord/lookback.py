"""Which pages of a post stand in its channel already: looked for from its first try on, page by page of the
channel's past, until all of them are found or the past ends.

A page is known by its nonce, or by the post's short id in its footer; one that a moderator has taken the embeds
from, by being ours and nobody else's. Limits: 100 messages a request."""

import re
from collections.abc import Awaitable, Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

import discord

from bot.delivery.discord.clock import first_id_at
from bot.domain.posts import Post
from bot.errors import DeliveryUncertain

PAGE: Final = 100
MOST_PAGES: Final = 100
# The first try is dated by Discord's clock where that was known, else by this machine's, which may be off by an
# hour where somebody took local time for the world's; looking further back costs a request a page.
REACH: Final = timedelta(hours=2)

ReadPage = Callable[[int], Awaitable[Sequence[discord.Message]]]
"""The oldest messages of a channel after an id, `PAGE` at most."""


class Sighting:
    """What was found of one post: page number → the message's id."""

    def __init__(self, post: Post, count: int) -> None:
        self.found: dict[int, str] = {}
        self._post = post
        self._count = count
        self._bare: list[str] = []

    @property
    def is_complete(self) -> bool:
        """Whether no page is missing."""
        return len(self.found) >= self._count

    def look_at(self, message: discord.Message) -> None:
        """Take the message for one of the pages, where it is one."""
        numbers = [
            number for number in range(self._count) if str(message.nonce or "") == nonce(self._post, number)
        ]
        for number in numbers or _pages_by_footer(message, self._post.id, self._count):
            self.found.setdefault(number, str(message.id))
            return
        if _is_bare(message):
            self._bare.append(str(message.id))

    def count_bare(self, known: Collection[str]) -> None:
        """Take messages of ours that lost their embeds for what is missing; not those that are `known` to be
        another post's."""
        left = iter([number for number in self._bare if number not in known])
        for number in range(self._count):
            if number not in self.found and (bare := next(left, None)) is not None:
                self.found[number] = bare


async def look_back(
    post: Post, count: int, *, ours: int, read: ReadPage, known: Callable[[], Awaitable[Collection[str]]]
) -> Sighting:
    """What of a post's `count` pages is in its channel. `ours` is our own user, `known` gives the ids of other
    posts' messages there. Raises DeliveryUncertain where the channel's past is too long to be read, and what
    reading raises."""
    sighting = Sighting(post, count)
    after = first_id_at(begin_of(post) - REACH)
    for _ in range(MOST_PAGES):
        messages = await read(after)
        for message in messages:
            if message.author.id == ours:
                sighting.look_at(message)
        if sighting.is_complete or len(messages) < PAGE:
            break
        after = max(message.id for message in messages)
    else:
        most = MOST_PAGES * PAGE
        raise DeliveryUncertain(
            f"{post.channel} post {post.id}: not among {most} messages since it was first tried"
        )
    if not sighting.is_complete:
        sighting.count_bare(await known())
    return sighting


def begin_of(post: Post) -> datetime:
    """Since when a post may be in its channel."""
    return min(post.attempted_at or post.intended_at, post.intended_at)


def nonce(post: Post, number: int) -> str:
    """What Discord knows a page of a post by for some minutes."""
    return post.nonce if number == 0 else f"{post.nonce[:21]}-{number + 1}"


def _pages_by_footer(message: discord.Message, post_id: str, count: int) -> list[int]:
    for embed in message.embeds:
        footer = embed.footer.text or ""
        if re.search(rf"\b{re.escape(post_id)}\b", footer):
            numbered = re.fullmatch(rf"{re.escape(post_id)} (\d+)/\d+", footer)
            return [int(numbered[1]) - 1 if numbered else count - 1]
    return []


def _is_bare(message: discord.Message) -> bool:
    """Whether it may be a post whose embeds were taken away: no answer to anybody, and nothing in it."""
    return not message.embeds and not message.content and message.interaction_metadata is None
