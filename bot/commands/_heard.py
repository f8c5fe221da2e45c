"""Charts of the moment: what the last poll of this process heard, option by option and expiry by expiry,
while it is young."""

from collections import Counter
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from math import inf, isnan

from bot.commands._charts import Rates, expiry_rates
from bot.commands._expiries import young_chains
from bot.commands._option_charts import expiries_chart, expiry_near, gamma_chart, smile_chart
from bot.desk.market import Market
from bot.domain.chain import OptionChain
from bot.domain.posts import ChartSpec, Profile
from bot.domain.readings import FutureQuote
from bot.metrics import futures, options
from bot.metrics.smile import DAY_MS

WEEK = timedelta(days=7)
NEAR_WEEK = timedelta(hours=30)  # a smile so near to a week ago stands for it, with its day


async def smile_now(market: Market, asset: str, days: float, profile: Profile) -> ChartSpec | None:
    """The smile near a tenor at the venue with the most open interest that has one, with that of a week ago behind it
    where it is remembered; None where no young chain gives it. Raises ArchiveError."""
    for chain in young_chains(market, asset):
        expires_ms = expiry_near(chain, days)
        if expires_ms is None:
            continue
        past = await market.memory.smiles.find(
            asset, chain.venue, expires_ms, market.now() - WEEK, within=NEAR_WEEK
        )
        chart = smile_chart(market, chain, days, profile, past)
        if chart is not None:
            return chart
    return None


def gamma_now(market: Market, asset: str, spot_usd: float, profile: Profile) -> ChartSpec | None:
    """Gamma by strike at the venue with the most open interest; None where no young chain gives it."""
    return _first(gamma_chart(market, chain, spot_usd, profile) for chain in young_chains(market, asset))


def expiries_now(market: Market, asset: str, spot_usd: float, profile: Profile) -> ChartSpec | None:
    """What is open by expiry at the venue with the most of it; None where no young chain gives it."""
    return _first(expiries_chart(market, chain, spot_usd, profile) for chain in young_chains(market, asset))


def _first(charts: Iterable[ChartSpec | None]) -> ChartSpec | None:
    return next((chart for chart in charts if chart is not None), None)


def rates_now(market: Market, asset: str) -> Rates:
    """Each venue's rates at the expiries that trade; empty where no young quote of a dated future was
    heard."""
    heard = market.last_snapshot(asset)
    return expiry_rates(
        [
            reading
            for reading in (heard.readings if heard else ())
            if isinstance(reading, FutureQuote)
            and market.now() - reading.observed_at <= futures.MAX_AGE
            and 0.0 < reading.mark_usd < inf
            and 0.0 < reading.index_usd < inf
        ]
    )


def expiry_of_max_pain(market: Market, asset: str, read_at: datetime) -> datetime | None:
    """The expiry that a max pain read at a time is of: the one that holds most of the next weeks, over all venues. None
    where what it was read from is not in memory."""
    heard = market.last_snapshot(asset)
    chains = [reading for reading in (heard.readings if heard else ()) if isinstance(reading, OptionChain)]
    if not chains or min(chain.observed_at for chain in chains) != read_at or heard is None:
        return None
    now_ms = heard.taken_at.timestamp() * 1000
    coins: Counter[float] = Counter()
    for chain in chains:
        for expires_ms, held in zip(
            chain.expires_ms.tolist(), chain.open_interest_coin.tolist(), strict=True
        ):
            if now_ms < expires_ms <= now_ms + options.EXPIRY_DAYS * DAY_MS:
                coins[expires_ms] += held
    if not coins or any(isnan(held) for held in coins.values()):
        return None
    return datetime.fromtimestamp(
        max(coins, key=lambda expires_ms: (coins[expires_ms], -expires_ms)) / 1000, UTC
    )
