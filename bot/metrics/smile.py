"""The smile: from mark volatility and forward to 25-delta and at-the-money volatility at a fixed distance in days.

Formula: delta = N(d1) on the row's own forward (a put's is N(d1) - 1), d1 = ln(F/K) / (σ√T) + σ√T/2, r = 0, T in 365-day years
from the row's own time. A leg is linear in delta between the two straddling strikes, at the money linear in ln(K/F) at 0;
between expiries each leg is linear in total variance σ²T. Never outside the strikes or the expiries that are there.
Source: the exchange's own deltas, which these agree with to 4e-5 beyond two days.

What is left out, and then not guessed: a row without a positive volatility, forward and strike; deltas under 0.005 and over
0.995; an expiry less than 24 hours away; a leg that no two neighboring strikes straddle, that more than one pair does (a
smile that is crossed), or whose pair is more than 0.35 of delta apart (a hole). Only the put's own rows make the put leg and the
call's own the call leg; at the money takes a strike's mean of both, or the one that is there. Quotes play no part: a zero or
crossed bid and ask cannot move a mark.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import erfc, sqrt
from statistics import NormalDist

import numpy as np

from bot.domain.chain import Floats, Ints, OptionChain

YEAR_MS = 365 * 86_400_000.0
DAY_MS = 86_400_000.0
LEG_DELTA = 0.25
LEG_D1 = NormalDist().inv_cdf(LEG_DELTA)
LIMIT_D1 = -NormalDist().inv_cdf(0.005)
WIDEST_DELTA = 0.35
WIDEST_LOG_STRIKE_SIGMAS = 1.0
NEAREST_EXPIRY_MS = DAY_MS


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Legs:
    """The smile of each usable expiry, nearest first, in % a year; nan where a leg is not known. `days` to expiry."""

    days: Floats
    put25: Floats
    call25: Floats
    atm: Floats


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenor:
    """The smile at one distance in days, in % a year; None where it is not known."""

    put25: float | None
    call25: float | None
    atm: float | None


def normal_cdf(x: Floats) -> Floats:
    """N(x). Hart's rational approximation as given by West (2005): within 1e-15 of the true value for all x."""
    size = np.minimum(np.abs(x), 37.0)
    top = np.full_like(size, 3.52624965998911e-02)
    for factor in _TOP:
        top *= size
        top += factor
    bottom = np.full_like(size, 8.83883476483184e-02)
    for factor in _BOTTOM:
        bottom *= size
        bottom += factor
    tail = np.exp(-0.5 * size * size) * top / bottom
    far = size >= 7.07106781186547
    if far.any():
        tail[far] = _far_tail(size[far])
    return np.where(x > 0.0, 1.0 - tail, tail)


_TOP = (
    0.700383064443688,
    6.37396220353165,
    33.912866078383,
    112.079291497871,
    221.213596169931,
    220.206867912376,
)
_BOTTOM = (
    1.75566716318264,
    16.064177579207,
    86.7807322029461,
    296.564248779674,
    637.333633378831,
    793.826512519948,
    440.413735824752,
)


def _far_tail(size: Floats) -> Floats:
    """The tail beyond seven sigmas, by a continued fraction."""
    fraction = size + 0.65
    for step in (4.0, 3.0, 2.0, 1.0):
        fraction = size + step / fraction
    return np.asarray(np.exp(-0.5 * size * size) / fraction / 2.506628274631)


def deltas(chain: OptionChain) -> Floats:
    """Each row's delta (a put's is negative), nan where volatility, forward or time is missing."""
    years = (chain.expires_ms - chain.row_ms) / YEAR_MS
    good = (years > 0.0) & (chain.mark_iv_pct > 0.0) & (chain.forward_usd > 0.0) & (chain.strike_usd > 0.0)
    out = np.full(len(chain), np.nan)
    sigma = chain.mark_iv_pct[good] / 100.0 * np.sqrt(years[good])
    d1 = np.log(chain.forward_usd[good] / chain.strike_usd[good]) / sigma + 0.5 * sigma
    out[good] = normal_cdf(d1) - ~chain.is_call[good]
    return out


def legs(chain: OptionChain, at_ms: float) -> Legs:
    """The smile of each expiry of a chain at a time: days, 25-delta put and call, at the money."""
    return _legs(chain, np.arange(len(chain)), at_ms)


def smile_at(chain: OptionChain, at_ms: float, days: float) -> Tenor:
    """The smile at a distance in days: `at_tenor` of all `legs`, from the two expiries around it alone where these have all three."""
    nearest = at_ms + NEAREST_EXPIRY_MS
    target = at_ms + days * DAY_MS
    expires = chain.expires_ms
    later = expires >= target
    sooner = ~later & (expires >= nearest)
    if sooner.any() and later.any():
        around = np.flatnonzero((expires == expires[sooner].max()) | (expires == expires[later].min()))
        found = at_tenor(_legs(chain, around, at_ms), days)
        if None not in (found.put25, found.call25, found.atm):
            return found
    return at_tenor(legs(chain, at_ms), days)


