"""A whole option chain as read-only columns."""

from dataclasses import dataclass
from datetime import datetime

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class OptionChain:
    """Every option of one asset at one venue at one instant: a reading. Row i of each column is one contract.

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

    nan here means "the venue did not say", and never leaves `bot.metrics` as a number. Columns are set read-only.
    `observed_at` is the median of the rows' own times.
    """

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
        columns = (
            self.expires_ms,
            self.strike_usd,
            self.is_call,
            self.forward_usd,
            self.mark_iv_pct,
            self.open_interest_coin,
            self.volume_24h_coin,
            self.row_ms,
        )
        if len({len(column) for column in columns}) > 1:
            raise ValueError(f"{self.venue} {self.asset}: option columns of different length")
        for column in columns:
            column.setflags(write=False)

    def __len__(self) -> int:
        return len(self.strike_usd)
