"""Servers that put us out while we were away: forgotten once they have been absent for a day.

A server that is not among ours at a start may be so for an hour of Discord's own trouble."""

import json
from collections.abc import Callable, Collection, Mapping
from datetime import datetime, timedelta
from typing import Final

import structlog

from bot.delivery.discord.stores import ChannelStore

log = structlog.get_logger()

NOTE: Final = "discord.absent"
LONG: Final = timedelta(days=1)


class Absence:
    """Since when servers are absent, kept over restarts."""

    def __init__(self, keeping: ChannelStore, *, now: Callable[[], datetime]) -> None:
        self._keeping = keeping
        self._now = now

    async def look(self, here: Collection[str], ours: Callable[[str], bool]) -> None:
        """Remember who of the servers that are `ours` to look after is not `here`, and forget those that have
        not been for a day. Raises ArchiveError."""
        stored = {
            one.guild_id for one in await self._keeping.subscriptions.find() if one.guild_id is not None
        }
        before = await self._read()
        now = self._now()
        absent = {guild: before.get(guild, now) for guild in stored - set(here) if ours(guild)}
        others = {guild: at for guild, at in before.items() if guild in stored and not ours(guild)}
        for guild, since in list(absent.items()):
            if since > now:  # the clock was put back
                absent[guild] = now
            elif now - since >= LONG:
                del absent[guild]
                await self._keeping.subscriptions.forget_guild(guild)
                log.info("guild.forgotten", guild=guild, absent_since=since.isoformat())
        if absent | others != before:
            kept = {guild: at.isoformat() for guild, at in (absent | others).items()}
            await self._keeping.notes.set(NOTE, json.dumps(kept))

    async def _read(self) -> Mapping[str, datetime]:
        text = await self._keeping.notes.get(NOTE)
        return {guild: datetime.fromisoformat(at) for guild, at in json.loads(text or "{}").items()}
