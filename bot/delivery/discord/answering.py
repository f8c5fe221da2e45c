"""How an interaction is answered: in time, in parts where it is long, privately where it should be, never with a traceback.

Limits: the first answer within 3 s; the token lives 15 minutes. 10062 is an unknown interaction, 40060 one that was answered,
50027 a token that is too old.
"""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Final

import discord
import structlog
from discord import app_commands

from bot.commands import Command, Request, run
from bot.delivery.discord.buttons import view_of
from bot.delivery.discord.direct import direct_channel, promise
from bot.delivery.discord.embed import EMPTY, pages, picture
from bot.domain.posts import Card, Profile
from bot.errors import ArchiveError, InputError

if TYPE_CHECKING:
    from bot.delivery.discord.client import TightropeClient

log = structlog.get_logger()

GRACE_S: Final = 1.5  # half of what Discord waits
TOO_LATE: Final = frozenset({10062, 10008, 10015, 40060, 50027})
WORDS: Final = ("outdated", "too_often", "not_allowed", "only_here", "archive", "typed", "unexpected", "error_title")


class UnknownCommand(InputError):
    """A button or a cached command of another edition of the bot."""


class TooOften(InputError):
    """A reader who asks faster than anybody reads."""

    def __init__(self, wait_s: float) -> None:
        self.wait_s = wait_s
        super().__init__("asked too often")


class Cooldown:
    """So many answers in a time for each reader, slash commands and buttons together."""

    def __init__(self, count: int = 6, per_s: float = 10.0) -> None:
        self._count = count
        self._per_s = per_s
        self._asked: dict[int, list[float]] = {}

    def take(self, reader: int, now: float | None = None) -> None:
        """Count one question. Raises TooOften with how long to wait."""
        at = time.monotonic() if now is None else now
        if len(self._asked) > 10_000:
            self._asked = {who: times for who, times in self._asked.items() if times[-1] > at - self._per_s}
        recent = [asked for asked in self._asked.get(reader, []) if asked > at - self._per_s]
        if len(recent) >= self._count:
            raise TooOften(recent[0] + self._per_s - at)
        self._asked[reader] = [*recent, at]


async def respond(
    client: "TightropeClient", interaction: discord.Interaction[Any], command: Command | None,
    options: Mapping[str, str], *, private: bool = False,
) -> None:  # fmt: skip
    """Answer with a command. Deferred only when the answer is not there in time."""
    if command is None:
        raise UnknownCommand("no such command")
    client.cooldown.take(interaction.user.id)
    private = private or command.private
    asking = asyncio.ensure_future(_card(client, interaction, command, options))
    try:
        await asyncio.wait({asking}, timeout=GRACE_S)
        if not asking.done():
            interaction.extras["private"] = private
            await interaction.response.defer(ephemeral=private, thinking=True)
        card = await asking
    finally:
        asking.cancel()
    await show(interaction, card, private=private or card.private)
    if card.direct:
        await promise(client, interaction, card)


async def show(interaction: discord.Interaction[Any], card: Card, *, private: bool) -> None:
    """A card as the answer, in as many messages as it needs."""
    made = pages(card)
    for number, page in enumerate(made):
        view = view_of(card.buttons) if number == len(made) - 1 else None
        files = picture(card) if page.pictured else []
        optional: dict[str, Any] = {"view": view} if view else {}
        if not interaction.response.is_done():
            await interaction.response.send_message(embeds=page.embeds, files=files, ephemeral=private, **optional)
        elif number > 0:
            await interaction.followup.send(embeds=page.embeds, files=files, ephemeral=private, **optional)
        elif private and _deferred_in_public(interaction):
            # A deferred answer keeps its visibility, and so does the next message until it is complete.
            await interaction.edit_original_response(content=EMPTY)
            await interaction.followup.send(embeds=page.embeds, files=files, ephemeral=True, **optional)
            await interaction.delete_original_response()
        else:
            await interaction.edit_original_response(embeds=page.embeds, attachments=files, **optional)


async def apologize(client: "TightropeClient", interaction: discord.Interaction[Any], error: BaseException) -> None:
    """A private answer with a next step, whatever went wrong and however far the answer had come; the rest is for the log."""
    cause = error.original if isinstance(error, app_commands.CommandInvokeError) else error
    if isinstance(cause, discord.HTTPException) and cause.code in TOO_LATE:
        log.warning("answer.too_late", code=cause.code, interaction=interaction.id)
        return
    key, values = _told(cause)
    if key in ("unexpected", "archive"):
        log.error("answer.failed", interaction=interaction.id, error=repr(cause), exc_info=cause)
    words = client.desk.bank(profile_of_locale(client, interaction)).words
    card = Card(title=words["discord.error_title"], body=words[f"discord.{key}"].format(**values), private=True)
    with contextlib.suppress(discord.HTTPException, OSError):
        await show(interaction, card, private=True)


def _told(error: BaseException) -> tuple[str, Mapping[str, str]]:
    """Which of our words fits, and what it is filled with."""
    if isinstance(error, TooOften):
        return "too_often", {"seconds": f"{error.wait_s:.0f}"}
    if isinstance(error, UnknownCommand | app_commands.CommandNotFound | app_commands.CommandSignatureMismatch):
        return "outdated", {}
    if isinstance(error, app_commands.TransformerError):
        return "typed", {}
    if isinstance(error, app_commands.MissingPermissions):
        return "not_allowed", {}
    if isinstance(error, app_commands.NoPrivateMessage):
        return "only_here", {}
    if isinstance(error, ArchiveError):
        return "archive", {}
    return "unexpected", {}


async def profile_of(client: "TightropeClient", interaction: discord.Interaction[Any]) -> Profile:
    """How the asker is spoken to: as the channel's settings say, else the server's, else in the asker's language."""
    if interaction.guild_id is not None:
        here = await client.keeping.subscriptions(guild_id=str(interaction.guild_id))
        channel = f"discord:{interaction.channel_id}"
        for known in sorted(here, key=lambda known: known.channel != channel):
            return known.profile
    return profile_of_locale(client, interaction)


def profile_of_locale(client: "TightropeClient", interaction: discord.Interaction[Any]) -> Profile:
    """The default profile in the asker's language, where there is a bank of it."""
    banks = client.desk.playbook.banks
    wanted = interaction.locale.value
    return Profile(locale=next((name for name in (wanted, wanted.partition("-")[0]) if name in banks), "en"))


async def _card(
    client: "TightropeClient", interaction: discord.Interaction[Any], command: Command, options: Mapping[str, str]
) -> Card:
    request = Request(
        options=options,
        profile=await profile_of(client, interaction),
        surface="discord",
        guild_id=str(interaction.guild_id) if interaction.guild_id is not None else None,
        channel=f"discord:{interaction.channel_id}",
        user_id=str(interaction.user.id),
        manager=interaction.permissions.manage_guild,
        direct=direct_channel(interaction.user.id),
    )

    async def make() -> Card:
        return await client.desk.answer_card(await run(client.desk, command, request))

    if not command.shared:
        return await make()
    key = command.name, tuple(sorted(options.items())), request.profile.id
    return await client.shelf.get(key, make)


def _deferred_in_public(interaction: discord.Interaction[Any]) -> bool:
    return (
        interaction.response.type is discord.InteractionResponseType.deferred_channel_message
        and not interaction.extras.get("private", False)
    )
