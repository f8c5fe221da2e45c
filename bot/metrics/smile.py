"""The smile: from mark volatility and forward to 25-delta and at-the-money volatility at a fixed distance in days.

Formula: delta = N(d1) on the row's own forward (a put's is N(d1) - 1), d1 = ln(F/K) / (σ√T) + σ√T/2, r = 0, T in 365-day years
from the row's own time. A leg is linear in delta between the two straddling strikes, at the money linear in ln(K/F) at 0;
between expiries each leg is linear in total variance σ²T. Never outside the strikes or the expiries that are there.
Source: the exchange's own deltas, which these agree with to 4e-5 beyond two days.

What is left out, and then not guessed: a row without a volatility, forward and strike above 0 (and sane); deltas under 0.005 and over
0.995; an expiry less than 24 hours away; a leg that no two neighboring strikes straddle, that more than one pair does (a
smile that is crossed), or whose pair is more than 0.35 of delta apart (a hole). Only the put's own rows make the put leg and the
call's own the call leg; at the money takes a strike's mean of both, or the one that is there. Quotes play no part: a zero or
crossed bid and ask cannot move a mark.
"""

from __future__ import annotations

from bisect import bisect_left
from dataclasses import dataclass
from math import erfc, isnan, sqrt
from statistics import NormalDist

import numpy as np

from bot.domain.chain import Floats, Ints, OptionChain

YEAR_MS = 365 * 86_400_000.0
DAY_MS = 86_400_000.0
LEG_DELTA = 0.25
LEG_D1 = NormalDist().inv_cdf(LEG_DELTA)
ROOT_2 = sqrt(2.0)
LIMIT_D1 = -NormalDist().inv_cdf(0.005)
WIDEST_DELTA = 0.35
WIDEST_LOG_STRIKE_SIGMAS = 1.0
NEAREST_EXPIRY_MS = DAY_MS
MIN_IV_PCT, MAX_IV_PCT = 0.01, 10_000.0
MIN_PRICE_USD, MAX_PRICE_USD = 1e-9, 1e9


_NONE: Floats = np.empty(0)


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
    return _legs(chain, np.lexsort((chain.strike_usd, chain.expires_ms)), at_ms)


def smile_at(chain: OptionChain, at_ms: float, days: float) -> Tenor:
    """The smile at a distance in days: `at_tenor` of all `legs`, from the two expiries around it alone where these have all three."""
    nearest = at_ms + NEAREST_EXPIRY_MS
    target = at_ms + days * DAY_MS
    expires = chain.expires_ms
    is_later = expires >= target
    later, sooner = expires[is_later], expires[~is_later & (expires >= nearest)]
    if len(sooner) and len(later):
        around = ((expires == sooner.max()) | (expires == later.min())).nonzero()[0]
        around = around[np.lexsort((chain.strike_usd[around], expires[around]))]
        found = at_tenor(_legs(chain, around, at_ms), days)
        if None not in (found.put25, found.call25, found.atm):
            return found
    return at_tenor(legs(chain, at_ms), days)


def _legs(chain: OptionChain, rows: Ints, at_ms: float) -> Legs:
    """The smile of the expiries of some rows, which come sorted by expiry and strike."""
    expires, strike, iv = chain.expires_ms[rows], chain.strike_usd[rows], chain.mark_iv_pct[rows]
    forward, life_ms = chain.forward_usd[rows], expires - chain.row_ms[rows]
    usable = (life_ms > 0) & (expires >= at_ms + NEAREST_EXPIRY_MS) & (iv > MIN_IV_PCT) & (iv < MAX_IV_PCT)
    usable &= (
        (forward > MIN_PRICE_USD) & (forward < MAX_PRICE_USD) & (strike > MIN_PRICE_USD) & (strike < MAX_PRICE_USD)
    )
    if not usable.all():
        return _legs(chain, rows[usable], at_ms)
    if not len(rows):
        return Legs(days=_NONE, put25=_NONE, call25=_NONE, atm=_NONE)
    is_call = chain.is_call[rows]
    sigma = iv * np.sqrt(life_ms * (1e-4 / YEAR_MS))
    moneyness = np.log(strike / forward)
    d1 = 0.5 * sigma - moneyness / sigma
    is_new = np.empty(len(rows), np.bool_)
    is_new[0] = True
    np.not_equal(expires[1:], expires[:-1], out=is_new[1:])
    starts, term = is_new.nonzero()[0], is_new.cumsum() - 1
    inside = np.abs(d1) <= LIMIT_D1
    puts, calls = (inside & ~is_call).nonzero()[0], (inside & is_call).nonzero()[0]
    sides = np.concatenate((puts, calls))
    # Both legs in one go: the calls' expiries are counted on from the puts' last one.
    own_term = term[sides]
    own_term[len(puts) :] += len(starts)
    wings = _wings(np.concatenate((-d1[puts], d1[calls])), iv[sides], own_term, 2 * len(starts))
    return Legs(
        days=np.asarray((expires[starts] - at_ms) / DAY_MS, np.float64),
        put25=wings[: len(starts)],
        call25=wings[len(starts) :],
        atm=_at_the_money(moneyness, strike, iv, sigma, term, len(starts)),
    )


