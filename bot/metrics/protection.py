"""What protection costs: the price of a listed put so far below the price, of one put bought and a deeper one sold, and
of the same put every day: a tenth below the price, for thirty days.

Formula: Black (1976) on the row's own forward and mark volatility, r = 0, T in 365-day years. The put of every day: at the
strike 0.9 x index each expiry's volatility is linear in ln K between the two listed puts around it; between expiries total
variance σ²T and ln F are linear in T. Never beyond the strikes or the expiries that are there."""

from __future__ import annotations

from math import exp, log, sqrt

import numpy as np
from msgspec import Struct

from bot.domain.chain import Floats, Ints, OptionChain
from bot.metrics.columns import HOUR_MS
from bot.metrics.density import price_option
from bot.metrics.history import History
from bot.metrics.smile import DAY_MS, LEG_D1, Smile, widest_gap_days

FARTHEST_STRIKE = 0.02
"""How far the nearest listed strike may lie from the asked one, as a share of the price; where strikes are farther apart,
half their distance."""
WIDEST_STRIKES = 0.1
"""How far apart the two strikes around the asked one may be, as a share of the price."""
USUAL_FALL_PCT, USUAL_DAYS = 10.0, 30.0
FARTHEST_LEG = 1.6
"""How far beyond the put at 25 delta, in ln(K/F) of that put, a smile of three points is believed."""
METRIC = "protection_30d_pct"
YEAR_DAYS = 365


class PutPrice(Struct, frozen=True, kw_only=True):
    """A listed put: its strike and price for one coin in USD, and the price as a share of the index (%)."""

    expires_ms: int
    strike_usd: float
    price_usd: float
    share_pct: float
    days: float

    @property
    def yearly_pct(self) -> float:
        """What it would cost to hold the like all year, each for so many days, % of the price."""
        return self.share_pct * 365.0 / self.days


class PutSpread(Struct, frozen=True, kw_only=True):
    """A put bought and a deeper one of the same expiry sold: what both together cost, as a share of the index (%) and for
    one coin in USD; below the deeper strike nothing more is covered."""

    bought: PutPrice
    sold: PutPrice

    @property
    def price_usd(self) -> float:
        """The price of both for one coin."""
        return self.bought.price_usd - self.sold.price_usd

    @property
    def share_pct(self) -> float:
        """The price of both as a share of the index, %."""
        return self.bought.share_pct - self.sold.share_pct


def price_put(chain: OptionChain, index_usd: float, fall_pct: float, days: float) -> PutPrice | None:
    """The listed put nearest to so much below the index, at the listed expiry nearest to the days, by its own mark
    volatility and forward (Black, r = 0); None where no strike lies near."""
    rows = _puts(chain)
    if not len(rows):
        return None
    lives = (chain.expires_ms[rows] - chain.row_ms[rows]) / DAY_MS
    expires = chain.expires_ms[rows][int(np.argmin(np.abs(lives - days)))]
    return _nearest(chain, rows[chain.expires_ms[rows] == expires], index_usd, fall_pct)


def price_spread(chain: OptionChain, index_usd: float, bought: PutPrice, fall_pct: float) -> PutSpread | None:
    """The put and, of the same expiry, the listed one nearest to a deeper fall sold against it; None where there is no
    deeper one near."""
    rows = _puts(chain)
    sold = _nearest(chain, rows[chain.expires_ms[rows] == bought.expires_ms], index_usd, fall_pct)
    if sold is None or sold.strike_usd >= bought.strike_usd:
        return None
    return PutSpread(bought=bought, sold=sold)


def _puts(chain: OptionChain) -> Ints:
    """The rows of puts that can be priced and are a day and more away."""
    usable = (
        ~chain.is_call
        & (chain.mark_iv_pct > 0.0)
        & (chain.forward_usd > 0.0)
        & (chain.strike_usd > 0.0)
        & (chain.expires_ms > chain.row_ms + DAY_MS)
    )
    return np.flatnonzero(usable)


