"""A whole option chain as read-only columns."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct
from msgspec.structs import force_setattr, replace

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Ints = NDArray[np.int64]
    Bools = NDArray[np.bool_]
else:  # numpy is imported where it first counts something (bot/late.py)
    Floats = Ints = Bools = Any

COLUMNS = (
    "expires_ms",
    "strike_usd",
    "is_call",
    "forward_usd",
    "mark_iv_pct",
    "open_interest_coin",
    "volume_24h_coin",
    "row_ms",
)


class OptionChain(Struct, frozen=True, kw_only=True, eq=False):
    """Every option of one asset at one venue at one instant: a reading. Row i of each column is one contract;
    whatever order they come in, rows are kept by expiry, then strike.

    =====================  =======  ====================================================================
    column                 dtype    unit
    =====================  =======  ====================================================================
    expires_ms             int64    expiry, milliseconds since 1970 UTC
    strike_usd             float64  USD
    is_call                bool     True for a call, False for a put
    forward_usd            float64  USD, the venue's forward of that expiry; nan where the venue gave none
    mark_iv_pct            float64  % a year (41.77 is 41.77%); nan where the venue gave none
    open_interest_coin     float64  coins, one side; nan where the venue gave none
    volume_24h_coin        float64  coins; nan where the venue gave none
    row_ms                 int64    the row's own time, milliseconds since 1970 UTC
    =====================  =======  ====================================================================

    nan here means "the venue did not say", and never leaves `bot.metrics` as a number. Columns are read-only
    copies. `observed_at` is the median of the rows' own times."""

    source: str
    venue: str
    asset: str
    observed_at: datetime
    expires_ms: Ints
    strike_usd: Floats
    is_call: Bools
    forward_usd: Floats
    mark_iv_pct: Floats
    open_interest_coin: Floats
    volume_24h_coin: Floats
    row_ms: Ints

    def __post_init__(self) -> None:
        columns = {name: getattr(self, name) for name in COLUMNS}
        if len({len(column) for column in columns.values()}) > 1:
            raise ValueError(f"{self.venue} {self.asset}: option columns of different length")
        order = np.lexsort((self.strike_usd, self.expires_ms))
        for name, column in columns.items():
            kept = column[order]
            kept.setflags(write=False)
            force_setattr(self, name, kept)

    def __len__(self) -> int:
        return len(self.strike_usd)

    def without_expired(self, at_ms: float) -> OptionChain:
        """The options that have not expired at a time (milliseconds since 1970 UTC): itself where that is all."""
        alive = self.expires_ms > at_ms
        if alive.all():
            return self
        return replace(self, **{name: getattr(self, name)[alive] for name in COLUMNS})


class PastSmile(Struct, frozen=True, kw_only=True):
    """The smile of one expiry as it was at a time: implied volatility (% a year) by strike (USD), puts below the forward
    (USD; None: not kept) and calls from it on."""

    venue: str
    at: datetime
    expires_ms: int
    strikes_usd: tuple[float, ...]
    iv_pct: tuple[float, ...]
    forward_usd: float | None = None


class PastSmiles(Struct, frozen=True, kw_only=True):
    """What is remembered of an asset's smiles, oldest first."""

    asset: str
    smiles: tuple[PastSmile, ...] = ()
