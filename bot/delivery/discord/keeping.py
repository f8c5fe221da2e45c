"""What this room asks of the archive: settings, small notes, and the marks that only Discord can know of."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from bot.domain.posts import Subscription


class Memo(Protocol):
    """Small things kept by name."""

    async def note(self, name: str) -> str | None:
        """What was kept; None where nothing was."""
        ...

    async def keep_note(self, name: str, value: str) -> None:
        """Keep it."""
        ...


class Keeping(Memo, Protocol):
    """Who follows what, and what became of a post. Every method raises ArchiveError."""

    async def subscriptions(
        self, *, channel: str | None = None, asset: str | None = None, guild_id: str | None = None
    ) -> Sequence[Subscription]:
        """Subscriptions, by channel and asset."""
        ...

    async def subscribe(self, subscription: Subscription) -> None:
        """Add one or change its settings. Raises InputError where no further profile fits."""
        ...

    async def unsubscribe(self, channel: str, asset: str | None = None) -> int:
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

    async def block(self, channel: str, at: datetime | None) -> int:
        """Direct messages are refused since a time, and what is unsent is given up; None: they go through again."""
        ...

    async def mark_late(self, post_id: str, *, channel: str) -> None:
        """The post goes out later than intended, and says so."""
        ...

    async def mark_uncertain(self, post_id: str, *, channel: str) -> None:
        """Nobody can tell whether the post went out: it is not sent again."""
        ...
