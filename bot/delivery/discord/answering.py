"""How an interaction is answered: in time, in parts where it is long, privately where it should be, never
with a traceback.

Limits: the first answer within 3 s; the token lives 15 minutes. 10062 is an unknown interaction, 40060 one
that was answered, 50027 a token that is too old."""

import asyncio
import contextlib
import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import discord
import structlog
from async_lru import alru_cache
from discord import app_commands

from bot.commands import Command, Request, run
from bot.delivery.discord.asking import TRANSPORT
from bot.delivery.discord.buttons import view_of
from bot.delivery.discord.direct import direct_channel, promise
from bot.delivery.discord.embed import EMPTY, pages, picture
from bot.delivery.discord.limits import SlidingWindow
from bot.delivery.discord.meanings import UNKNOWN, Meaning, row_of_error
from bot.delivery.discord.stores import ChannelStore
from bot.desk.cards import Cards
from bot.desk.market import Market
from bot.domain.posts import Card, Post, Profile, Subscription
from bot.domain.story import PhraseBank
from bot.errors import ArchiveError, InputError

log = structlog.get_logger()

GRACE_S: Final = 1.5  # half of what Discord waits
ACKNOWLEDGED: Final = 40060
TOO_LATE: Final = frozenset({10062, 10008, 10015, ACKNOWLEDGED, 50027})
DEFERRED: Final = "deferred"
MOST_READERS: Final = 10_000
KEPT_S: Final = 10.0  # far less than a poll
MOST_KEPT: Final = 256
LONGEST_POST_ID: Final = 16
MOST_LOOKED_AT: Final = 100


class UnknownCommand(InputError):
    """A button or a cached command of another edition of the bot."""


