"""Sends posts to webhooks. Nobody can look there whether a post arrived: one that may have is never sent again, and marked
as in doubt; one that certainly did not waits in the outbox.

What Discord answers means what the bot's own table says (`discord/meanings.py`), and what webhooks have beside it
(`replies.py`); Slack answers with a word and a status."""

import json
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import aiohttp
import structlog

from bot.delivery.rests import Rest
from bot.delivery.webhook.bodies import discord_messages, slack_message
from bot.delivery.webhook.hooks import Hook, Kind
from bot.delivery.webhook.replies import HookReply, is_taken, meaning_of
from bot.domain.posts import Card, Post
from bot.errors import (
    ChannelGone,
    ChannelRefused,
    DeliveryError,
    DeliveryUnavailable,
    DeliveryUncertain,
    PostRejected,
)

log = structlog.get_logger()

PATIENCE_S: Final = 20.0
RESTS_S: Final = (15.0, 30.0, 60.0, 120.0, 300.0)
REFUSED_S: Final = 3600.0
PICTURE: Final = "chart.png"


class DoubtMarks(Protocol):
    """Where it is kept what became of a post that is not sent any more. Every method raises ArchiveError."""

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        """Nobody can tell whether the post went out."""
        ...

    async def give_up(self, worthless: Sequence[Post]) -> None:
        """These posts are not sent any more."""
        ...


class WebhookSurface:
    """The surface. `show` may be called side by side for any number of channels."""

    def __init__(self, hooks: Sequence[Hook], *, now: Callable[[], datetime], outbox: DoubtMarks) -> None:
        self._hooks = {hook.channel: hook for hook in hooks}
        self._now = now
        self._outbox = outbox
        self._tries: dict[str, int] = {}
        self._rests: dict[str, Rest] = {}
        self._everywhere: dict[Kind, Rest] = {}

    async def is_ready(self, channel: str) -> bool:
        """Whether a post to the channel would be tried now. Raises nothing."""
        hook = self._hooks.get(channel)
        rests = (self._rests.get(channel), self._everywhere.get(hook.kind)) if hook else ()
        return all(rest is None or rest.is_over(self._now()) for rest in rests)

    async def show(self, post: Post, card: Card) -> str | None:
        """Send one post; Discord's id of its message, None on Slack, which gives none. Raises DeliveryError."""
        hook = self._hook(post.channel)
        if post.attempted_at is not None:
            await self._outbox.mark_uncertain(post.id, channel=post.channel)
            raise DeliveryUncertain(
                f"{post.channel} post {post.id}: it may have been sent, and nobody can look"
            )
        try:
            message_id = await self._send(hook, card)
        except DeliveryUncertain:
            await self._outbox.mark_uncertain(post.id, channel=post.channel)
            raise
        except PostRejected:
            await self._outbox.give_up([post])
            raise
        except DeliveryError as error:
            self._rest(hook, error)
            raise
        self._tries.pop(post.channel, None)
        self._rests.pop(post.channel, None)
        return message_id

    async def edit(self, post: Post, card: Card) -> None:
        """Show a sent post as its card is now, where Discord gave its message an id; Slack's cannot be edited. Raises
        DeliveryError."""
        hook = self._hook(post.channel)
        messages = discord_messages(card) if hook.kind == "discord" else []
        if post.message_id is None or len(messages) != 1:
            raise ChannelRefused(f"{post.channel} post {post.id}: it cannot be edited there")
        async with _session() as session:
            await _ask(session, "PATCH", f"{hook.url}/messages/{post.message_id}", hook, messages[0][0])

    async def try_out(self, channel: str, card: Card) -> None:
        """Send a card that is no post. Raises DeliveryError."""
        await self._send(self._hook(channel), card)

    def _hook(self, channel: str) -> Hook:
        hook = self._hooks.get(channel)
        if hook is None:
            raise ChannelGone(f"{channel}: there is no such webhook any more")
        return hook

    async def _send(self, hook: Hook, card: Card) -> str | None:
        async with _session() as session:
            if hook.kind == "slack":
                await _ask(session, "POST", hook.url, hook, slack_message(card))
                return None
            first: str | None = None
            for number, (message, pictured) in enumerate(discord_messages(card)):
                image = card.image if pictured else None
                try:
                    told = await _ask(session, "POST", f"{hook.url}?wait=true", hook, message, image)
                except DeliveryError as error:
                    if number == 0:
                        raise
                    raise DeliveryUncertain(f"{hook.channel}: only its first part went out") from error
                first = first or str(told.get("id") or "") or None
            return first

    def _rest(self, hook: Hook, error: DeliveryError) -> None:
        channel, count = hook.channel, self._tries.get(hook.channel, 0)
        rest_s = RESTS_S[min(count, len(RESTS_S) - 1)]
        if isinstance(error, ChannelGone | ChannelRefused):
            rest_s = REFUSED_S
        elif isinstance(error, DeliveryUnavailable) and error.retry_after_s:
            rest_s = max(rest_s, error.retry_after_s)
        self._tries[channel] = count + 1
        self._rests[channel] = Rest(rest_s, self._now())
        if isinstance(error, DeliveryUnavailable) and error.everywhere:
            self._everywhere[hook.kind] = Rest(rest_s, self._now())


def _session() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=PATIENCE_S))


async def _ask(
    session: aiohttp.ClientSession,
    method: str,
    url: str,
    hook: Hook,
    message: Mapping[str, Any],
    image: bytes | None = None,
) -> Mapping[str, Any]:
    """What the other side says. No error holds the address: who has it may write there. Raises DeliveryError."""
    payload = json.dumps(message, ensure_ascii=False)
    body: Any = payload
    headers = {"Content-Type": "application/json; charset=utf-8"}
    if image is not None:
        body, headers = aiohttp.FormData(), {}
        body.add_field("payload_json", payload, content_type="application/json")
        body.add_field("files[0]", image, filename=PICTURE, content_type="image/png")
    try:
        async with session.request(method, url, data=body, headers=headers, allow_redirects=False) as reply:
            heard = HookReply(
                status=reply.status, headers=reply.headers, text=await reply.text(errors="replace")
            )
            if is_taken(hook, heard):
                return heard.told
            raise meaning_of(hook, heard)
    except aiohttp.ClientConnectorError as error:
        raise DeliveryUnavailable(f"{hook.channel}: no way there", unsent=True) from error
    except (aiohttp.ClientError, TimeoutError, OSError, ValueError) as error:
        raise DeliveryUncertain(f"{hook.channel}: {type(error).__name__} on the way") from error
