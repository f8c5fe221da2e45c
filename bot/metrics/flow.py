"""The day's trades in options: the large ones, and what all of them did to the gamma of who stood on the other side.

A trade is all that changed hands at once: the legs of a block or of a combination, or the rows of one contract, one side and
one moment. Its notional is coins x index over its legs; it is large from the 95th percentile of the day's own trades on.
The premium is what the taker paid for all legs (less than nothing: was paid). Volatility against the mark, in points:
(price - mark) / vega of each leg, weighed by its vega, with Black's vega (1976) on the index as forward, r = 0, at
the trade's own volatility. Blocks of a day: the notional of all legs of block trades, and the premium that takers
paid for what they bought less what they received; of whole days alone. Signed gamma: who took is told, so that who
stood on the other side has the opposite; of trades of one day alone, not of all that is open."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from bot.domain.catalog import Measured, Metric, Unknown
from bot.domain.chain import Floats, OptionChain
from bot.domain.readings import BlockTally
from bot.domain.traded import TakerTrades
from bot.metrics.combine import WeighedValue
from bot.metrics.expiries import gamma_coin
from bot.metrics.history import History, to_time
from bot.metrics.moment import MetricInputs
from bot.metrics.smile import DAY_MS, YEAR_MS
from bot.reasons import reason

if TYPE_CHECKING:
    from numpy.typing import NDArray

LARGE_RANK = 95.0
MAX_AGE = timedelta(minutes=30)
ROOT_2_PI = 2.5066282746310002


class TradedLeg(Struct, frozen=True, kw_only=True):
    """One contract of a trade, and the coins that the taker bought of it (less than nothing: sold)."""

    expires_ms: int
    strike_usd: float
    is_call: bool
    coins: float


class OptionTrade(Struct, frozen=True, kw_only=True):
    """All that changed hands at once: `premium_usd` as the taker paid it, `over_mark_points` how far the volatility stood
    above the mark (None where it cannot be told: no vega is left)."""

    at_ms: int
    is_block: bool
    legs: tuple[TradedLeg, ...]
    notional_usd: float
    premium_usd: float
    over_mark_points: float | None


class DayFlow(Struct, frozen=True, kw_only=True):
    """A day's trades: how many, their notional, from which notional on one is large, and the large ones, largest first."""

    count: int
    notional_usd: float
    large_from_usd: float
    large: tuple[OptionTrade, ...]


def join_trades(known: TakerTrades, later: TakerTrades, since_ms: int) -> TakerTrades:
    """Trades of one venue and later ones, as far as they are not older than a time; one that is in both counts once."""
    told = set(later.ids)
    kept = [
        row
        for row, (one, at_ms) in enumerate(zip(known.ids, known.at_ms.tolist(), strict=True))
        if one not in told and at_ms >= since_ms
    ]
    fresh = np.flatnonzero(later.at_ms >= since_ms).tolist()
    at_ms = np.concatenate((known.at_ms[kept], later.at_ms[fresh]))
    order = np.argsort(at_ms, kind="stable")

    def column(name: str) -> NDArray[Any]:
        joined = np.concatenate((getattr(known, name)[kept], getattr(later, name)[fresh]))
        return np.asarray(joined[order])

    def names(of: str) -> tuple[str, ...]:
        joined = [getattr(known, of)[row] for row in kept] + [getattr(later, of)[row] for row in fresh]
        return tuple(joined[place] for place in order.tolist())

    return TakerTrades(
        source=later.source,
        venue=later.venue,
        asset=later.asset,
        since_ms=max(min(known.since_ms, later.since_ms), since_ms),
        until_ms=later.until_ms,
        is_whole=later.is_whole and (known.is_whole or later.since_ms <= since_ms),
        ids=names("ids"),
        package=names("package"),
        at_ms=at_ms[order],
        expires_ms=column("expires_ms"),
        strike_usd=column("strike_usd"),
        is_call=column("is_call"),
        is_buy=column("is_buy"),
        is_block=column("is_block"),
        coins=column("coins"),
        premium_usd=column("premium_usd"),
        mark_usd=column("mark_usd"),
        iv_pct=column("iv_pct"),
        index_usd=column("index_usd"),
    )


def read_flow(trades: TakerTrades) -> DayFlow | None:
    """The day's trades put together; None where there are none."""
    if not len(trades):
        return None
    rows: dict[tuple[object, ...], list[int]] = {}
    single = zip(
        trades.at_ms.tolist(),
        trades.expires_ms.tolist(),
        trades.strike_usd.tolist(),
        trades.is_call.tolist(),
        trades.is_buy.tolist(),
        strict=True,
    )
    for row, (package, alone) in enumerate(zip(trades.package, single, strict=True)):
        rows.setdefault((package,) if package else alone, []).append(row)
    notional = trades.coins * trades.index_usd
    sizes = np.array([float(notional[places].sum()) for places in rows.values()])
    large_from = float(np.percentile(sizes, LARGE_RANK))
    large = [
        _together(trades, places, size)
        for places, size in zip(rows.values(), sizes.tolist(), strict=True)
        if size >= large_from
    ]
    return DayFlow(
        count=len(rows),
        notional_usd=float(notional.sum()),
        large_from_usd=large_from,
        large=tuple(sorted(large, key=lambda one: -one.notional_usd)),
    )