def _straddles(side: Floats, term: Ints) -> Ints:
    """The places before which `side` changes its sign, of the expiries in which it does so exactly once."""
    below = side < 0.0
    found = np.asarray(((below[1:] != below[:-1]) & (term[1:] == term[:-1])).nonzero()[0])
    expiries = term[found].tolist()
    if len(set(expiries)) == len(expiries):
        return found
    return found[[expiries.count(expiry) == 1 for expiry in expiries]]


def _wings(score: Floats, iv: Floats, term: Ints, terms: int) -> Floats:
    """For each term the volatility at 25 delta, where a row's delta is N(score): only the straddling rows' deltas are needed."""
    out = np.full(terms, np.nan)
    near = _straddles(score - LEG_D1, term)
    far = near + 1
    pairs = zip(
        term[near].tolist(), score[near].tolist(), score[far].tolist(), iv[near].tolist(), iv[far].tolist(), strict=True
    )
    for one, near_score, far_score, near_iv, far_iv in pairs:
        low, high = 0.5 * erfc(-near_score / ROOT_2) - LEG_DELTA, 0.5 * erfc(-far_score / ROOT_2) - LEG_DELTA
        if abs(high - low) <= WIDEST_DELTA:
            out[one] = near_iv + low / (low - high) * (far_iv - near_iv)
    return out


def _at_the_money(moneyness: Floats, strike: Floats, iv: Floats, sigma: Floats, term: Ints, terms: int) -> Floats:
    """For each expiry the volatility where ln(K/F) is 0; a strike's call and put count as their mean."""
    out = np.full(terms, np.nan)
    for place in _straddles(moneyness, term).tolist():
        near, far = _same_strike(place, strike, term), _same_strike(place + 1, strike, term)
        low, high = _mean(moneyness[near]), _mean(moneyness[far])
        first, second = _mean(iv[near]), _mean(iv[far])
        if high - low <= WIDEST_LOG_STRIKE_SIGMAS * sigma[place]:
            out[term[place]] = first + low / (low - high) * (second - first) if low != high else first
    return out


def _mean(values: Floats) -> float:
    told = values.tolist()
    return float(sum(told)) / len(told)


def _same_strike(row: int, strike: Floats, term: Ints) -> slice:
    """The rows beside `row` with its strike and expiry: call and put, or the one that is there."""
    first, last, own, expiry = row, row + 1, strike[row], term[row]
    while first > 0 and strike[first - 1] == own and term[first - 1] == expiry:
        first -= 1
    while last < len(strike) and strike[last] == own and term[last] == expiry:
        last += 1
    return slice(first, last)


def at_tenor(smile: Legs, days: float) -> Tenor:
    """The smile at a distance in days, each leg in total variance between the nearest expiries on both sides that have it."""
    terms = smile.days.tolist()
    return Tenor(
        put25=_between(terms, smile.put25.tolist(), days),
        call25=_between(terms, smile.call25.tolist(), days),
        atm=_between(terms, smile.atm.tolist(), days),
    )


def _between(days: list[float], iv: list[float], tenor: float) -> float | None:
    """Linear in total variance; None outside the expiries, or where those around are too far apart to tell."""
    known = [(term, one) for term, one in zip(days, iv, strict=True) if not isnan(one)]
    place = bisect_left(known, (tenor, 0.0))
    if place < len(known) and known[place][0] == tenor:
        return known[place][1]
    if place in (0, len(known)):
        return None
    (near, near_iv), (far, far_iv) = known[place - 1], known[place]
    if far - near > widest_gap_days(tenor):
        return None
    low, high = near_iv**2 * near, far_iv**2 * far
    return sqrt((low + (high - low) * (tenor - near) / (far - near)) / tenor)


def widest_gap_days(tenor: float) -> float:
    """How far apart the two expiries around a tenor may be: 35 days, or twice the tenor."""
    return max(35.0, 2.0 * tenor)