class TooOften(InputError):
    """A reader who asks faster than anybody reads."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__("asked too often")


class Cooldown:
    """So many answers in a time for each reader, slash commands and buttons together. The clock (monotonic
    seconds) is an argument."""

    def __init__(
        self, count: int = 6, per_s: float = 10.0, *, now: Callable[[], float] = time.monotonic
    ) -> None:
        self._count = count
        self._per_s = per_s
        self._now = now
        self._readers: dict[int, SlidingWindow] = {}

    def take(self, reader: int) -> None:
        """Count one question. Raises TooOften with how long to wait."""
        if len(self._readers) > MOST_READERS:
            self._readers = {who: asked for who, asked in self._readers.items() if len(asked)}
        asked = self._readers.setdefault(reader, SlidingWindow(self._count, self._per_s, now=self._now))
        if (wait_s := asked.wait_s()) > 0:
            raise TooOften(wait_s)
        asked.add()


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """A command as it was asked. Two with the same words, for the same profile, by the same rules and within the
    same few seconds are one."""

    command: Command
    options: tuple[tuple[str, str], ...]
    profile: str
    rules: str
    moment: int
    request: Request = field(compare=False)


class Reception:
    """Answers readers: what it needs for that, and what it remembers of them."""

    def __init__(
        self, market: Market, cards: Cards, keeping: ChannelStore, commands: Mapping[str, Command]
    ) -> None:
        self.market = market
        self.cards = cards
        self.keeping = keeping
        self.commands = commands
        self.cooldown = Cooldown()
        self._shared = alru_cache(maxsize=MOST_KEPT)(self._answer)

    async def respond(
        self,
        interaction: discord.Interaction[Any],
        command: Command | None,
        options: Mapping[str, str],
        *,
        private: bool = False,
    ) -> None:
        """Answer with a command. Deferred only when the answer is not there in time."""
        if command is None:
            raise UnknownCommand("no such command")
        self.cooldown.take(interaction.user.id)
        private = private or command.private
        asking = asyncio.ensure_future(self._ask(interaction, command, options))
        try:
            await asyncio.wait({asking}, timeout=GRACE_S)
            if not asking.done():
                await _defer(interaction, private=private)
            card = await asking
        finally:
            asking.cancel()
        await show(interaction, card, private=private or card.private)
        if card.direct:
            await promise(self.market, self.keeping, interaction, card, self.bank(interaction).words)

    async def go_on(
        self, interaction: discord.Interaction[Any], name: str, options: Mapping[str, str]
    ) -> None:
        """A button's command. What it answers is private: a channel is not a reader's notebook."""
        try:
            await self.respond(interaction, self.commands.get(name), options, private=True)
        except Exception as error:  # noqa: BLE001  discord.py would log it and leave the reader without an answer
            await self.apologize(interaction, error)

    async def apologize(self, interaction: discord.Interaction[Any], error: BaseException) -> None:
        """A private answer with a next step, whatever went wrong and however far the answer had come; the
        rest is for the log."""
        cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
        if isinstance(cause, discord.HTTPException) and cause.code in TOO_LATE:
            log.warning("answer.too_late", code=cause.code, interaction=interaction.id)
            return
        key, values = _words_of(cause)
        if key in ("unexpected", "archive"):
            log.error("answer.failed", interaction=interaction.id, error=repr(cause), exc_info=cause)
        elif isinstance(cause, discord.HTTPException):
            log.warning("answer.refused", interaction=interaction.id, status=cause.status, code=cause.code)
        words = self.market.bank(self.profile_of_locale(interaction)).words
        card = Card(
            title=words["discord.error_title"], body=words[f"discord.{key}"].format(**values), private=True
        )
        with contextlib.suppress(discord.HTTPException, *TRANSPORT):
            await show(interaction, card, private=True)

    async def explain_post(self, interaction: discord.Interaction[Any], message: discord.Message) -> None:
        """What a message's post stands on, to who asks alone."""
        post = await self._post_of(message)
        if post is None:
            words = self.bank(interaction).words
            card = Card(title=words["menu.why"], body=words["discord.no_post"], private=True)
            await show(interaction, card, private=True)
            return
        await self.respond(interaction, self.commands.get("why"), {"post": post.id}, private=True)

    async def _post_of(self, message: discord.Message) -> Post | None:
        """The post that a message is, by the id in its footer, or by its own where that is gone."""
        posts = self.market.archive.posts
        for embed in reversed(message.embeds):
            for word in reversed(re.findall(r"\w+", embed.footer.text or "")):
                if len(word) <= LONGEST_POST_ID and (found := await posts.get(word)) is not None:
                    return found
        here = await posts.find(channel=f"discord:{message.channel.id}", limit=MOST_LOOKED_AT)
        return next((post for post in here if post.message_id == str(message.id)), None)

    async def profile_of(self, interaction: discord.Interaction[Any]) -> Profile:
        """How the asker is spoken to: as the channel's settings say, else the server's, else in the asker's
        language."""
        if interaction.guild_id is not None:
            here = await self.keeping.subscriptions.find(guild_id=str(interaction.guild_id))
            channel = f"discord:{interaction.channel_id}"
            for known in sorted(here, key=lambda known: known.channel != channel):
                return known.profile
        return self.profile_of_locale(interaction)

    def profile_of_locale(self, interaction: discord.Interaction[Any]) -> Profile:
        """The default profile in the asker's language, where there is a bank of it."""
        banks = self.market.playbook.banks
        wanted = interaction.locale.value
        return Profile(
            locale=next((name for name in (wanted, wanted.partition("-")[0]) if name in banks), "en")
        )

    def bank(self, interaction: discord.Interaction[Any]) -> PhraseBank:
        """The words of who asks."""
        return self.market.bank(self.profile_of_locale(interaction))

    def locale_of_guild(self, interaction: discord.Interaction[Any]) -> str:
        """The server's own language, where there is a bank of it; else the asker's."""
        banks = self.market.playbook.banks
        wanted = interaction.guild_locale.value if interaction.guild_locale else ""
        named = (name for name in (wanted, wanted.partition("-")[0]) if name in banks)
        return next(named, self.profile_of_locale(interaction).locale)

    async def preview(self, wish: Subscription) -> Card:
        """What a post of a subscription would say now. Raises ArchiveError."""
        request = Request(
            options={"asset": wish.asset}, profile=wish.profile, surface="discord", channel=wish.channel
        )
        return await self.cards.of_answer(await run(self.market, self.commands["brief"], request))

    async def _ask(
        self, interaction: discord.Interaction[Any], command: Command, options: Mapping[str, str]
    ) -> Card:
        """The command's card; of one that is the same for many readers, the one that is there already."""
        request = Request(
            options=options,
            profile=await self.profile_of(interaction),
            surface="discord",
            guild_id=str(interaction.guild_id) if interaction.guild_id is not None else None,
            channel=f"discord:{interaction.channel_id}",
            user_id=str(interaction.user.id),
            direct=direct_channel(interaction.user.id),
        )

        question = Question(
            command=command,
            options=tuple(sorted(options.items())),
            profile=request.profile.id,
            rules=self.market.playbook.hash,
            moment=int(time.monotonic() // KEPT_S),
            request=request,
        )
        return await (self._shared if command.shared else self._answer)(question)

    async def _answer(self, question: Question) -> Card:
        return await self.cards.of_answer(await run(self.market, question.command, question.request))


async def show(interaction: discord.Interaction[Any], card: Card, *, private: bool) -> None:
    """A card as the answer, in as many messages as it needs."""
    parts = pages(card)
    for number, page in enumerate(parts):
        view = view_of(card.buttons) if number == len(parts) - 1 else None
        files = picture(card) if page.pictured else []
        optional: dict[str, Any] = {"view": view} if view else {}
        if not _is_begun(interaction):
            await interaction.response.send_message(
                embeds=page.embeds, files=files, ephemeral=private, **optional
            )
        elif number > 0:
            await interaction.followup.send(embeds=page.embeds, files=files, ephemeral=private, **optional)
        elif private and _is_deferred_in_public(interaction):
            # A deferred answer keeps its visibility, and so does the next message until it is complete.
            await interaction.edit_original_response(content=EMPTY)
            await interaction.followup.send(embeds=page.embeds, files=files, ephemeral=True, **optional)
            await interaction.delete_original_response()
        else:
            try:
                await interaction.edit_original_response(embeds=page.embeds, attachments=files, **optional)
            except discord.NotFound:
                if interaction.response.is_done():
                    raise
                # The deferral that was in doubt never arrived: there is time left for an answer.
                files = picture(card) if page.pictured else []
                await interaction.response.send_message(
                    embeds=page.embeds, files=files, ephemeral=private, **optional
                )


async def _defer(interaction: discord.Interaction[Any], *, private: bool) -> None:
    """Say that the answer takes longer. Where Discord has that already, or the line breaks on its way, it may well stand:
    the answer is put in its place, and no reader waits for what never comes."""
    interaction.extras["private"] = private
    try:
        await interaction.response.defer(ephemeral=private, thinking=True)
    except discord.HTTPException as error:
        if error.code != ACKNOWLEDGED:
            raise
        interaction.extras[DEFERRED] = True
    except TRANSPORT as error:
        log.info("answer.defer_in_doubt", interaction=interaction.id, reason=type(error).__name__)
        interaction.extras[DEFERRED] = True


def _is_begun(interaction: discord.Interaction[Any]) -> bool:
    """Whether there is an answer, or the place for one, as far as we know."""
    return interaction.response.is_done() or DEFERRED in interaction.extras


def _words_of(error: BaseException) -> tuple[str, Mapping[str, str]]:
    """Which of our words fits, and what it is filled with."""
    if isinstance(error, TooOften):
        return "too_often", {"seconds": f"{error.wait_s:.0f}"}
    if isinstance(
        error, UnknownCommand | app_commands.CommandNotFound | app_commands.CommandSignatureMismatch
    ):
        return "outdated", {}
    if isinstance(error, app_commands.TransformerError):
        return "typed", {}
    if isinstance(error, app_commands.MissingPermissions):
        return "not_allowed", {}
    if isinstance(error, app_commands.NoPrivateMessage):
        return "only_here", {}
    if isinstance(error, ArchiveError):
        return "archive", {}
    return _word_of_discord(error) if isinstance(error, discord.HTTPException) else "unexpected", {}


def _word_of_discord(error: discord.HTTPException) -> str:
    """The word for what Discord itself refused."""
    row = row_of_error(error)
    known = {Meaning.WAIT: "busy", Meaning.BLOCKED: "stopped"} if row is not UNKNOWN else {}
    return known.get(row.meaning, "unexpected")


def _is_deferred_in_public(interaction: discord.Interaction[Any]) -> bool:
    deferred = discord.InteractionResponseType.deferred_channel_message
    return (
        interaction.response.type is deferred or DEFERRED in interaction.extras
    ) and not interaction.extras.get("private", False)