def tally_blocks(trades: TakerTrades) -> BlockTally | None:
    """The blocks among a day's trades; None where they are not all of a whole day. A day without any is one of 0."""
    if not trades.is_whole or trades.until_ms - trades.since_ms < DAY_MS:
        return None
    blocks = trades.is_block
    bought = np.where(trades.is_buy, trades.coins, -trades.coins)
    return BlockTally(
        source=trades.source,
        observed_at=to_time(trades.until_ms),
        venue=trades.venue,
        asset=trades.asset,
        since_at=to_time(trades.since_ms),
        until_at=to_time(trades.until_ms),
        notional_usd=float((trades.coins * trades.index_usd)[blocks].sum()),
        premium_usd=float((bought * trades.premium_usd)[blocks].sum()),
    )


def _together(trades: TakerTrades, rows: Sequence[int], notional_usd: float) -> OptionTrade:
    bought = np.where(trades.is_buy[rows], trades.coins[rows], -trades.coins[rows])
    legs: dict[tuple[int, float, bool], float] = {}
    for row, coins in zip(rows, bought.tolist(), strict=True):
        key = (int(trades.expires_ms[row]), float(trades.strike_usd[row]), bool(trades.is_call[row]))
        legs[key] = coins + legs[key] if key in legs else coins
    vega = _vega(trades, np.array(rows)) * trades.coins[rows]
    over = (trades.premium_usd[rows] - trades.mark_usd[rows]) * trades.coins[rows]
    return OptionTrade(
        at_ms=int(trades.at_ms[rows].min()),
        is_block=bool(trades.is_block[rows].any()),
        legs=tuple(
            TradedLeg(expires_ms=expires, strike_usd=strike, is_call=is_call, coins=coins)
            for (expires, strike, is_call), coins in sorted(legs.items())
        ),
        notional_usd=notional_usd,
        premium_usd=float((bought * trades.premium_usd[rows]).sum()),
        over_mark_points=float(over.sum() / vega.sum()) if vega.sum() > 0.0 else None,
    )


def _vega(trades: TakerTrades, rows: Floats) -> Floats:
    """What one point of volatility is worth for one coin, USD."""
    years = np.maximum((trades.expires_ms[rows] - trades.at_ms[rows]) / YEAR_MS, 0.0)
    sigma = trades.iv_pct[rows] / 100.0 * np.sqrt(years)
    good = sigma > 0.0
    wide = np.where(good, sigma, 1.0)
    d1 = np.log(trades.index_usd[rows] / trades.strike_usd[rows]) / wide + wide / 2.0
    vega = trades.index_usd[rows] * np.sqrt(years) * np.exp(-0.5 * d1 * d1) / ROOT_2_PI / 100.0
    return np.asarray(np.where(good, vega, 0.0))


def dealers_gamma(chain: OptionChain, trades: TakerTrades, spot_usd: float, at_ms: float) -> float | None:
    """The gamma, for a move of 1% in coins, that the trades left with who stood on the other side of the takers: what was
    bought of them is missing. None where no traded contract is in the chain with a volatility."""
    usable = (chain.expires_ms > at_ms) & (chain.mark_iv_pct > 0.0) & (chain.forward_usd > 0.0)
    rows = np.flatnonzero(usable)
    places = {
        key: place
        for place, key in enumerate(
            zip(
                chain.expires_ms[rows].tolist(),
                chain.strike_usd[rows].tolist(),
                chain.is_call[rows].tolist(),
                strict=True,
            )
        )
    }
    sold = np.zeros(len(rows))
    is_met = False
    traded = zip(
        trades.expires_ms.tolist(),
        trades.strike_usd.tolist(),
        trades.is_call.tolist(),
        np.where(trades.is_buy, -trades.coins, trades.coins).tolist(),
        strict=True,
    )
    for expires, strike, is_call, coins in traded:
        place = places.get((expires, strike, is_call))
        if place is not None:
            sold[place] += coins
            is_met = True
    return float((gamma_coin(chain, rows, spot_usd, at_ms) * sold).sum()) if is_met else None


def _of_blocks(
    name: str, pick: Callable[[BlockTally], float]
) -> Callable[[MetricInputs, History], Measured | Unknown]:
    def compute(moment: MetricInputs, _: History) -> Measured | Unknown:
        told = {one.venue: one for one in moment.readings(BlockTally, MAX_AGE)}
        if not told:
            return Unknown(reason=reason("no_day_of_trades"))
        parts = {
            venue: WeighedValue(value=pick(one), observed_at=one.observed_at) for venue, one in told.items()
        }
        return moment.combine(name, parts)

    return compute


METRICS = (
    Metric(
        name="option_blocks_24h_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(0.0, 1e12),
        compute=_of_blocks("option_blocks_24h_usd", lambda tally: tally.notional_usd),
        formula="coins x index over all legs of the block trades in options of the last 24 hours",
        amount=True,
        combine="sum",
    ),
    Metric(
        name="option_blocks_premium_24h_usd",
        unit="USD",
        max_age=MAX_AGE,
        valid=(-1e11, 1e11),
        compute=_of_blocks("option_blocks_premium_24h_usd", lambda tally: tally.premium_usd),
        formula="premium paid by takers for what they bought in these block trades, less what they received for what they sold",
        combine="sum",
    ),
)
