"""What goes with a post beside its words: buttons under it, the role that it calls, a thread, its passing on to the
channels that follow this one.

Limits: a thread's name has 100 characters; about ten messages an hour are passed on from a channel, observed and not
documented. Neither is worth losing a post for: what fails is logged."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final, get_args

import discord
import structlog

from bot.commentary.lengths import has_length
from bot.delivery.discord.asking import translate_errors
from bot.delivery.discord.direct import is_direct
from bot.delivery.discord.limits import SlidingWindow
from bot.domain.catalog import Catalog
from bot.domain.channels import ChannelStyle
from bot.domain.posts import Button, Card, Post
from bot.domain.rulebook import Severity
from bot.domain.story import PhraseBank
from bot.errors import DeliveryError

log = structlog.get_logger()

SEVERITIES: Final[tuple[Severity, ...]] = get_args(Severity)
LONGEST_NAME: Final = 100
PASSED_ON: Final = 10
PER_S: Final = 3600.0
MUTE: Final = "mute"
MUTE_H: Final = 24


def post_buttons(post: Post, bank: PhraseBank, catalog: Catalog) -> tuple[Button, ...]:
    """Why?, the chart of what it is about, an article, and in a server's channel a pause of its alerts."""
    words = bank.words
    found = [Button(label=words["button.why"], command="why", arguments={"post": post.id})]
    refs = (
        span.origin.ref.partition("@")[0].partition(".")[0]
        for span in post.story.spans
        if span.origin.kind == "fact"
    )
    lead = next((name for name in refs if name in catalog.metrics), None)
    if lead is not None:
        arguments = {"metric": lead, "asset": post.asset}
        found.append(Button(label=words["button.chart"], command="history", arguments=arguments))
    if not is_direct(post.channel):
        found.append(Button(label=words["button.mute"], command=MUTE, arguments={"hours": str(MUTE_H)}))
    if has_length(words, "article") and post.story.length != "article":
        arguments = {"asset": post.asset, "length": "article"}
        found.append(Button(label=words["button.more"], command="brief", arguments=arguments))
    return tuple(found)


def role_called(severity: Severity | None, pings: Mapping[Severity, str]) -> str | None:
    """The role that a post of a severity calls: that of its level, else of the nearest level below; None where there
    is none."""
    if severity is None:
        return None
    below = SEVERITIES[: SEVERITIES.index(severity) + 1]
    return next((pings[level] for level in reversed(below) if level in pings), None)


class PostExtras:
    """What follows a post, beside everything else."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._running: set[asyncio.Task[None]] = set()
        self._passed_on: dict[int, SlidingWindow] = {}

    def role_of(self, post: Post, style: ChannelStyle) -> str | None:
        """The role that a post calls; None where the server has deleted it: nobody would be called by its number."""
        role = role_called(post.severity, style.pings)
        if role is None or is_direct(post.channel):
            return None
        place = self._client.get_channel(int(post.channel.removeprefix("discord:")))
        guild = place.guild if isinstance(place, discord.abc.GuildChannel | discord.Thread) else None
        return role if guild is None or guild.get_role(int(role)) is not None else None

    def follow(self, post: Post, card: Card, message_id: str, style: ChannelStyle) -> None:
        """Begin with what the channel wants; returns at once."""
        if is_direct(post.channel) or not (style.threads or style.publishes):
            return
        task = asyncio.create_task(
            self._follow(post, card, int(message_id), style), name=f"extras of {post.id}"
        )
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def finish(self) -> None:
        """Wait for what was begun."""
        if self._running:
            await asyncio.wait(self._running)

    async def _follow(self, post: Post, card: Card, message_id: int, style: ChannelStyle) -> None:
        number = int(post.channel.removeprefix("discord:"))
        place = self._client.get_channel(number)
        if not isinstance(place, discord.TextChannel | discord.Thread):
            return
        message = place.get_partial_message(message_id)
        if style.publishes and isinstance(place, discord.TextChannel) and place.is_news():
            window = self._passed_on.setdefault(number, SlidingWindow(PASSED_ON, PER_S))
            if window.wait_s() > 0:
                log.warning(
                    "post.not_published", post=post.id, channel=post.channel, reason="ten in this hour"
                )
            else:
                window.add()
                await self._do("published", post, message.publish())
        if style.threads and not isinstance(place, discord.Thread):
            await self._do("threaded", post, message.create_thread(name=card.title[:LONGEST_NAME] or post.id))

    async def _do(self, what: str, post: Post, asking: object) -> None:
        try:
            with translate_errors(post.channel):
                await asking  # type: ignore[misc]
        except DeliveryError as error:
            log.warning(f"post.not_{what}", post=post.id, channel=post.channel, reason=str(error))


def mentions_of(role: str | None) -> tuple[str, discord.AllowedMentions]:
    """The words that call a role, and the leave to call that role alone."""
    if role is None:
        return "", discord.AllowedMentions.none()
    called: Sequence[discord.Object] = [discord.Object(int(role))]
    return f"<@&{role}>", discord.AllowedMentions(
        everyone=False, users=False, replied_user=False, roles=called
    )