def _nearest(chain: OptionChain, rows: Ints, index_usd: float, fall_pct: float) -> PutPrice | None:
    """Of one expiry's puts that with the strike nearest to so much below the index."""
    if not len(rows):
        return None
    wanted, strikes = index_usd * (1.0 - fall_pct / 100.0), chain.strike_usd[rows]
    row = int(rows[np.argmin(np.abs(strikes - wanted))])
    strike = float(chain.strike_usd[row])
    if abs(strike - wanted) > max(FARTHEST_STRIKE * index_usd, _gap(strikes, wanted, index_usd) / 2.0):
        return None
    life = float(chain.expires_ms[row] - chain.row_ms[row]) / DAY_MS
    sigma = float(chain.mark_iv_pct[row]) / 100.0 * sqrt(life / YEAR_DAYS)
    price = price_option(float(chain.forward_usd[row]), strike, sigma, is_call=False)
    return PutPrice(
        expires_ms=int(chain.expires_ms[row]),
        strike_usd=strike,
        price_usd=price,
        share_pct=price / index_usd * 100.0,
        days=life,
    )


def _gap(strikes: Floats, wanted: float, index_usd: float) -> float:
    """How far apart the strikes around a wanted one are; 0 where they are too far apart, or there are none around it."""
    below, above = strikes[strikes <= wanted], strikes[strikes >= wanted]
    gap = float(above.min() - below.max()) if len(below) and len(above) else 0.0
    return gap if gap <= WIDEST_STRIKES * index_usd else 0.0


def usual_cost(chain: OptionChain, index_usd: float) -> float | None:
    """What a put a tenth below the index costs for thirty days, % of the index; None where the strikes or the expiries do
    not reach around it."""
    strike = index_usd * (1.0 - USUAL_FALL_PCT / 100.0)
    rows, known = _puts(chain), list[tuple[float, float, float]]()
    for expires in np.unique(chain.expires_ms[rows]).tolist():
        mine = rows[chain.expires_ms[rows] == expires]
        days = float(expires - np.median(chain.row_ms[mine])) / DAY_MS
        strikes = chain.strike_usd[mine]
        if not _gap(strikes, strike, index_usd) and strike not in strikes:
            continue
        iv = float(np.interp(log(strike), np.log(strikes), chain.mark_iv_pct[mine]))
        known.append(
            (days, (iv / 100.0) ** 2 * days / YEAR_DAYS, log(float(np.median(chain.forward_usd[mine]))))
        )
    near = max((one for one in known if one[0] <= USUAL_DAYS), default=None)
    far = min((one for one in known if one[0] >= USUAL_DAYS), default=None)
    if near is None or far is None or far[0] - near[0] > widest_gap_days(USUAL_DAYS):
        return None
    part = (USUAL_DAYS - near[0]) / (far[0] - near[0]) if far[0] > near[0] else 0.0
    variance, forward = (one + part * (other - one) for one, other in zip(near[1:], far[1:], strict=True))
    return price_option(exp(forward), strike, sqrt(variance), is_call=False) / index_usd * 100.0


def estimate_cost(smile: Smile, forward_share: float) -> float | None:
    """The same from a smile of three points at thirty days and the forward as a share of the index: volatility is the
    parabola in ln(K/F) through the put at 25 delta, the money and the call at 25 delta. None without the three, or far
    beyond the put."""
    if smile.put25 is None or smile.atm is None or smile.call25 is None:
        return None
    years = USUAL_DAYS / YEAR_DAYS
    put, atm, call = (iv / 100.0 * sqrt(years) for iv in (smile.put25, smile.atm, smile.call25))
    left, right = put * (put / 2.0 + LEG_D1), call * (call / 2.0 - LEG_D1)
    k = log((1.0 - USUAL_FALL_PCT / 100.0) / forward_share)
    if not FARTHEST_LEG * left <= k <= 0.0 or not left < 0.0 < right:
        return None
    down, up = (put - atm) / left, (call - atm) / right
    bend = (up - down) / (right - left)
    sigma = atm + (up - bend * right) * k + bend * k * k
    if sigma <= 0.0:
        return None
    return price_option(forward_share, 1.0 - USUAL_FALL_PCT / 100.0, sigma, is_call=False) * 100.0


def days_cheaper(history: History, value: float, now_ms: float) -> tuple[int, int]:
    """Of how many days of the last year the usual put cost less than this, and of how many days it is known: by the median
    of each day's hours, measured, else estimated from trades."""
    last = int(now_ms // HOUR_MS) - 24
    cells, _ = history.column(METRIC).hourly_with(history.estimates(METRIC), last - 24 * YEAR_DAYS + 1, last)
    days = cells.reshape(YEAR_DAYS, 24)
    medians = [float(np.median(day[~np.isnan(day)])) for day in days if not np.isnan(day).all()]
    return sum(one < value for one in medians), len(medians)
