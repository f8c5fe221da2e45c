"""Whom a server lets use a command, asked for where Discord itself does not: at a button under a public post.

Docs: https://docs.discord.com/developers/interactions/application-commands (permissions). A server's own settings win
over ours, those of a person over those of roles, those of the command over those of the whole bot; a channel that is
switched off is so for all but administrators."""

import time
from collections.abc import Callable, Mapping
from typing import Any, Final

import discord
import structlog
from discord import app_commands

from bot.delivery.discord.asking import translate_errors
from bot.errors import DeliveryError

log = structlog.get_logger()

KEPT_S: Final = 60.0
NONE_SET: Final = 10066  # Unknown application command permissions: nobody has changed them

Interaction = discord.Interaction[Any]
Overrides = Mapping[tuple[int, int], bool]
"""By kind and id: whether they may."""
ROLE, USER, CHANNEL = 1, 2, 3


class Allowed:
    """Asks at most once a minute for each server. The clock (monotonic seconds) is an argument."""

    def __init__(
        self, tree: app_commands.CommandTree[Any], *, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._tree = tree
        self._monotonic = monotonic
        self._ids: dict[str, int] = {}
        self._kept: dict[tuple[int, int], tuple[float, Overrides]] = {}

    async def may_use(self, interaction: Interaction, name: str) -> bool:
        """Whether the one who presses may use a command in this channel; as whoever may manage the server where
        the server's settings cannot be had. Raises nothing."""
        permissions, guild = interaction.permissions, interaction.guild
        if guild is None or permissions.administrator:
            return guild is not None
        try:
            with translate_errors(f"server {guild.id}"):
                of_command = await self._overrides(guild, await self._id(name))
                of_bot = await self._overrides(guild, interaction.application_id)
        except DeliveryError as error:
            log.info("allowed.unknown", guild=guild.id, command=name, reason=str(error))
            return bool(permissions.manage_guild)
        found = _decide(of_command, interaction)
        if found is None:
            found = _decide(of_bot, interaction)
        return bool(permissions.manage_guild) if found is None else found

    async def _id(self, name: str) -> int:
        if name not in self._ids:
            self._ids = {command.name: command.id for command in await self._tree.fetch_commands()}
        return self._ids.get(name, 0)

    async def _overrides(self, guild: discord.Guild, command_id: int) -> Overrides:
        key = guild.id, command_id
        at, known = self._kept.get(key, (float("-inf"), {}))
        if self._monotonic() - at < KEPT_S:
            return known
        try:
            client = self._tree.client
            told = await client.http.get_application_command_permissions(
                client.application_id or 0, guild.id, command_id
            )
            found = {(one["type"], int(one["id"])): one["permission"] for one in told["permissions"]}
        except discord.NotFound as error:
            if error.code not in (NONE_SET, 10063):
                raise
            found = {}
        self._kept[key] = self._monotonic(), found
        return found


def _decide(said: Overrides, interaction: Interaction) -> bool | None:
    """What the settings say of this person here; None where they say nothing."""
    guild_id = interaction.guild_id or 0
    here = said.get((CHANNEL, interaction.channel_id or 0), said.get((CHANNEL, guild_id - 1)))
    if here is False:
        return False
    own = said.get((USER, interaction.user.id))
    if own is not None:
        return own
    roles = [role.id for role in getattr(interaction.user, "roles", []) if role.id != guild_id]
    known = [said[ROLE, role] for role in roles if (ROLE, role) in said]
    return any(known) if known else said.get((ROLE, guild_id))
