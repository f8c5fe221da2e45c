"""What a venue's history of trades and bars tells of markets whose marks nobody kept: as columns, for estimates."""

from datetime import datetime

from msgspec import Struct

from bot.domain.chain import Bools, Floats, Ints


class OptionTrades(Struct, frozen=True, kw_only=True, eq=False):
    """The trades in one asset's options that a venue told of a stretch; row i of each column is one trade.

    Times in milliseconds since 1970 UTC; volatility in % a year; index in USD at the trade; size in coins. `is_plain` is
    false of blocks (`is_block`) and of legs of combinations, which are priced as a whole. `is_whole` says whether these are all of
    the stretch, else they are its newest."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    since_ms: int
    until_ms: int
    is_whole: bool
    at_ms: Ints
    expires_ms: Ints
    strike_usd: Floats
    is_call: Bools
    iv_pct: Floats
    index_usd: Floats
    coins: Floats
    is_plain: Bools
    is_block: Bools

    def __len__(self) -> int:
        return len(self.at_ms)


class FuturePrices(Struct, frozen=True, kw_only=True, eq=False):
    """What one asset's dated futures cost at past times, and the index of the same moment: a price that was traded, never
    one that a bar without volume repeats. Times in milliseconds since 1970 UTC, prices in USD."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    at_ms: Ints
    expires_ms: Ints
    price_usd: Floats
    index_usd: Floats

    def __len__(self) -> int:
        return len(self.at_ms)


PastPrices = OptionTrades | FuturePrices


class TakerTrades(Struct, frozen=True, kw_only=True, eq=False):
    """The trades in one asset's options of a stretch, as the venue told who took; row i of each column is one trade, oldest
    first.

    Times in milliseconds since 1970 UTC; what one option for one coin cost, and the venue's mark of it then, in USD;
    volatility in % a year; index in USD at the trade; size in coins. `is_buy`: the taker bought. `package` names the
    block, or else the combination, that a row is a leg of, "" where it is of none; `is_block` says which of the two.
    `is_whole` says whether these are all of the stretch, else they are its newest."""

    source: str
    venue: str
    asset: str
    since_ms: int
    until_ms: int
    is_whole: bool
    ids: tuple[str, ...]
    package: tuple[str, ...]
    at_ms: Ints
    expires_ms: Ints
    strike_usd: Floats
    is_call: Bools
    is_buy: Bools
    is_block: Bools
    coins: Floats
    premium_usd: Floats
    mark_usd: Floats
    iv_pct: Floats
    index_usd: Floats

    def __len__(self) -> int:
        return len(self.at_ms)
