"""Charts of the moment: what the last poll of this process heard, option by option and expiry by expiry, while it is young."""

from math import inf, isnan

from bot.commands._charts import Rates, expiry_rates, smile_chart
from bot.desk import Desk
from bot.domain.chain import OptionChain
from bot.domain.posts import ChartSpec, Profile
from bot.domain.readings import FutureQuote
from bot.metrics import futures, options


def smile_now(desk: Desk, asset: str, days: float, profile: Profile) -> ChartSpec | None:
    """The smile near a tenor at the venue with the most open interest that has one; None where no young chain gives it."""
    heard = desk.heard(asset)
    chains = [
        reading for reading in (heard.readings if heard else ())
        if isinstance(reading, OptionChain) and desk.now() - reading.observed_at <= options.MAX_AGE
    ]  # fmt: skip
    for chain in sorted(chains, key=_open_interest, reverse=True):
        chart = smile_chart(desk, chain, days, profile)
        if chart is not None:
            return chart
    return None


def rates_now(desk: Desk, asset: str) -> Rates:
    """Each venue's rates at the expiries that trade; empty where no young quote of a dated future was heard."""
    heard = desk.heard(asset)
    return expiry_rates(
        [
            reading for reading in (heard.readings if heard else ())
            if isinstance(reading, FutureQuote) and desk.now() - reading.observed_at <= futures.MAX_AGE
            and 0.0 < reading.mark_usd < inf and 0.0 < reading.index_usd < inf
        ]
    )  # fmt: skip


def _open_interest(chain: OptionChain) -> float:
    """What the venue told of it, in coins."""
    return float(sum(coins for coins in chain.open_interest_coin.tolist() if not isnan(coins)))
