"""What is kept about channels, read at most once a minute: thousands of posts ask for it at once, and other
processes may change it."""

import time
from collections.abc import Callable
from typing import Final

from bot.delivery.discord.stores import KeptChannelStore
from bot.domain.channels import KeptChannel

KEPT_S: Final = 60.0


class ChannelBook:
    """All channels about which something is kept. The clock (monotonic seconds) is an argument."""

    def __init__(self, store: KeptChannelStore, *, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._store = store
        self._monotonic = monotonic
        self._channels: dict[str, KeptChannel] = {}
        self._read_s: float | None = None

    async def get(self, channel: str) -> KeptChannel:
        """What is kept about a channel; an empty one where nothing is. Raises ArchiveError."""
        await self.all()
        return self._channels.get(channel) or KeptChannel(channel=channel)

    async def all(self) -> tuple[KeptChannel, ...]:
        """Every channel about which something is kept. Raises ArchiveError."""
        now_s = self._monotonic()
        if self._read_s is None or now_s - self._read_s >= KEPT_S:
            self._channels = {kept.channel: kept for kept in await self._store.find()}
            self._read_s = now_s
        return tuple(self._channels.values())

    async def put(self, kept: KeptChannel) -> None:
        """Keep it from now on. Raises ArchiveError."""
        await self._store.put(kept)
        self._channels[kept.channel] = kept

    def forget(self, gone: Callable[[KeptChannel], bool]) -> None:
        """These are not kept any more: their server has put us out. What is kept is read anew at the next question."""
        self._channels = {name: kept for name, kept in self._channels.items() if not gone(kept)}
        self._read_s = None
