"""What the people who run a server hear of trouble: in the channel that they chose for it, else whoever set the bot
up by direct message, else the server's owner."""

from collections.abc import Iterator
from typing import Any

import discord
import structlog

from bot.delivery.discord.asking import translate_errors
from bot.delivery.discord.channelbook import ChannelBook
from bot.delivery.discord.permissions import missing, name_permissions
from bot.delivery.discord.stores import ChannelStore
from bot.desk.market import Market
from bot.domain.channels import KeptChannel
from bot.domain.posts import Profile
from bot.domain.story import PhraseBank
from bot.errors import ArchiveError, DeliveryError

log = structlog.get_logger()


class Admins:
    """Tells them, in their server's language."""

    def __init__(
        self, client: discord.Client, market: Market, keeping: ChannelStore, channels: ChannelBook
    ) -> None:
        self._client = client
        self._market = market
        self._keeping = keeping
        self._channels = channels

    async def tell(self, channel: str, key: str, **values: str) -> bool:
        """Tell those of a channel's server `discord.<key>`; whether anybody could be told. Raises nothing."""
        try:
            kept, guild_id, bank = await self._look_up(channel)
        except ArchiveError as error:
            log.warning("tell.failed", channel=channel, reason=str(error))
            return False
        guild = self._client.get_guild(int(guild_id)) if guild_id else None
        number = channel.removeprefix("discord:")
        text = bank.words[f"discord.{key}"].format(
            channel=f"<#{number}>", what=self._missing(number, bank), **values
        )
        for target in self._targets(kept, guild):
            try:
                with translate_errors(channel):
                    to = (
                        target
                        if isinstance(target, discord.abc.Messageable)
                        else await self._client.create_dm(target)
                    )
                    await to.send(text)
            except DeliveryError as error:
                log.info("tell.failed", channel=channel, reason=str(error))
            else:
                log.info("tell.done", channel=channel, about=key)
                return True
        return False

    async def _look_up(self, channel: str) -> tuple[KeptChannel, str | None, PhraseBank]:
        kept = await self._channels.get(channel)
        known = await self._keeping.subscriptions.find(channel=channel)
        guild_id = kept.guild_id or next((one.guild_id for one in known), None)
        guild = self._client.get_guild(int(guild_id)) if guild_id else None
        locale = known[0].profile.locale if known else guild.preferred_locale.value if guild else "en"
        banks = self._market.playbook.banks
        locale = next((name for name in (locale, locale.partition("-")[0]) if name in banks), "en")
        return kept, guild_id, self._market.bank(Profile(locale=locale))

    def _targets(self, kept: KeptChannel, guild: discord.Guild | None) -> Iterator[Any]:
        if kept.style.notices is not None:
            yield self._client.get_partial_messageable(int(kept.style.notices.removeprefix("discord:")))
        if kept.set_up_by is not None:
            yield discord.Object(int(kept.set_up_by))
        if guild is not None and guild.owner_id is not None and str(guild.owner_id) != kept.set_up_by:
            yield discord.Object(guild.owner_id)

    def _missing(self, number: str, bank: PhraseBank) -> str:
        found = self._client.get_channel(int(number)) if number.isdecimal() else None
        lacking = missing(found) if isinstance(found, discord.abc.GuildChannel | discord.Thread) else ()
        return name_permissions(lacking, bank.words)
