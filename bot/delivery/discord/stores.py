"""What this room asks of the archive: settings, small notes, and the marks that only Discord can know of. Every
method raises ArchiveError."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.channels import KeptChannel
from bot.domain.posts import Post, Subscription


class NoteStore(Protocol):
    """Small things kept by name."""

    async def get(self, name: str) -> str | None:
        """What was kept; None where nothing was."""
        ...

    async def set(self, name: str, value: str) -> None:
        """Keep it."""
        ...


class SubscriptionStore(Protocol):
    """Who follows what."""

    async def find(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        """Subscriptions, by channel and asset."""
        ...

    async def add(self, wish: Subscription) -> None:
        """Add one or change its settings. Raises InputError where no further profile fits."""
        ...

    async def remove(self, channel: str, asset: str | None = None) -> int:
        """End one subscription of a channel, or all of them and what is unsent to it: how many ended."""
        ...

    async def pause(self, channel: str, at: datetime | None) -> None:
        """Neither post nor alert from a time on; None ends it."""
        ...

    async def snooze(self, channel: str, until: datetime | None) -> int:
        """No alerts until a time; None ends it."""
        ...

    async def forget_guild(self, guild_id: str) -> int:
        """Remove every row about a server: how many channels it had."""
        ...


class BlockStore(Protocol):
    """Who refuses direct messages."""

    async def block(self, channel: str, at: datetime | None) -> int:
        """Direct messages are refused since a time, and what is unsent is given up; None: they go through
        again."""
        ...


class MarkStore(Protocol):
    """What became of a post."""

    async def mark_late(self, post_id: str, *, channel: str) -> None:
        """The post goes out later than intended, and says so."""
        ...

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        """Nobody can tell whether the post went out: it is not sent again."""
        ...

    async def give_up(self, worthless: Sequence[Post]) -> None:
        """These posts are not sent any more."""
        ...


class KeptChannelStore(Protocol):
    """What is kept about channels beside their subscriptions."""

    async def find(self) -> Sequence[KeptChannel]:
        """Every channel about which something is kept."""
        ...

    async def put(self, place: KeptChannel) -> None:
        """Keep it."""
        ...


class ChannelStore(Protocol):
    """The repositories that this room works with."""

    @property
    def subscriptions(self) -> SubscriptionStore:
        """Who follows what."""
        ...

    @property
    def notes(self) -> NoteStore:
        """Small things kept by name."""
        ...

    @property
    def watches(self) -> BlockStore:
        """Who refuses direct messages."""
        ...

    @property
    def channels(self) -> KeptChannelStore:
        """What is kept about channels beside their subscriptions."""
        ...

    @property
    def outbox(self) -> MarkStore:
        """What became of a post."""
        ...
