"""Channels that are paused, looked at again: at once where a permission or a role changed, else once a day; and
pauses that somebody asked for, ended in time."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Final

import discord
import structlog
from msgspec.structs import replace

from bot.delivery.discord.channelbook import ChannelBook
from bot.delivery.discord.permissions import missing
from bot.delivery.discord.stores import ChannelStore
from bot.domain.channels import KeptChannel

log = structlog.get_logger()

EACH: Final = timedelta(days=1)


class Mending:
    """What is tried again, and when. `mended` are the channels whose refusals are to be forgotten."""

    def __init__(
        self,
        keeping: ChannelStore,
        channels: ChannelBook,
        *,
        channel: Callable[[int], Any],
        now: Callable[[], datetime],
    ) -> None:
        self.mended: set[str] = set()
        self._keeping = keeping
        self._channels = channels
        self._channel = channel
        self._now = now

    async def look_at_guild(self, guild_id: int) -> None:
        """Permissions may have changed in a server: what we may do there now. Raises ArchiveError."""
        for kept in await self._channels.all():
            if kept.guild_id == str(guild_id) and kept.refused_at and self._may_post(kept):
                await self._resume(kept)

    async def look(self) -> None:
        """What is due to be looked at again, and the pauses that are over. Raises ArchiveError."""
        now = self._now()
        for kept in await self._channels.all():
            if kept.paused_until is not None and kept.paused_until <= now:
                await self._channels.put(replace(kept, paused_by=None, paused_until=None))
                if kept.told_at is None:
                    await self._keeping.subscriptions.pause(kept.channel, None)
                log.info("route.resumed", channel=kept.channel, reason="the pause is over")
            elif (
                kept.told_at is not None and not timedelta(0) <= now - (kept.looked_at or kept.told_at) < EACH
            ):
                if self._may_post(kept):
                    await self._resume(kept)
                else:
                    await self._channels.put(replace(kept, looked_at=now))

    async def _resume(self, kept: KeptChannel) -> None:
        """Try again with the next post; another refusal pauses at once, and is not told again."""
        self.mended.add(kept.channel)
        if kept.told_at is None:
            return
        await self._channels.put(replace(kept, looked_at=self._now()))
        if kept.paused_by is None and kept.paused_until is None:
            await self._keeping.subscriptions.pause(kept.channel, None)
        log.info("route.resumed", channel=kept.channel, reason="we may post there now")

    def _may_post(self, kept: KeptChannel) -> bool:
        """Whether Discord's own permissions let us post there. What is not known here cannot be looked at."""
        found = self._channel(int(kept.channel.removeprefix("discord:")))
        return isinstance(found, discord.abc.GuildChannel | discord.Thread) and not missing(found)
