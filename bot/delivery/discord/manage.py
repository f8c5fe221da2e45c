"""`/setup`, `/settings`, `/mute`: which channel follows what, and how it is spoken to. Who may use them is set by the
server itself, in its settings of this bot's commands; at first, who may manage the server."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

import discord
from discord import app_commands, ui

from bot.commands.typed import read_hours, read_times
from bot.commands.zones import label_zone
from bot.delivery.discord.allowed import Allowed
from bot.delivery.discord.answering import Reception, show
from bot.delivery.discord.components import PanelItem, custom_id
from bot.delivery.discord.panel import Panel, put
from bot.delivery.discord.panelview import KINDS, MOST_OPTIONS, channel_name, summarize
from bot.delivery.discord.permissions import missing, name_permissions
from bot.delivery.discord.settings import ChannelSettings
from bot.delivery.discord.slash import Interaction, SlashCommand, SlashOption, Suggestion
from bot.domain.posts import Card
from bot.errors import InputError
from bot.reasons import reason

LONGEST_MUTE_H: Final = 168
LONGEST_TYPED: Final = 100


class PostableChannel(app_commands.Transformer):
    """A channel or thread that posts can go to, also one that we may not see."""

    @property
    def type(self) -> discord.AppCommandOptionType:
        """A channel."""
        return discord.AppCommandOptionType.channel

    @property
    def channel_types(self) -> list[discord.ChannelType]:
        """Text, announcements, threads."""
        return list(KINDS)

    async def transform(self, interaction: Interaction, value: Any, /) -> int:
        """Its id."""
        return int(value.id)


class Management:
    """The three commands."""

    def __init__(self, reception: Reception, panel: Panel, allowed: Allowed) -> None:
        self._reception = reception
        self._panel = panel
        self._allowed = allowed

    def commands(self) -> Sequence[SlashCommand]:
        """As Discord is told of them."""
        channel = SlashOption(name="channel", kind=app_commands.Transform[int, PostableChannel])
        typed = app_commands.Range[str, 1, LONGEST_TYPED]
        setup = (
            channel,
            SlashOption(name="at", kind=typed),
            SlashOption(name="zone", kind=typed, suggest=self._zones),
            SlashOption(name="quiet", kind=typed),
        )
        hours = SlashOption(name="hours", kind=app_commands.Range[int, 0, LONGEST_MUTE_H], required=True)
        return (
            SlashCommand(name="setup", answer=self._setup, options=setup, managers=True),
            SlashCommand(name="settings", answer=self._settings, managers=True),
            SlashCommand(name="mute", answer=self._mute, options=(hours, channel), managers=True),
        )

    async def mute(self, interaction: Interaction, number: int, hours: int) -> None:
        """No alerts in a channel for some hours; none ends it. Raises ArchiveError."""
        words = self._reception.bank(interaction).words
        until = self._reception.market.now() + timedelta(hours=hours) if hours else None
        known = await self._reception.keeping.subscriptions.snooze(f"discord:{number}", until)
        key = "discord.nothing_here" if not known else "discord.muted" if until else "discord.unmuted"
        body = words[key].format(when=f"<t:{int(until.timestamp())}:f>" if until else "")
        embed = discord.Embed(title=words["discord.mute_title"], description=f"<#{number}>: {body}")
        await interaction.response.send_message(embed=embed, ephemeral=True)

    async def mute_by_button(self, interaction: Interaction, options: Mapping[str, str]) -> None:
        """The pause that a button under a post offers, for whom the server lets use `/mute`. Raises nothing."""
        try:
            if not await self._allowed.may_use(interaction, "mute"):
                raise app_commands.MissingPermissions(["manage_guild"])
            await self.mute(interaction, _here(interaction), int(options.get("hours", "0")))
        except Exception as error:  # noqa: BLE001  discord.py would log it and leave who pressed without an answer
            await self._reception.apologize(interaction, error)

    def _zones(self, interaction: Interaction, typed: str) -> Sequence[Suggestion]:
        now = self._reception.market.now()
        found = self._panel.zones.find(typed, now, most=MOST_OPTIONS)
        return [Suggestion(name=label_zone(name, now), value=name) for name in found]

    async def _setup(
        self,
        interaction: Interaction,
        *,
        channel: int | None = None,
        at: str | None = None,
        zone: str | None = None,
        quiet: str | None = None,
    ) -> None:
        number = channel or _here(interaction)

        async def begin(before: ChannelSettings) -> None:
            if (lacking := _lacking(interaction, number)) is not None:
                words = self._reception.bank(interaction).words
                body = f"<#{number}>: " + words["discord.lacking"].format(
                    what=name_permissions(lacking, words)
                )
                await show(
                    interaction, Card(title=words["panel.title"], body=body, private=True), private=True
                )
                return
            market = self._reception.market
            asset = market.assets[0]
            after = self._panel.settings.begin(before, asset, interaction.user.id)
            if not before.wishes:
                after = after.with_profile(locale=self._reception.locale_of_guild(interaction))
            if at is not None:
                after = after.with_all(post_at=read_times(at))
            if zone is not None:
                after = after.with_all(zone=self._panel.zones.name_of(zone, market.now()))
            if quiet is not None:
                after = after.with_all(quiet=read_hours(quiet))
            await self._panel.save(interaction, before, after)
            await self._panel.preview(interaction, after)

        await self._panel.guard(interaction, number, begin)

    async def _settings(self, interaction: Interaction) -> None:
        words = self._reception.bank(interaction).words
        here = await self._reception.keeping.subscriptions.find(guild_id=str(interaction.guild_id))
        channels = list(dict.fromkeys(wish.channel for wish in here))
        now = self._reception.market.now()
        lines = [words["discord.settings" if here else "discord.no_settings"], ""]
        if here:
            lines.append(f"-# {words['panel.summary_head']}")
        for channel in channels:
            mine = [wish for wish in here if wish.channel == channel]
            lines.append(f"<#{channel.removeprefix('discord:')}>: {summarize(mine, words, now)}")
        embed = discord.Embed(title=words["discord.settings_title"], description="\n".join(lines)[:4096])
        view = ui.View(timeout=None)
        if channels:
            options = [
                discord.SelectOption(
                    label=channel_name(interaction, channel, words)[:100],
                    value=channel.removeprefix("discord:"),
                )
                for channel in channels[:MOST_OPTIONS]
            ]
            select: ui.Select[Any] = ui.Select(
                custom_id=custom_id("channel", _here(interaction)),
                options=options,
                placeholder=words["panel.open"],
            )
            view.add_item(PanelItem(select))
        await put(interaction, embed, view)

    async def _mute(self, interaction: Interaction, *, hours: int, channel: int | None = None) -> None:
        await self.mute(interaction, channel or _here(interaction), hours)


def _here(interaction: Interaction) -> int:
    if interaction.channel_id is None:
        raise InputError(reason("no_text_channel"))
    return interaction.channel_id


def _lacking(interaction: Interaction, number: int) -> Sequence[str] | None:
    """What we lack in the channel; None where nothing, all where Discord does not show it to us."""
    found = interaction.client.get_channel(number)
    if not isinstance(found, discord.abc.GuildChannel | discord.Thread):
        return ()
    return missing(found) or None
