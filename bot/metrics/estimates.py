"""What trades and bars tell of a past that nobody marked: estimates of skew, volatility, put/call, blocks and basis.

Formula: per stretch (a day, or eight hours), skew and volatility by `traded_smile.py`, forwards from the basis
estimated of that day; put/call as coins traded in puts over calls, blocks included. Basis: per venue and
expiry the median over the day of (price / index - 1) x 365 / days to expiry x 100, seven days and more before expiry,
linear in days to the tenor; the median of the venues that tell it. Blocks: coins x index of the block trades of a UTC day.

Estimates have tellers of their own ("~", and "~deribit" for what one venue's trades say). They feed ranks, usual ranges
and charts; no sentence ever states one, because they are no reading: `History` names no such teller as a venue, and an
aggregate never stands on one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from statistics import median

import numpy as np

from bot.domain.catalog import Catalog
from bot.domain.facts import ESTIMATES, Point
from bot.domain.traded import FuturePrices, OptionTrades
from bot.metrics.history import History, to_time
from bot.metrics.protection import estimate_cost
from bot.metrics.smile import DAY_MS, Smile
from bot.metrics.traded_smile import ForwardCurve, traded_smiles

TENORS, SMILE_TENORS = (30, 60, 90), (7, 30, 60, 90)
NEAREST_DAYS = 7.0
MIN_TRADES = 20
OLDEST_BASIS_MS = 7 * DAY_MS
LEAST_REACH = 0.5
ESTIMATED_METRICS: Mapping[str, tuple[str, ...]] = {
    "futures": tuple(f"basis_{days}d_pct" for days in TENORS),
    "options": ("put_call_volume_ratio", *(f"atm_iv_{days}d_pct" for days in SMILE_TENORS)),
}
"""By what they are estimated from, the metrics of which one at least is known of a stretch that was told."""
Curve = tuple[tuple[float, float], ...]


def option_estimates(
    trades: Sequence[OptionTrades], history: History, asset: str, catalog: Catalog
) -> tuple[Point, ...]:
    """Points of one stretch from the option trades that venues told of it. Forwards are those of the basis that was
    estimated of its day, or of the last one of a week before; without any only put/call is told, for a smile on the
    index instead of its forward is off by more than its noise."""
    own: dict[str, dict[str, float]] = {}
    for told in trades:
        for name, value in _of_trades(told, forward_curve(history, told.until_ms)).items():
            own.setdefault(name, {})[told.venue] = value
    if not trades:
        return ()
    return tuple(_points(own, asset, trades[0].since_ms, trades[0].until_ms, catalog))


def block_estimates(
    trades: Sequence[OptionTrades], since_ms: int, until_ms: int, asset: str, catalog: Catalog
) -> tuple[Point, ...]:
    """The notional of one day's blocks by venue and together, from the trades that were told of all its parts. Of a part
    of which only the newest trades were told, the pace of these stands for it, if they reach over half of it."""
    own: dict[str, dict[str, float]] = {}
    for venue in dict.fromkeys(told.venue for told in trades):
        parts = [told for told in trades if told.venue == venue]
        sums = [usd for told in parts if (usd := _blocks_usd(told)) is not None]
        if (
            len(sums) == len(parts)
            and sum(told.until_ms - told.since_ms for told in parts) == until_ms - since_ms
        ):
            own.setdefault("option_blocks_24h_usd", {})[venue] = fsum(sums)
    return tuple(_points(own, asset, since_ms, until_ms, catalog))


def _blocks_usd(told: OptionTrades) -> float | None:
    reach = 1.0
    if not told.is_whole:
        reach = (told.until_ms - float(told.at_ms[0])) / (told.until_ms - told.since_ms) if len(told) else 0.0
    blocks = told.is_block
    return float((told.coins * told.index_usd)[blocks].sum()) / reach if reach >= LEAST_REACH else None


def forward_curve(history: History, until_ms: int) -> ForwardCurve | None:
    """What futures cost over the index on the day in which a stretch ends, by the basis estimates; None where none is
    known of that day or of the week before."""
    day_ends_ms = np.array([-(-until_ms // int(DAY_MS)) * DAY_MS])
    curve: list[tuple[float, float]] = []
    for days in TENORS:
        rate, _ = history.estimates(f"basis_{days}d_pct").before(day_ends_ms, OLDEST_BASIS_MS)
        if rate[0] == rate[0]:
            curve.append((float(days), float(rate[0]) / 100.0))
    if not curve:
        return None
    days_to, rates = zip(*curve, strict=True)
    return ForwardCurve(np.array(days_to), np.array(rates))


def basis_estimates(
    futures: Sequence[FuturePrices], since_ms: int, until_ms: int, asset: str, catalog: Catalog
) -> tuple[Point, ...]:
    """Points of one day from what dated futures cost at several venues."""
    own: dict[str, dict[str, float]] = {}
    for told in futures:
        curve = _rates(told, since_ms, until_ms)
        for days in TENORS:
            rate = _rate_at(curve, days)
            if rate is not None:
                own.setdefault(f"basis_{days}d_pct", {})[told.venue] = rate
    return tuple(_points(own, asset, since_ms, until_ms, catalog))


def _of_trades(trades: OptionTrades, curve: ForwardCurve | None) -> Mapping[str, float]:
    found: dict[str, float] = {}
    puts, calls = (float(trades.coins[side].sum()) for side in (~trades.is_call, trades.is_call))
    if len(trades) >= MIN_TRADES and calls > 0.0:
        found["put_call_volume_ratio"] = puts / calls
    if curve is None:
        return found
    smiles = traded_smiles(trades, SMILE_TENORS, curve)
    for days, smile in smiles.items():
        found.update(_of_smile(int(days), smile))
    cost = estimate_cost(smiles[30], float(curve.over_index(np.array([30.0]))[0]))
    if cost is not None:
        found["protection_30d_pct"] = cost
    near, far = smiles[7].atm, smiles[30].atm
    if near is not None and far is not None:
        found["iv_term_slope_points"] = far - near
    return found


def _of_smile(days: int, smile: Smile) -> Iterator[tuple[str, float]]:
    if smile.atm is not None:
        yield f"atm_iv_{days}d_pct", smile.atm
    if smile.put25 is not None and smile.call25 is not None:
        yield f"skew_{days}d_points", smile.put25 - smile.call25
        if smile.atm is not None:
            yield f"skew_{days}d_pct", (smile.put25 - smile.call25) / smile.atm * 100.0


def _rates(futures: FuturePrices, since_ms: int, until_ms: int) -> Curve:
    """Days to expiry and yearly rate in % of each expiry: the medians over a stretch."""
    days = (futures.expires_ms - futures.at_ms) / DAY_MS
    rows = np.flatnonzero((futures.at_ms > since_ms) & (futures.at_ms <= until_ms) & (days >= NEAREST_DAYS))
    curve: list[tuple[float, float]] = []
    for expires in np.unique(futures.expires_ms[rows]):
        mine = rows[futures.expires_ms[rows] == expires]
        rate = (futures.price_usd[mine] / futures.index_usd[mine] - 1.0) * 365.0 / days[mine] * 100.0
        curve.append((float(np.median(days[mine])), float(np.median(rate))))
    return tuple(sorted(curve))


def _rate_at(curve: Curve, tenor_days: float) -> float | None:
    """The curve's rate at a tenor, linear in days; None outside it."""
    if not curve or not curve[0][0] <= tenor_days <= curve[-1][0]:
        return None
    days, rates = zip(*curve, strict=True)
    return float(np.interp(tenor_days, days, rates))


def _points(
    own: Mapping[str, Mapping[str, float]], asset: str, since_ms: int, until_ms: int, catalog: Catalog
) -> Iterator[Point]:
    for name, values in own.items():
        metric = catalog.metrics.get(name)
        if metric is None:
            continue
        low, high = metric.valid
        sane = {venue: value for venue, value in values.items() if low <= value <= high}
        if not sane:
            continue
        tellers: Iterable[tuple[str, float]] = [
            (ESTIMATES, median(sane.values())),
            *((ESTIMATES + venue, value) for venue, value in sane.items()),
        ]
        for teller, value in tellers:
            yield Point(
                metric=name,
                asset=asset,
                at=to_time(since_ms),
                value=value,
                venue=teller,
                venues=tuple(sorted(sane)),
                of_venues=len(sane),
                covers_s=(until_ms - since_ms) // 1000,
            )
