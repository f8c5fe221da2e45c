"""Commands that need more of Discord than a name and options: each cog gives the slash commands it adds."""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from bot.delivery.discord.client import TightropeClient
    from bot.delivery.discord.slash import AnyCommand

COGS: Final[tuple[Callable[["TightropeClient"], Sequence["AnyCommand"]], ...]] = ()
