"""One contract at one venue."""

from datetime import datetime
from typing import Literal

from msgspec import Struct

Kind = Literal["option", "future", "perpetual"]
Right = Literal["call", "put"]


class Instrument(Struct, frozen=True, kw_only=True):
    """One contract: where it trades, how the venue spells it, and what it is.

    `expires_at` is None for a perpetual, whatever sentinel year the venue writes; `right` and `strike_usd`
    are None for all but options. `inverse` contracts are a fixed number of dollars settled in coins: their
    size in coins grows when the price falls with nothing traded."""

    venue: str
    symbol: str
    asset: str
    kind: Kind
    right: Right | None = None
    expires_at: datetime | None = None
    strike_usd: float | None = None
    inverse: bool = False

    def is_over(self, at: datetime) -> bool:
        """Whether it has expired at a time; nothing is open in it then, whatever its venue still lists."""
        return self.expires_at is not None and self.expires_at <= at
