"""What a source heard: readings, and the gaps where it heard nothing.

Each reading carries the `source` that told us, the `venue` where it trades, and `observed_at`, the reading's
own time (UTC). A quantity that the venue did not give is None, never 0."""

from array import array
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from bot.domain.chain import OptionChain
from bot.domain.instruments import Instrument


class FutureQuote(Struct, frozen=True, kw_only=True):
    """A dated future or perpetual: mark, index and open interest (one side counted once).

    The venue counts open interest in coins or in dollars; the source fills the one that the venue gave and
    leaves the other None: `bot.metrics` converts, with the index. `observed_at` is the mark's own time;
    `index_at` and `open_interest_at` are those of the index and of the count, where the venue tells them apart
    (None: the mark's)."""

    source: str
    observed_at: datetime
    instrument: Instrument
    mark_usd: float
    index_usd: float
    open_interest_coin: float | None = None
    open_interest_usd: float | None = None
    index_at: datetime | None = None
    open_interest_at: datetime | None = None


class FundingRate(Struct, frozen=True, kw_only=True):
    """A perpetual's funding for one interval of its venue: + when longs pay shorts. `rate_pct` 0.01 is
    0.01%."""

    source: str
    observed_at: datetime
    instrument: Instrument
    rate_pct: float
    interval_hours: float


class SpotQuote(Struct, frozen=True, kw_only=True):
    """A venue's index: its spot reference for the asset."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    index_usd: float


class VolatilityQuote(Struct, frozen=True, kw_only=True):
    """A venue's 30-day implied volatility index (Deribit's DVOL), in volatility points."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    dvol: float


class AccountRatio(Struct, frozen=True, kw_only=True):
    """Accounts that are long over accounts that are short, at one venue."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    long_short_ratio: float


class LiquidationTally(Struct, frozen=True, kw_only=True):
    """Force-closed notional between two times. `complete` only when a vendor counted all of it: else a lower
    bound.

    One side may be None (not told); a side of 0.0 was told to be nothing.
    """

    source: str
    observed_at: datetime
    venue: str
    asset: str
    since_at: datetime
    until_at: datetime
    longs_usd: float | None
    shorts_usd: float | None
    complete: bool


class BlockTally(Struct, frozen=True, kw_only=True):
    """What changed hands in blocks of options at a venue between two times, all of it: notional in USD (coins x index over
    all legs), and the premium that takers paid for what they bought less what they received for what they sold, USD."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    since_at: datetime
    until_at: datetime
    notional_usd: float
    premium_usd: float


class VendorOpenInterest(Struct, frozen=True, kw_only=True):
    """What a vendor counts as open in the futures and perpetuals of one venue, or (`venue` its own name) of all
    venues that it follows, in dollars. It counts by its own rule, some venues' two sides among them: it is never
    added to what venues tell themselves."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    open_interest_usd: float


class SeriesReading(Struct, frozen=True, kw_only=True, eq=False):
    """A stretch of a metric's own past, as a venue's history endpoint tells it: the columns `at_ms` (the
    start of each interval, ascending, milliseconds since 1970 UTC) and `value`, each covering `interval_s`
    seconds.

    `metric` is the metric's name (`dvol`, `spot_usd`, `spot_high_usd`, `spot_low_usd`, `open_interest_coin`,
    …). An interval that the venue left out is left out here: a gap stays a gap."""

    source: str
    observed_at: datetime
    venue: str
    asset: str
    metric: str
    interval_s: int
    at_ms: "array[int]"
    value: "array[float]"


Reading = (
    OptionChain
    | FutureQuote
    | FundingRate
    | SpotQuote
    | VolatilityQuote
    | AccountRatio
    | LiquidationTally
    | BlockTally
    | VendorOpenInterest
    | SeriesReading
)


class Gap(Struct, frozen=True, kw_only=True):
    """Something wanted and not heard: who was asked, and why there is nothing. `who` starts with the source's
    name."""

    who: str
    reason: str


Quantity = Literal[
    "options",
    "futures",
    "perpetuals",
    "funding",
    "index",
    "dvol",
    "liquidations",
    "long_short",
    "market_total",
    "gold",
    "nasdaq",
]
"""What a source can bring: the "m" of "n of m venues" counts the sources that bring it."""


VENDORS: Mapping[str, str | None] = {"coinalyze": "binance", "coinglass": None, "fred": None}
"""Sources that are no venue themselves: each with the venue whose figures it passes on, None where it has figures of its
own. They are named among the sources of a figure, and never counted as a venue that should tell it."""


def venues_of(sources: Iterable[str]) -> frozenset[str]:
    """The venues that these sources speak for."""
    spoken = (VENDORS.get(source, source) for source in sources)
    return frozenset(venue for venue in spoken if venue is not None)


class Heard(Struct, frozen=True, kw_only=True):
    """What one source said in one poll. A request of it that failed while others succeeded is a gap here."""

    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...] = ()


class Snapshot(Struct, frozen=True, kw_only=True):
    """All that was heard of one asset in one poll. Everything below `desk` takes the time from `taken_at`.

    `asked` names, for each quantity, the venues that were asked for it, heard or not. `withheld` says, by venue and
    kind ("okx futures", "deribit options"), why what is open there is not to be summed.
    """

    asset: str
    taken_at: datetime
    readings: tuple[Reading, ...]
    gaps: tuple[Gap, ...] = ()
    asked: Mapping[Quantity, tuple[str, ...]] = field(default_factory=dict)
    withheld: Mapping[str, str] = field(default_factory=dict)

    def without_expired(self) -> "Snapshot":
        """The same without contracts that have expired when it was taken: a venue may list them for a while."""
        kept: list[Reading] = []
        for reading in self.readings:
            if isinstance(reading, FutureQuote) and reading.instrument.is_over(self.taken_at):
                continue
            if isinstance(reading, OptionChain):
                alive = reading.without_expired(self.taken_at.timestamp() * 1000.0)
                kept += [alive] if len(alive) else []
            else:
                kept.append(reading)
        return replace(self, readings=tuple(kept))


class SourceHealth(Struct, frozen=True, kw_only=True):
    """How one source does for one asset, over restarts.

    `heard_at` is its last word (its last before an outage, as long as that is not over); `silent_at` the
    first poll of the present silence. `outage_at` is when the silence became an outage (`everyone`: all
    sources were silent then), `told_at` when that was told, `back_at` since when it is heard again,
    `ended_at` when that had held for long enough."""

    asset: str
    source: str
    heard_at: datetime | None = None
    silent_at: datetime | None = None
    outage_at: datetime | None = None
    everyone: bool = False
    told_at: datetime | None = None
    back_at: datetime | None = None
    ended_at: datetime | None = None