def _legs(chain: OptionChain, rows: Ints, at_ms: float) -> Legs:
    expires, strike, iv = chain.expires_ms[rows], chain.strike_usd[rows], chain.mark_iv_pct[rows]
    forward, row_ms = chain.forward_usd[rows], chain.row_ms[rows]
    usable = (expires - at_ms >= NEAREST_EXPIRY_MS) & (iv > 0.0) & (forward > 0.0) & (strike > 0.0) & (expires > row_ms)
    if not usable.all():
        return _legs(chain, rows[usable], at_ms)
    order = np.lexsort((strike, expires))
    expires, strike, iv, is_call = expires[order], strike[order], iv[order], chain.is_call[rows[order]]
    sigma = iv * np.sqrt((expires - row_ms[order]) * (1e-4 / YEAR_MS))
    moneyness = np.log(strike / forward[order])
    d1 = 0.5 * sigma - moneyness / sigma
    change = expires[1:] != expires[:-1]
    term = np.append(0, np.cumsum(change)) if len(rows) else rows
    terms = expires[np.append(True, change)] if len(rows) else expires
    inside = np.abs(d1) <= LIMIT_D1
    calls, puts = np.flatnonzero(inside & is_call), np.flatnonzero(inside & ~is_call)
    middle, middle_term, middle_iv, middle_sigma = _by_strike(term, strike, moneyness, iv, sigma)
    return Legs(
        days=np.asarray((terms - at_ms) / DAY_MS, np.float64),
        put25=_leg(-d1[puts], iv[puts], term[puts], len(terms)),
        call25=_leg(d1[calls], iv[calls], term[calls], len(terms)),
        atm=_crossing(middle, middle_iv, middle_term, len(terms), WIDEST_LOG_STRIKE_SIGMAS * middle_sigma),
    )


def _by_strike(
    term: Ints, strike: Floats, moneyness: Floats, iv: Floats, sigma: Floats
) -> tuple[Floats, Ints, Floats, Floats]:
    """Call and put of one strike made one: the mean moneyness, its expiry, the mean volatility, the mean sigma."""
    if not len(term):
        return moneyness, term, iv, sigma
    starts = np.flatnonzero(np.append(True, (strike[1:] != strike[:-1]) | (term[1:] != term[:-1])))
    count = np.diff(np.append(starts, len(term)))
    mean = [np.asarray(np.add.reduceat(column, starts) / count) for column in (moneyness, iv, sigma)]
    return mean[0], term[starts], mean[1], mean[2]


def _leg(score: Floats, iv: Floats, term: Ints, terms: int) -> Floats:
    """For each expiry the volatility at 25 delta, where a row's delta is N(score).

    Which strikes straddle 25 delta shows in the scores themselves; only theirs are then turned into deltas.
    """
    side = score - LEG_D1
    near = np.flatnonzero((side[:-1] < 0.0) != (side[1:] < 0.0))
    if not len(near):
        return np.full(terms, np.nan)
    pairs = np.unique(np.concatenate([near, near + 1]))
    exact = [0.5 * erfc(-value / sqrt(2.0)) - LEG_DELTA for value in score[pairs].tolist()]
    side = np.sign(side)
    side[pairs] = exact
    return _crossing(side, iv, term, terms, WIDEST_DELTA)


def _crossing(side: Floats, iv: Floats, term: Ints, terms: int, widest: float | Floats) -> Floats:
    """For each expiry the volatility where `side` crosses 0 between two neighbors; nan unless exactly one pair does."""
    out = np.full(terms, np.nan)
    if len(side) < 2:
        return out
    low, high = side[:-1], side[1:]
    first = np.flatnonzero(((low < 0.0) != (high < 0.0)) & (term[:-1] == term[1:]))
    group, low, high = term[first], low[first], high[first]
    limit = widest if isinstance(widest, float) else widest[first]
    good = (np.bincount(group, minlength=terms)[group] == 1) & (np.abs(high - low) <= limit)
    weight = low / (low - high)
    value = iv[first] + weight * (iv[first + 1] - iv[first])
    out[group[good]] = value[good]
    return out


def at_tenor(smile: Legs, days: float) -> Tenor:
    """The smile at a distance in days, each leg in total variance between the nearest expiries on both sides that have it."""
    return Tenor(
        put25=_between(smile.days, smile.put25, days),
        call25=_between(smile.days, smile.call25, days),
        atm=_between(smile.days, smile.atm, days),
    )


def _between(days: Floats, iv: Floats, tenor: float) -> float | None:
    """Linear in total variance; None outside the expiries, or where those around are too far apart to tell."""
    known = np.flatnonzero(~np.isnan(iv))
    place = int(np.searchsorted(days[known], tenor))
    if place < len(known) and days[known[place]] == tenor:
        return float(iv[known[place]])
    if place == 0 or place == len(known):
        return None
    near, far = known[place - 1], known[place]
    if days[far] - days[near] > widest_gap_days(tenor):
        return None
    low, high = iv[near] ** 2 * days[near], iv[far] ** 2 * days[far]
    variance = low + (high - low) * (tenor - days[near]) / (days[far] - days[near])
    return float(np.sqrt(variance / tenor))


def widest_gap_days(tenor: float) -> float:
    """How far apart the two expiries around a tenor may be: 35 days, or twice the tenor."""
    return max(35.0, 2.0 * tenor)
